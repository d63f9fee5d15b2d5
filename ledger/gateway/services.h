#pragma once

#include <set>

#include "hamisha/ledger/v1/gateway.grpc.pb.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "ledger/client/batch.h"
#include "ledger/gateway/control.h"
#include "ledger/gateway/reads.h"
#include "ledger/gateway/shard_writer.h"

namespace ledger {

// The client API over all shards. Writes are split by shard and joined again.
class ShardedLedgerService final : public pb::Ledger::CallbackService {
 public:
  // All must outlive it.
  ShardedLedgerService(const ShardWriters& shards, const ClosedClasses& closed, Reads& reads);

  grpc::ServerUnaryReactor* CreateAccounts(grpc::CallbackServerContext* context,
                                           const pb::CreateAccountsRequest* request,
                                           pb::CreateResponse* response) override;
  grpc::ServerUnaryReactor* CreateTransfers(grpc::CallbackServerContext* context,
                                            const pb::CreateTransfersRequest* request,
                                            pb::CreateResponse* response) override;
  grpc::ServerUnaryReactor* LookupAccounts(grpc::CallbackServerContext* context,
                                           const pb::LookupRequest* request,
                                           pb::AccountsResponse* response) override;
  grpc::ServerUnaryReactor* LookupTransfers(grpc::CallbackServerContext* context,
                                            const pb::LookupRequest* request,
                                            pb::TransfersResponse* response) override;
  grpc::ServerUnaryReactor* GetAccountTransfers(grpc::CallbackServerContext* context,
                                                const pb::AccountFilter* request,
                                                pb::TransfersResponse* response) override;
  grpc::ServerUnaryReactor* SetBalanceLimits(grpc::CallbackServerContext* context,
                                             const pb::SetBalanceLimitsRequest* request,
                                             pb::CreateResponse* response) override;
  grpc::ServerUnaryReactor* GetAccountBalances(grpc::CallbackServerContext* context,
                                               const pb::AccountFilter* request,
                                               pb::BalancesResponse* response) override;

 private:
  void Write(WriteBatch batch, ShardWriter::Done done);

  const ShardWriters& shards_;
  const ClosedClasses& closed_;
  Reads& reads_;
  std::set<uint32_t> numbers_;
};

// The control API. Its calls wait for the disk: they have threads of their own.
class GatewayService final : public pb::Gateway::Service {
 public:
  explicit GatewayService(GatewayControl& control) : control_(control) {}

  grpc::Status GetGatewayStatus(grpc::ServerContext* context,
                                const pb::GetGatewayStatusRequest* request,
                                pb::GatewayStatus* response) override;
  grpc::Status Hold(grpc::ServerContext* context, const pb::HoldRequest* request,
                    pb::GatewayStatus* response) override;
  grpc::Status Route(grpc::ServerContext* context, const pb::RouteRequest* request,
                     pb::GatewayStatus* response) override;
  grpc::Status Release(grpc::ServerContext* context, const pb::ReleaseRequest* request,
                       pb::GatewayStatus* response) override;
  grpc::Status Restrict(grpc::ServerContext* context, const pb::RestrictRequest* request,
                        pb::GatewayStatus* response) override;

 private:
  GatewayControl& control_;
};

}  // namespace ledger
