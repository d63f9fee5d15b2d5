#include "ledger/node/faults_service.h"

#include <utility>
#include <vector>

#include "rpc/rpc.h"

namespace ledger {

template <typename Damage, typename Note>
grpc::ServerUnaryReactor* FaultsService::Run(Context* context, Damage damage, Note note) {
  Reactor* const reactor = context->DefaultReactor();
  const absl::Status status = writer_.Run([=](Shard& shard) {
    const absl::StatusOr<std::vector<Id128>> accounts = damage(shard);
    if (accounts.ok()) {
      for (const Id128& id : *accounts) note(base::ToString(id));
    }
    reactor->Finish(rpc::ToGrpc(accounts.status()));
  });
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* FaultsService::FlipStateBit(Context* context,
                                                      const pb::FlipStateBitRequest* request,
                                                      pb::FlipStateBitResponse* response) {
  const Id128 account{.high = request->account_high(), .low = request->account_low()};
  return Run(
      context,
      [account, is_noticed = request->noticed()](Shard& shard) {
        return shard.FlipBitForLab(is_noticed, account);
      },
      [response](const std::string& id) { response->set_account_id(id); });
}

grpc::ServerUnaryReactor* FaultsService::ExchangeBalances(
    Context* context, const pb::ExchangeBalancesRequest* /*request*/, pb::FaultResponse* response) {
  return Run(
      context, [](Shard& shard) { return shard.ExchangeBalancesForLab(); },
      [response](const std::string& id) { response->add_account_ids(id); });
}

grpc::ServerUnaryReactor* FaultsService::ApplyTwice(Context* context,
                                                    const pb::ApplyTwiceRequest* request,
                                                    pb::FaultResponse* response) {
  const Id128 transfer{.high = request->transfer_high(), .low = request->transfer_low()};
  return Run(
      context, [transfer](Shard& shard) { return shard.ApplyTwiceForLab(transfer); },
      [response](const std::string& id) { response->add_account_ids(id); });
}

grpc::ServerUnaryReactor* FaultsService::DropRecord(Context* context,
                                                    const pb::DropRecordRequest* /*request*/,
                                                    pb::FaultResponse* /*response*/) {
  const auto drop = [](Shard& shard) -> absl::StatusOr<std::vector<Id128>> {
    shard.DropRecordForLab();
    return std::vector<Id128>();
  };
  return Run(context, drop, [](const std::string& /*id*/) {});
}

}  // namespace ledger
