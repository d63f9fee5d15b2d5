#pragma once

#include <functional>
#include <memory>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "ledger/gateway/shard_writer.h"
#include "ledger/gateway/timer.h"

namespace ledger {

// Reads of all shards, each from the node in force when it is asked, whether writes are held or
// not. A node that cannot be reached is asked again, on the route then in force, until the
// deadline. Safe for any thread. Answers come on gRPC's threads, the timer's, or the caller's own.
class Reads {
 public:
  template <typename Response>
  using Done = std::function<void(absl::StatusOr<Response>)>;

  // All must outlive it. At least one shard.
  Reads(const ShardWriters& shards, const base::Clock& clock, Timer& timer);
  ~Reads();  // Stops it. The timer must have been stopped.

  // Deadlines are wall times. Found objects are in the request's order; a transfer id that several
  // shards know is answered by each.
  void LookupAccounts(const pb::LookupRequest& request, absl::Time deadline,
                      Done<pb::AccountsResponse> done);
  void LookupTransfers(const pb::LookupRequest& request, absl::Time deadline,
                       Done<pb::TransfersResponse> done);
  void GetAccountTransfers(const pb::AccountFilter& request, absl::Time deadline,
                           Done<pb::TransfersResponse> done);
  void GetAccountBalances(const pb::AccountFilter& request, absl::Time deadline,
                          Done<pb::BalancesResponse> done);

  // Ends what is under way with UNAVAILABLE, and everything that comes later.
  void Stop();

 private:
  class Operation;
  template <typename Request, typename Response>
  class OperationOf;

  template <typename Request, typename Response>
  void Ask(const ShardWriter& shard, Request request, absl::Time deadline, Done<Response> done);
  template <typename Response>
  void AskOne(const pb::AccountFilter& request, absl::Time deadline, Done<Response> done);
  template <typename Response>
  void AskMany(const std::map<uint32_t, pb::LookupRequest>& requests,
               const pb::LookupRequest& order, absl::Time deadline, Done<Response> done);
  bool Begin(const std::shared_ptr<Operation>& operation);
  void End(const std::shared_ptr<Operation>& operation);
  bool Stopping() const;

  const ShardWriters& shards_;
  const base::Clock& clock_;
  Timer& timer_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<std::shared_ptr<Operation>> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
