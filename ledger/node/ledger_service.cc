#include "ledger/node/ledger_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "base/status_macros.h"
#include "ledger/node/convert.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

void Fill(const BatchResult& result, uint32_t shard, pb::CreateResponse& response) {
  pb::Commit& commit = *response.add_commits();
  commit.set_shard(shard);
  commit.set_epoch(result.epoch);
  commit.set_position(result.position);
  commit.set_timestamp_ns(result.timestamp_ns);
  response.mutable_results()->Reserve(static_cast<int>(result.results.size()));
  for (const EventResult& event : result.results) {
    pb::EventResult& message = *response.add_results();
    message.set_index(event.index);
    message.set_code(event.code);
  }
}

// Of one row of an answer: as the history gives it, as a message, and as bytes on their way.
constexpr uint64_t kAnswerRowBytes = 640;

size_t RowsMax(const TransferFilter& filter) { return std::min(filter.limit, kBatchEventsMax); }

// Holds the room for an answer until it is sent.
class HistoryAnswer final : public grpc::ServerUnaryReactor {
 public:
  explicit HistoryAnswer(ReadPool::Room room) : room_(std::move(room)) {}
  void OnDone() override { delete this; }

 private:
  const ReadPool::Room room_;
};

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

}  // namespace

grpc::Status ToGrpcWithOwner(const absl::Status& status) {
  const absl::optional<absl::Cord> not_owner = status.GetPayload(kNotOwnerPayload);
  if (!not_owner) return rpc::ToGrpc(status);
  return rpc::ToGrpc(status, std::string(*not_owner));
}

LedgerService::LedgerService(uint32_t shard, Writer& writer, ReadPool& reads)
    : shard_(shard), writer_(writer), reads_(reads) {
  SetMessageAllocatorFor_CreateTransfers(&transfer_messages_);
  SetMessageAllocatorFor_CreateAccounts(&account_messages_);
}

