#include "tests/lab/load/fake_platform.h"

#include "lab/load/gateways.h"
#include "ledger/core/types.h"

namespace lab {
namespace {

ledger::Account ToCore(const pb::Account& proto) {
  ledger::Account account{};
  account.id = FromProto(proto.id());
  account.ledger = proto.ledger();
  account.code = static_cast<uint16_t>(proto.code());
  account.flags = static_cast<uint16_t>(proto.flags());
  return account;
}

ledger::Transfer ToCore(const pb::Transfer& proto) {
  ledger::Transfer transfer{};
  transfer.id = FromProto(proto.id());
  transfer.debit_account_id = FromProto(proto.debit_account_id());
  transfer.credit_account_id = FromProto(proto.credit_account_id());
  transfer.amount = proto.amount();
  transfer.user_data_128 = FromProto(proto.user_data_128());
  transfer.ledger = proto.ledger();
  transfer.code = static_cast<uint16_t>(proto.code());
  transfer.flags = static_cast<uint16_t>(proto.flags());
  return transfer;
}

void Fill(const ledger::Transfer& transfer, pb::Transfer& proto) {
  *proto.mutable_id() = ToProto(transfer.id);
  *proto.mutable_debit_account_id() = ToProto(transfer.debit_account_id);
  *proto.mutable_credit_account_id() = ToProto(transfer.credit_account_id);
  proto.set_amount(transfer.amount);
  proto.set_ledger(transfer.ledger);
  proto.set_code(transfer.code);
  proto.set_flags(transfer.flags);
  proto.set_timestamp_ns(transfer.timestamp_ns);
}

void Fill(const std::vector<ledger::EventResult>& results, pb::CreateResponse& response) {
  for (const ledger::EventResult& result : results) {
    pb::EventResult& proto = *response.add_results();
    proto.set_index(result.index);
    proto.set_code(result.code);
  }
}

}  // namespace

FakePlatform::FakePlatform(uint32_t shards, uint32_t seed) : random_(seed) {
  for (uint32_t shard = 0; shard < shards; ++shard) {
    stores_.push_back(std::make_unique<ledger::MemoryTransferStore>());
    shards_.push_back(std::make_unique<ledger::StateMachine>(shard, *stores_.back()));
  }
}

void FakePlatform::set_faults(const Faults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

uint64_t FakePlatform::calls_failed() const {
  const std::lock_guard lock(mutex_);
  return calls_failed_;
}

grpc::Status FakePlatform::Fail(grpc::StatusCode code) {
  ++calls_failed_;
  return {code, "planted"};
}

grpc::Status FakePlatform::CreateAccounts(grpc::ServerContext* /*context*/,
                                          const pb::CreateAccountsRequest* request,
                                          pb::CreateResponse* response) {
  const std::lock_guard lock(mutex_);
  if (Happens(faults_.before)) return Fail(grpc::StatusCode::UNAVAILABLE);
  std::vector<ledger::Account> batch;
  for (const pb::Account& account : request->accounts()) batch.push_back(ToCore(account));
  timestamp_ns_ += batch.size();
  ledger::StateMachine& shard = *shards_.at(ledger::ShardOfAccount(batch.at(0).id));
  Fill(shard.CreateAccounts(batch, timestamp_ns_), *response);
  return grpc::Status::OK;
}

grpc::Status FakePlatform::CreateTransfers(grpc::ServerContext* /*context*/,
                                           const pb::CreateTransfersRequest* request,
                                           pb::CreateResponse* response) {
  const std::lock_guard lock(mutex_);
  if (Happens(faults_.not_executed)) return Fail(grpc::StatusCode::RESOURCE_EXHAUSTED);
  if (Happens(faults_.before)) return Fail(grpc::StatusCode::UNAVAILABLE);
  if (Happens(faults_.forgotten)) return grpc::Status::OK;
  std::vector<ledger::Transfer> batch;
  for (const pb::Transfer& transfer : request->transfers()) batch.push_back(ToCore(transfer));
  timestamp_ns_ += batch.size();
  ledger::StateMachine& shard = *shards_.at(ledger::ShardOfAccount(batch.at(0).debit_account_id));
  Fill(shard.CreateTransfers(batch, timestamp_ns_), *response);
  if (Happens(faults_.twice)) MoveAgain(batch, shard);
  if (!Happens(faults_.after)) return grpc::Status::OK;
  constexpr std::array kCodes = {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED,
                                 grpc::StatusCode::CANCELLED};
  return Fail(kCodes.at(random_() % kCodes.size()));
}

void FakePlatform::MoveAgain(const std::vector<ledger::Transfer>& batch,
                             ledger::StateMachine& shard) {
  std::vector<ledger::Transfer> copies = batch;
  for (ledger::Transfer& copy : copies) copy.id = {0xC0B1E5, ++copies_};
  timestamp_ns_ += copies.size();
  shard.CreateTransfers(copies, timestamp_ns_);
}

grpc::Status FakePlatform::LookupAccounts(grpc::ServerContext* /*context*/,
                                          const pb::LookupRequest* request,
                                          pb::AccountsResponse* response) {
  const std::lock_guard lock(mutex_);
  for (const pb::Id& id : request->ids()) {
    const base::Id128 key = FromProto(id);
    const auto account = shards_.at(ledger::ShardOfAccount(key))->FindAccount(key);
    if (!account.has_value()) continue;
    pb::Account& proto = *response->add_accounts();
    *proto.mutable_id() = id;
    proto.set_debits_posted(account->debits_posted);
    proto.set_credits_posted(account->credits_posted);
  }
  return grpc::Status::OK;
}

grpc::Status FakePlatform::LookupTransfers(grpc::ServerContext* /*context*/,
                                           const pb::LookupRequest* request,
                                           pb::TransfersResponse* response) {
  const std::lock_guard lock(mutex_);
  for (const pb::Id& id : request->ids()) {
    for (const auto& shard : shards_) {
      const ledger::Transfer* transfer = shard->FindTransfer(FromProto(id));
      if (transfer != nullptr) Fill(*transfer, *response->add_transfers());
    }
  }
  return grpc::Status::OK;
}

grpc::Status FakePlatform::GetAccountTransfers(grpc::ServerContext* /*context*/,
                                               const pb::AccountFilter* request,
                                               pb::TransfersResponse* response) {
  const std::lock_guard lock(mutex_);
  ledger::TransferFilter filter;
  filter.account_id = FromProto(request->account_id());
  filter.timestamp_min_ns = request->timestamp_min_ns();
  filter.limit = request->limit();
  filter.debits = request->debits();
  filter.credits = request->credits();
  const auto& store = stores_.at(ledger::ShardOfAccount(filter.account_id));
  for (const ledger::Transfer& transfer : store->AccountTransfers(filter)) {
    Fill(transfer, *response->add_transfers());
  }
  return grpc::Status::OK;
}

}  // namespace lab
