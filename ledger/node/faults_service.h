#pragma once

#include "hamisha/ledger/v1/node.grpc.pb.h"
#include "ledger/node/writer.h"

namespace ledger {

// hamisha/ledger/v1/node.proto. Only with `lab_faults`.
class FaultsService final : public pb::Faults::CallbackService {
 public:
  explicit FaultsService(Writer& writer) : writer_(writer) {}

  using Reactor = grpc::ServerUnaryReactor;
  using Context = grpc::CallbackServerContext;
  Reactor* FlipStateBit(Context* context, const pb::FlipStateBitRequest* request,
                        pb::FlipStateBitResponse* response) override;
  Reactor* ExchangeBalances(Context* context, const pb::ExchangeBalancesRequest* request,
                            pb::FaultResponse* response) override;
  Reactor* ApplyTwice(Context* context, const pb::ApplyTwiceRequest* request,
                      pb::FaultResponse* response) override;
  Reactor* DropRecord(Context* context, const pb::DropRecordRequest* request,
                      pb::FaultResponse* response) override;

 private:
  // `damage`: gives the accounts that it damaged; `note` is told their ids.
  template <typename Damage, typename Note>
  Reactor* Run(Context* context, Damage damage, Note note);

  Writer& writer_;
};

}  // namespace ledger
