// A ledger node for tests of what stands before it: remembers what it executed, and does what it
// is told to calls.
#pragma once

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "rpc/rpc.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

constexpr absl::Duration kPatience = absl::Seconds(20);  // Until a test gives up.

class FakeLedger final : public pb::Ledger::Service {
 public:
  explicit FakeLedger(uint32_t shard = 0, uint64_t epoch = 1) : shard_(shard), epoch_(epoch) {}

  enum class Mode {
    kServes,
    kRefuses,           // With `not_owner`.
    kExecutesAndHangs,  // Executes a write, and answers it only after Let().
    kHangs,             // Does with a write after Let() what the mode is then.
  };
  void Set(Mode mode, pb::NotOwner not_owner = {}) {
    absl::MutexLock lock(&mutex_);
    mode_ = mode;
    not_owner_ = std::move(not_owner);
  }
  // Lets hanging calls go on.
  void Let() {
    absl::MutexLock lock(&mutex_);
    ++lets_;
  }
  void FailNext(grpc::Status status, bool execute) {
    absl::MutexLock lock(&mutex_);
    fail_next_ = {std::move(status), execute};
  }
  void AwaitWriteCalls(uint64_t calls) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&] { return write_calls_ >= calls; };
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&reached), kPatience));
  }
  std::vector<uint64_t> Executed() {
    absl::MutexLock lock(&mutex_);
    return executed_;
  }
  uint64_t write_calls() {
    absl::MutexLock lock(&mutex_);
    return write_calls_;
  }
  uint64_t last_epoch() {
    absl::MutexLock lock(&mutex_);
    return last_epoch_;
  }

  grpc::Status CreateTransfers(grpc::ServerContext* context,
                               const pb::CreateTransfersRequest* request,
                               pb::CreateResponse* response) override {
    absl::MutexLock lock(&mutex_);
    ++write_calls_;
    last_epoch_ = request->epoch();
    if (mode_ == Mode::kHangs) Hang(context);
    if (mode_ == Mode::kRefuses) return Refusal();
    if (fail_next_) {
      const auto [status, execute] = *std::exchange(fail_next_, std::nullopt);
      if (execute) Execute(*request, response);
      response->Clear();
      return status;
    }
    Execute(*request, response);
    if (mode_ == Mode::kExecutesAndHangs) Hang(context);
    return grpc::Status::OK;
  }

  grpc::Status LookupTransfers(grpc::ServerContext* /*context*/, const pb::LookupRequest* request,
                               pb::TransfersResponse* response) override {
    absl::MutexLock lock(&mutex_);
    for (const pb::Id& id : request->ids()) {
      const auto found = transfers_.find(id.low());
      if (found != transfers_.end()) *response->add_transfers() = found->second;
    }
    return grpc::Status::OK;
  }

  grpc::Status LookupAccounts(grpc::ServerContext* /*context*/, const pb::LookupRequest* request,
                              pb::AccountsResponse* response) override {
    for (const pb::Id& id : request->ids()) {
      pb::Account* account = response->add_accounts();
      *account->mutable_id() = id;
      account->set_code(shard_ + 1);
    }
    return grpc::Status::OK;
  }

  // Finds no account.
  grpc::Status SetBalanceLimits(grpc::ServerContext* /*context*/,
                                const pb::SetBalanceLimitsRequest* request,
                                pb::CreateResponse* response) override {
    for (int index = 0; index < request->limits_size(); ++index) {
      pb::EventResult* result = response->add_results();
      result->set_index(static_cast<uint32_t>(index));
      result->set_code(1);
    }
    response->add_commits()->set_shard(shard_);
    return grpc::Status::OK;
  }

  grpc::Status GetAccountBalances(grpc::ServerContext* /*context*/,
                                  const pb::AccountFilter* /*request*/,
                                  pb::BalancesResponse* response) override {
    response->add_balances()->set_debits_posted(shard_ + 1);
    return grpc::Status::OK;
  }

 private:
  void Hang(grpc::ServerContext* context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t lets = lets_;
    const auto let = [&] { return lets_ > lets; };
    while (!context->IsCancelled() &&
           !mutex_.AwaitWithTimeout(absl::Condition(&let), absl::Milliseconds(10))) {
    }
  }

  grpc::Status Refusal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return rpc::ToGrpc(absl::FailedPreconditionError("not the owner"),
                       not_owner_.SerializeAsString());
  }

  // Single events only.
  void Execute(const pb::CreateTransfersRequest& request, pb::CreateResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (int index = 0; index < request.transfers_size(); ++index) {
      const pb::Transfer& transfer = request.transfers(index);
      if (transfers_.emplace(transfer.id().low(), transfer).second) {
        executed_.push_back(transfer.id().low());
        continue;
      }
      pb::EventResult* result = response->add_results();
      result->set_index(static_cast<uint32_t>(index));
      result->set_code(46);
    }
    pb::Commit* commit = response->add_commits();
    commit->set_shard(shard_);
    commit->set_epoch(epoch_);
    commit->set_position(++position_);
  }

  const uint32_t shard_;
  const uint64_t epoch_;
  absl::Mutex mutex_;
  Mode mode_ = Mode::kServes;
  pb::NotOwner not_owner_;
  uint64_t lets_ = 0;
  uint64_t write_calls_ = 0;
  uint64_t last_epoch_ = 0;
  uint64_t position_ = 0;
  std::optional<std::pair<grpc::Status, bool>> fail_next_;
  std::vector<uint64_t> executed_;
  std::map<uint64_t, pb::Transfer> transfers_;
};

// A FakeLedger on a port of its own.
class FakeNode {
 public:
  explicit FakeNode(uint32_t shard = 0, uint64_t epoch = 1) : ledger(shard, epoch) {
    Start("127.0.0.1:0");
  }
  ~FakeNode() { Break(); }

  // Every connection breaks, and calls under way with them.
  void Break() {
    if (running_.server == nullptr) return;
    running_.server->Shutdown(absl::ToChronoTime(absl::UnixEpoch()));
    running_.server->Wait();
    running_.server = nullptr;
  }
  void StartAgain() { Start(running_.address); }
  const std::string& address() const { return running_.address; }

  FakeLedger ledger;

 private:
  void Start(const std::string& listen) {
    auto running = rpc::Serve({.listen = listen, .services = {&ledger}});
    REQUIRE(running.ok());
    running_ = *std::move(running);
  }

  rpc::RunningServer running_;
};

// A transfer between two accounts of the shard.
inline void AddTransfer(uint64_t id, uint64_t debit_shard, uint64_t credit_shard,
                        pb::CreateTransfersRequest* request) {
  pb::Transfer* transfer = request->add_transfers();
  transfer->mutable_id()->set_low(id);
  transfer->mutable_debit_account_id()->set_high(debit_shard << 48);
  transfer->mutable_debit_account_id()->set_low(1);
  transfer->mutable_credit_account_id()->set_high(credit_shard << 48);
  transfer->mutable_credit_account_id()->set_low(2);
}

inline pb::CreateTransfersRequest TransferOn(uint64_t shard, uint64_t id) {
  pb::CreateTransfersRequest request;
  AddTransfer(id, shard, shard, &request);
  return request;
}

}  // namespace ledger
