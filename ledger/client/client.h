#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "hamisha/ledger/v1/ledger.grpc.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

struct ClientOptions {
  // host:port of the nodes of one shard, or of gateways. At least one.
  std::vector<std::string> addresses;
  absl::Duration timeout = absl::Seconds(30);     // Of an operation with all its tries.
  absl::Duration try_timeout = absl::Seconds(5);  // Of one try.
  const base::Clock* clock = &base::SystemClock();
  std::function<void(absl::Duration)> pause;  // Waits between tries; absl::SleepFor unless set.
};

// A client of a ledger node or of a gateway that waits for its answers.
//
// It goes where NotOwner says that the owner serves, and otherwise from address to address, until
// an answer comes or the time is over. What may have been executed is sent again with the same
// ids, and `exists` that answers such a repeat is taken out of the results: they say what became
// of the request, not of its last try.
//
// Errors: INVALID_ARGUMENT, FAILED_PRECONDITION and RESOURCE_EXHAUSTED mean that nothing was
// executed in any try; after any other (UNAVAILABLE above all) a write may have been, and may be
// sent again with the same ids.
//
// Safe for any thread; the calling thread blocks.
class Client {
 public:
  explicit Client(ClientOptions options);

  absl::StatusOr<pb::CreateResponse> CreateAccounts(const pb::CreateAccountsRequest& request);
  absl::StatusOr<pb::CreateResponse> CreateTransfers(const pb::CreateTransfersRequest& request);
  absl::StatusOr<pb::AccountsResponse> LookupAccounts(const pb::LookupRequest& request);
  absl::StatusOr<pb::TransfersResponse> LookupTransfers(const pb::LookupRequest& request);
  absl::StatusOr<pb::TransfersResponse> GetAccountTransfers(const pb::AccountFilter& request);
  absl::StatusOr<pb::CreateResponse> SetBalanceLimits(const pb::SetBalanceLimitsRequest& request);
  absl::StatusOr<pb::BalancesResponse> GetAccountBalances(const pb::AccountFilter& request);

 private:
  struct Tried {
    grpc::Status status;
    bool repeated = false;  // An earlier try may have been executed.
  };
  using Try = std::function<grpc::Status(pb::Ledger::Stub&, grpc::ClientContext*)>;

  // Tries until OK, a status that no repeat changes, or the end of the time.
  Tried Run(const Try& attempt);
  std::string Address();
  std::shared_ptr<pb::Ledger::Stub> StubOf(const std::string& address);
  // Chooses where the next try goes, after `address` answered `status`. True when it is to go
  // there at once.
  bool MoveOn(const std::string& address, const grpc::Status& status);

  const ClientOptions options_;
  absl::Mutex mutex_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string current_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<pb::Ledger::Stub>> stubs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ledger
