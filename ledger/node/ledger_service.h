#pragma once

#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "ledger/node/arena_messages.h"
#include "ledger/node/read_pool.h"
#include "ledger/node/writer.h"

namespace ledger {

// A status with its NotOwner, when it has one, in the details.
grpc::Status ToGrpcWithOwner(const absl::Status& status);

// The client API of one node: hamisha/ledger/v1/ledger.proto.
class LedgerService final : public ::hamisha::ledger::v1::Ledger::CallbackService {
 public:
  // All must outlive it.
  LedgerService(uint32_t shard, Writer& writer, ReadPool& reads);

  using Reactor = grpc::ServerUnaryReactor;
  using Context = grpc::CallbackServerContext;
  Reactor* CreateAccounts(Context* context,
                          const ::hamisha::ledger::v1::CreateAccountsRequest* request,
                          ::hamisha::ledger::v1::CreateResponse* response) override;
  Reactor* CreateTransfers(Context* context,
                           const ::hamisha::ledger::v1::CreateTransfersRequest* request,
                           ::hamisha::ledger::v1::CreateResponse* response) override;
  Reactor* LookupAccounts(Context* context, const ::hamisha::ledger::v1::LookupRequest* request,
                          ::hamisha::ledger::v1::AccountsResponse* response) override;
  Reactor* LookupTransfers(Context* context, const ::hamisha::ledger::v1::LookupRequest* request,
                           ::hamisha::ledger::v1::TransfersResponse* response) override;
  Reactor* GetAccountTransfers(Context* context,
                               const ::hamisha::ledger::v1::AccountFilter* request,
                               ::hamisha::ledger::v1::TransfersResponse* response) override;
  Reactor* SetBalanceLimits(Context* context,
                            const ::hamisha::ledger::v1::SetBalanceLimitsRequest* request,
                            ::hamisha::ledger::v1::CreateResponse* response) override;
  Reactor* GetAccountBalances(Context* context, const ::hamisha::ledger::v1::AccountFilter* request,
                              ::hamisha::ledger::v1::BalancesResponse* response) override;

 private:
  template <typename Request>
  Reactor* Create(Context* context, RecordKind kind, const Request& request,
                  ::hamisha::ledger::v1::CreateResponse* response);
  // Runs `read` on the writer thread and answers once what it saw is durable.
  Reactor* Read(Context* context, std::function<void(const Shard&)> read);

  const uint32_t shard_;
  // Runs `begin` on the writer thread, and once all that it saw is durable what it gave on a thread
  // for reading.
  using Rest = std::function<absl::Status()>;
  // `rows`: as many the answer has at most.
  Reactor* ReadHistory(Context* context, size_t rows, std::function<Rest(const Shard&)> begin);

  Writer& writer_;
  ReadPool& reads_;
  ArenaMessages<::hamisha::ledger::v1::CreateTransfersRequest,
                ::hamisha::ledger::v1::CreateResponse>
      transfer_messages_;
  ArenaMessages<::hamisha::ledger::v1::CreateAccountsRequest, ::hamisha::ledger::v1::CreateResponse>
      account_messages_;
};

}  // namespace ledger
