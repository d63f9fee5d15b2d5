#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "hamisha/ledger/v1/ledger.grpc.pb.h"
#include "ledger/core/memory_transfer_store.h"
#include "ledger/core/state_machine.h"

namespace lab {

// What goes wrong with calls, in percent of them.
struct Faults {
  uint32_t not_executed = 0;  // RESOURCE_EXHAUSTED.
  uint32_t before = 0;        // UNAVAILABLE, and it was not executed.
  uint32_t after = 0;         // UNAVAILABLE, DEADLINE_EXCEEDED or CANCELLED, and it was executed.
  uint32_t forgotten = 0;     // OK, and it was not executed: a ledger that loses.
  uint32_t twice = 0;         // OK, and the money moved twice: a ledger that duplicates.
};

// All shards of a platform behind one gateway, in memory. Safe for any thread.
class FakePlatform final : public hamisha::ledger::v1::Ledger::Service {
 public:
  FakePlatform(uint32_t shards, uint32_t seed);
  void set_faults(const Faults& faults);
  uint64_t calls_failed() const;

  grpc::Status CreateAccounts(grpc::ServerContext* context,
                              const hamisha::ledger::v1::CreateAccountsRequest* request,
                              hamisha::ledger::v1::CreateResponse* response) override;
  grpc::Status CreateTransfers(grpc::ServerContext* context,
                               const hamisha::ledger::v1::CreateTransfersRequest* request,
                               hamisha::ledger::v1::CreateResponse* response) override;
  grpc::Status LookupAccounts(grpc::ServerContext* context,
                              const hamisha::ledger::v1::LookupRequest* request,
                              hamisha::ledger::v1::AccountsResponse* response) override;
  grpc::Status LookupTransfers(grpc::ServerContext* context,
                               const hamisha::ledger::v1::LookupRequest* request,
                               hamisha::ledger::v1::TransfersResponse* response) override;
  grpc::Status GetAccountTransfers(grpc::ServerContext* context,
                                   const hamisha::ledger::v1::AccountFilter* request,
                                   hamisha::ledger::v1::TransfersResponse* response) override;

 private:
  bool Happens(uint32_t percent) { return random_() % 100 < percent; }
  grpc::Status Fail(grpc::StatusCode code);
  void MoveAgain(const std::vector<ledger::Transfer>& batch, ledger::StateMachine& shard);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ledger::MemoryTransferStore>> stores_;
  std::vector<std::unique_ptr<ledger::StateMachine>> shards_;
  std::mt19937 random_;
  Faults faults_;
  uint64_t timestamp_ns_ = 1'000'000;
  uint64_t copies_ = 0;
  uint64_t calls_failed_ = 0;
};

}  // namespace lab
