#include "lab/load/prepare.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/status_macros.h"
#include "ledger/core/status.h"
#include "ledger/core/types.h"

namespace lab {
namespace {

constexpr uint32_t kWorkersMax = 4;
constexpr uint64_t kOpeningIds = 0x6F70'656E'696E'6721;  // High half of the opening transfers' ids.

// Works through shards, several at a time; each batch is of one shard.
class Preparation {
 public:
  Preparation(Gateways& gateways, const Workload& workload, const AccountSpace& space)
      : gateways_(gateways), workload_(workload), space_(space) {}

  absl::Status Run(const std::function<void(const PrepareProgress&)>& report) {
    const absl::Duration started = gateways_.clock().MonotonicNow();
    const uint32_t workers = std::min(space_.shape().shards, kWorkersMax);
    {
      absl::MutexLock lock(&mutex_);
      working_ = workers;
    }
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < workers; ++i) threads.emplace_back([this] { Work(); });
    bool all = false;
    while (!all) {
      {
        absl::MutexLock lock(&mutex_);
        all = mutex_.AwaitWithTimeout(absl::Condition(this, &Preparation::Finished),
                                      absl::Seconds(1));
      }
      report({.accounts = space_.size(),
              .transfers = FundedAccounts(),
              .done = done_.load(),
              .elapsed = gateways_.clock().MonotonicNow() - started});
    }
    for (std::thread& thread : threads) thread.join();
    absl::MutexLock lock(&mutex_);
    return first_error_;
  }

 private:
  bool Finished() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return working_ == 0; }

  uint64_t FundedAccounts() const {
    uint64_t funded = 0;
    for (int kind = 0; kind <= static_cast<int>(AccountKind::kCustomer); ++kind) {
      if (OpeningBalance(workload_, static_cast<AccountKind>(kind)) == 0) continue;
      funded += space_.Count(static_cast<AccountKind>(kind));
    }
    return funded * space_.shape().shards;
  }

  void Work() {
    absl::Status status;
    while (status.ok() && !stop_.load()) {
      const uint32_t shard = next_shard_++;
      if (shard >= space_.shape().shards) break;
      status = CreateAccounts(shard);
      if (status.ok()) status = IssueFloat(shard);
    }
    if (!status.ok()) stop_ = true;
    absl::MutexLock lock(&mutex_);
    first_error_.Update(status);
    --working_;
  }

  absl::Status CreateAccounts(uint32_t shard) {
    const uint64_t per_shard = space_.shape().accounts_per_shard;
    pb::CreateAccountsRequest request;
    for (uint64_t number = 0; number < per_shard && !stop_.load(); ++number) {
      const uint64_t ordinal = shard * per_shard + number;
      const AccountKind kind = space_.KindOf(ordinal);
      pb::Account& account = *request.add_accounts();
      *account.mutable_id() = ToProto(space_.IdOf(ordinal));
      account.set_ledger(workload_.currency);
      account.set_code(static_cast<uint32_t>(kind) + 1);
      // TRUST is an asset; everything else is owed to somebody, and must not be overdrawn.
      account.set_flags(kind == AccountKind::kTrust
                            ? pb::ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS
                            : pb::ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS);
      if (request.accounts_size() < kLookupIdsMax && number + 1 < per_shard) continue;
      ASSIGN_OR_RETURN(const pb::CreateResponse response, gateways_.CreateAccounts(request));
      for (const pb::EventResult& result : response.results()) {
        const auto status = static_cast<ledger::AccountStatus>(result.code());
        if (status == ledger::AccountStatus::kExists) continue;
        return absl::FailedPreconditionError(absl::StrCat(
            "an account of shard ", shard, " cannot be created: ", ledger::ToString(status),
            "; was the platform prepared with another workload or size?"));
      }
      done_ += static_cast<uint64_t>(request.accounts_size());
      request.clear_accounts();
    }
    return absl::OkStatus();
  }

  absl::Status IssueFloat(uint32_t shard) {
    const uint64_t per_shard = space_.shape().accounts_per_shard;
    pb::CreateTransfersRequest request;
    for (uint64_t number = 0; number < per_shard && !stop_.load(); ++number) {
      const uint64_t ordinal = shard * per_shard + number;
      const uint64_t amount = OpeningBalance(workload_, space_.KindOf(ordinal));
      if (amount > 0) {
        Transaction issue;
        issue.kind = Kind::kFloatIssue;
        issue.legs = {{.id = {kOpeningIds, ordinal + 1},
                       .debit = space_.Id(shard, AccountKind::kTrust, 0),
                       .credit = space_.IdOf(ordinal),
                       .amount = amount}};
        AppendChain(issue, workload_.currency, request);
      }
      const bool last = number + 1 == per_shard;
      if (request.transfers_size() == 0 || (request.transfers_size() < kLookupIdsMax && !last)) {
        continue;
      }
      RETURN_IF_ERROR(SendFloat(request, shard));
      request.clear_transfers();
    }
    return absl::OkStatus();
  }

  absl::Status SendFloat(const pb::CreateTransfersRequest& request, uint32_t shard) {
    ASSIGN_OR_RETURN(const pb::CreateResponse response, gateways_.CreateTransfers(request));
    for (const pb::EventResult& result : response.results()) {
      const auto status = static_cast<ledger::TransferStatus>(result.code());
      if (status == ledger::TransferStatus::kExists) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "an opening balance of shard ", shard, " cannot be issued: ", ledger::ToString(status),
          "; was the platform prepared with another workload or size?"));
    }
    done_ += static_cast<uint64_t>(request.transfers_size());
    return absl::OkStatus();
  }

  Gateways& gateways_;
  const Workload& workload_;
  const AccountSpace& space_;
  std::atomic<uint32_t> next_shard_{0};
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> stop_{false};
  absl::Mutex mutex_;
  uint32_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status first_error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status Prepare(Gateways& gateways, const Workload& workload, const AccountSpace& space,
                     const std::function<void(const PrepareProgress&)>& report) {
  return Preparation(gateways, workload, space).Run(report);
}

}  // namespace lab