template <typename Request>
grpc::ServerUnaryReactor* LedgerService::Create(Context* context, RecordKind kind,
                                                const Request& request,
                                                pb::CreateResponse* response) {
  auto rows = ToRows(request);
  if (!rows.ok()) return Refuse(context, rows.status());
  // Only one may be asked for in a call: a second one takes the place of the first.
  Reactor* const reactor = context->DefaultReactor();
  using Rows = typename decltype(rows)::value_type;
  const auto kept = std::make_shared<const Rows>(std::move(rows).value());
  Batch batch{
      .kind = kind,
      .epoch = request.epoch(),
      .body = {reinterpret_cast<const char*>(kept->data()),
               kept->size() * sizeof(typename Rows::value_type)},
      .done = [kept, reactor, response, shard = shard_](const absl::StatusOr<BatchResult>& result) {
        if (result.ok()) Fill(*result, shard, *response);
        reactor->Finish(ToGrpcWithOwner(result.status()));
      }};
  const absl::Status status = writer_.Submit(std::move(batch));
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* LedgerService::CreateAccounts(Context* context,
                                                        const pb::CreateAccountsRequest* request,
                                                        pb::CreateResponse* response) {
  return Create(context, RecordKind::kAccounts, *request, response);
}

grpc::ServerUnaryReactor* LedgerService::CreateTransfers(Context* context,
                                                         const pb::CreateTransfersRequest* request,
                                                         pb::CreateResponse* response) {
  return Create(context, RecordKind::kTransfers, *request, response);
}

grpc::ServerUnaryReactor* LedgerService::Read(Context* context,
                                              std::function<void(const Shard&)> read) {
  Reactor* const reactor = context->DefaultReactor();
  const absl::Status status = writer_.Submit([reactor, read = std::move(read)](Shard& shard) {
    if (const absl::Status readable = shard.CheckReadable(); !readable.ok()) {
      return reactor->Finish(ToGrpcWithOwner(readable));
    }
    read(shard);
    shard.WhenDurable(
        [reactor](const absl::Status& durable) { reactor->Finish(rpc::ToGrpc(durable)); });
  });
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* LedgerService::LookupAccounts(Context* context,
                                                        const pb::LookupRequest* request,
                                                        pb::AccountsResponse* response) {
  auto ids = ToIds(*request);
  if (!ids.ok()) return Refuse(context, ids.status());
  return Read(context, [ids = std::move(ids).value(), response](const Shard& shard) {
    for (const Id128& id : ids) {
      const std::optional<Account> account = shard.state().FindAccount(id);
      if (account.has_value()) ToMessage(*account, *response->add_accounts());
    }
  });
}

grpc::ServerUnaryReactor* LedgerService::ReadHistory(Context* context, size_t rows,
                                                     std::function<Rest(const Shard&)> begin) {
  absl::StatusOr<ReadPool::Room> room = reads_.Reserve(rows * kAnswerRowBytes);
  if (!room.ok()) return Refuse(context, room.status());
  Reactor* const reactor = new HistoryAnswer(*std::move(room));
  const auto finish = [this, reactor](const Rest& rest) {
    const absl::Status status =
        reads_.Submit([reactor, rest] { reactor->Finish(rpc::ToGrpc(rest())); });
    if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  };
  const absl::Status status = writer_.Submit([=, begin = std::move(begin)](Shard& shard) {
    if (const absl::Status readable = shard.CheckReadable(); !readable.ok()) {
      return reactor->Finish(ToGrpcWithOwner(readable));
    }
    shard.WhenDurable([reactor, finish, rest = begin(shard)](const absl::Status& durable) {
      durable.ok() ? finish(rest) : reactor->Finish(rpc::ToGrpc(durable));
    });
  });
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* LedgerService::LookupTransfers(Context* context,
                                                         const pb::LookupRequest* request,
                                                         pb::TransfersResponse* response) {
  auto ids = ToIds(*request);
  if (!ids.ok()) return Refuse(context, ids.status());
  const size_t rows = ids->size();
  const auto begin = [ids = std::move(ids).value(), response](const Shard& shard) -> Rest {
    std::vector<std::optional<Transfer>> found(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      if (const Transfer* const recent = shard.history().FindRecent(ids[i])) found[i] = *recent;
    }
    const uint64_t as_of_ns = shard.history().reached().newest_ns;
    return [=, &history = shard.history()]() mutable -> absl::Status {
      RETURN_IF_ERROR(history.Complete(ids, as_of_ns, found));
      for (const std::optional<Transfer>& transfer : found) {
        if (transfer) ToMessage(*transfer, *response->add_transfers());
      }
      return absl::OkStatus();
    };
  };
  return ReadHistory(context, rows, begin);
}

grpc::ServerUnaryReactor* LedgerService::GetAccountTransfers(Context* context,
                                                             const pb::AccountFilter* request,
                                                             pb::TransfersResponse* response) {
  const absl::StatusOr<TransferFilter> filter = ToFilter(*request);
  if (!filter.ok()) return Refuse(context, filter.status());
  return ReadHistory(context, RowsMax(*filter),
                     [filter = *filter, response](const Shard& shard) -> Rest {
                       const uint64_t as_of_ns = shard.history().reached().newest_ns;
                       return [=, &history = shard.history()]() -> absl::Status {
                         ASSIGN_OR_RETURN(const std::vector<Transfer> found,
                                          history.AccountTransfers(filter, as_of_ns));
                         for (const Transfer& transfer : found)
                           ToMessage(transfer, *response->add_transfers());
                         return absl::OkStatus();
                       };
                     });
}

grpc::ServerUnaryReactor* LedgerService::SetBalanceLimits(
    Context* context, const pb::SetBalanceLimitsRequest* request, pb::CreateResponse* response) {
  return Create(context, RecordKind::kBalanceLimits, *request, response);
}

grpc::ServerUnaryReactor* LedgerService::GetAccountBalances(Context* context,
                                                            const pb::AccountFilter* request,
                                                            pb::BalancesResponse* response) {
  const absl::StatusOr<TransferFilter> filter = ToFilter(*request);
  if (!filter.ok()) return Refuse(context, filter.status());
  return ReadHistory(context, RowsMax(*filter),
                     [filter = *filter, response](const Shard& shard) -> Rest {
                       const uint64_t as_of_ns = shard.history().reached().newest_ns;
                       return [=, &history = shard.history()]() -> absl::Status {
                         ASSIGN_OR_RETURN(const std::vector<BalanceRow> found,
                                          history.AccountBalances(filter, as_of_ns));
                         for (const BalanceRow& balances : found)
                           ToMessage(balances, *response->add_balances());
                         return absl::OkStatus();
                       };
                     });
}

}  // namespace ledger
