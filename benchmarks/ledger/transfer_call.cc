#include "benchmarks/ledger/transfer_call.h"

#include "rpc/rpc.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr uint64_t kCallsPerChannel = 2;

// Connecting is not measured. Where it does not come about, the first call says why.
std::unique_ptr<pb::Ledger::Stub> Connected(const std::string& address) {
  constexpr int64_t kPatienceSeconds = 5;
  const std::shared_ptr<grpc::Channel> channel = rpc::Connect(address);
  channel->WaitForConnected(gpr_time_from_seconds(kPatienceSeconds, GPR_TIMESPAN));
  return pb::Ledger::NewStub(channel);
}

}  // namespace

TransferCall::TransferCall(pb::Ledger::Stub& stub, const TransferKind& kind, uint64_t seed)
    : stub_(stub),
      kind_(kind),
      random_(seed, 0),
      request_(google::protobuf::Arena::CreateMessage<pb::CreateTransfersRequest>(&arena_)),
      response_(google::protobuf::Arena::CreateMessage<pb::CreateResponse>(&arena_)) {}

void TransferCall::Fill(uint64_t first, uint64_t count) {
  auto& transfers = *request_->mutable_transfers();
  while (static_cast<uint64_t>(transfers.size()) > count) transfers.RemoveLast();
  while (static_cast<uint64_t>(transfers.size()) < count) {
    pb::Transfer& transfer = *transfers.Add();
    transfer.mutable_id()->set_high(1);
    transfer.set_amount(100);
    transfer.set_ledger(1);
    transfer.set_code(1);
  }
  for (pb::Transfer& transfer : transfers) {
    const uint64_t debit = 1 + random_.Below(kind_.accounts);
    ++first;  // No id is 0.
    if (kind_.random_ids) transfer.mutable_id()->set_high(lab::Mix(first));
    transfer.mutable_id()->set_low(first);
    transfer.mutable_debit_account_id()->set_low(debit);
    transfer.mutable_credit_account_id()->set_low(1 + debit % kind_.accounts);
  }
}

void TransferCall::Begin(grpc::CompletionQueue& queue) {
  response_->Clear();
  context_.emplace();
  reader_ = stub_.AsyncCreateTransfers(&*context_, *request_, &queue);
  reader_->Finish(response_, &status_, this);
}

absl::Status TransferCall::End() {
  if (!status_.ok()) return rpc::FromGrpc(status_);
  if (response_->results_size() == 0) return absl::OkStatus();
  return absl::InternalError("a transfer was not created: " +
                             response_->results(0).ShortDebugString());
}

TransferCalls::TransferCalls(const std::string& address, uint64_t count, const TransferKind& kind) {
  for (uint64_t i = 0; i < count; ++i) {
    if (i % kCallsPerChannel == 0) stubs_.push_back(Connected(address));
    calls_.push_back(std::make_unique<TransferCall>(*stubs_.back(), kind, i));
  }
}

}  // namespace benchmarks
