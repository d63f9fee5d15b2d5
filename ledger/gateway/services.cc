#include "ledger/gateway/services.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "ledger/gateway/split.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

// Ends the RPC with the answer. `response` lives until then.
template <typename Response>
auto Finisher(grpc::ServerUnaryReactor* reactor, Response* response) {
  return [reactor, response](absl::StatusOr<Response> answer) {
    if (!answer.ok()) return reactor->Finish(rpc::ToGrpc(answer.status()));
    *response = *std::move(answer);
    reactor->Finish(grpc::Status::OK);
  };
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  return absl::FromChrono(context.deadline());
}

template <typename Response>
grpc::Status Answer(absl::StatusOr<Response> answer, Response* response) {
  if (!answer.ok()) return rpc::ToGrpc(answer.status());
  *response = *std::move(answer);
  return grpc::Status::OK;
}

}  // namespace

ShardedLedgerService::ShardedLedgerService(const ShardWriters& shards, const ClosedClasses& closed,
                                           Reads& reads)
    : shards_(shards), closed_(closed), reads_(reads) {
  for (const auto& [shard, writer] : shards_) numbers_.insert(shard);
}

void ShardedLedgerService::Write(WriteBatch batch, ShardWriter::Done done) {
  if (absl::Status status = Validate(batch); !status.ok()) return done(std::move(status));
  if (absl::Status status = closed_.Check(batch); !status.ok()) return done(std::move(status));
  Split split = SplitByShard(std::move(batch), numbers_);
  if (split.parts.size() == 1 && split.refused.empty()) {
    Part& whole = split.parts.front();
    return shards_.at(whole.shard)->Write(std::move(whole.batch), std::move(done));
  }
  struct Shared {
    absl::Mutex mutex;
    Join join;
    ShardWriter::Done done;
  };
  std::vector<std::vector<uint32_t>> indexes;
  for (Part& part : split.parts) indexes.push_back(std::move(part.indexes));
  const auto shared = std::shared_ptr<Shared>(
      new Shared{{}, Join(std::move(indexes), std::move(split.refused)), std::move(done)});
  if (split.parts.empty()) return shared->done(shared->join.Finish());
  for (size_t index = 0; index < split.parts.size(); ++index) {
    Part& part = split.parts[index];
    shards_.at(part.shard)
        ->Write(std::move(part.batch), [shared, index](absl::StatusOr<pb::CreateResponse> answer) {
          {
            absl::MutexLock lock(&shared->mutex);
            if (!shared->join.Add(index, std::move(answer))) return;
          }
          shared->done(shared->join.Finish());
        });
  }
}

grpc::ServerUnaryReactor* ShardedLedgerService::CreateAccounts(
    grpc::CallbackServerContext* context, const pb::CreateAccountsRequest* request,
    pb::CreateResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Write(*request, Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::CreateTransfers(
    grpc::CallbackServerContext* context, const pb::CreateTransfersRequest* request,
    pb::CreateResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Write(*request, Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::LookupAccounts(grpc::CallbackServerContext* context,
                                                               const pb::LookupRequest* request,
                                                               pb::AccountsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reads_.LookupAccounts(*request, DeadlineOf(*context), Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::LookupTransfers(
    grpc::CallbackServerContext* context, const pb::LookupRequest* request,
    pb::TransfersResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reads_.LookupTransfers(*request, DeadlineOf(*context), Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::GetAccountTransfers(
    grpc::CallbackServerContext* context, const pb::AccountFilter* request,
    pb::TransfersResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reads_.GetAccountTransfers(*request, DeadlineOf(*context), Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::SetBalanceLimits(
    grpc::CallbackServerContext* context, const pb::SetBalanceLimitsRequest* request,
    pb::CreateResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Write(*request, Finisher(reactor, response));
  return reactor;
}

grpc::ServerUnaryReactor* ShardedLedgerService::GetAccountBalances(
    grpc::CallbackServerContext* context, const pb::AccountFilter* request,
    pb::BalancesResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reads_.GetAccountBalances(*request, DeadlineOf(*context), Finisher(reactor, response));
  return reactor;
}

grpc::Status GatewayService::GetGatewayStatus(grpc::ServerContext* /*context*/,
                                              const pb::GetGatewayStatusRequest* /*request*/,
                                              pb::GatewayStatus* response) {
  *response = control_.Status();
  return grpc::Status::OK;
}

grpc::Status GatewayService::Hold(grpc::ServerContext* /*context*/, const pb::HoldRequest* request,
                                  pb::GatewayStatus* response) {
  return Answer(control_.Hold(*request), response);
}

grpc::Status GatewayService::Route(grpc::ServerContext* /*context*/,
                                   const pb::RouteRequest* request, pb::GatewayStatus* response) {
  return Answer(control_.Route(*request), response);
}

grpc::Status GatewayService::Release(grpc::ServerContext* /*context*/,
                                     const pb::ReleaseRequest* request,
                                     pb::GatewayStatus* response) {
  return Answer(control_.Release(*request), response);
}

grpc::Status GatewayService::Restrict(grpc::ServerContext* /*context*/,
                                      const pb::RestrictRequest* request,
                                      pb::GatewayStatus* response) {
  return Answer(control_.Restrict(*request), response);
}

}  // namespace ledger
