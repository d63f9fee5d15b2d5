#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "hamisha/ledger/v1/gateway.pb.h"
#include "ledger/client/batch.h"

namespace ledger {

// What is closed after the request: first `open` and `open_all` are taken away, then `close` is
// added; codes are sorted, each once. INVALID_ARGUMENT for a code beyond 16 bits. Pure.
absl::StatusOr<pb::Restriction> Restrict(const pb::Restriction& closed,
                                         const pb::RestrictRequest& request);

// RESOURCE_EXHAUSTED when the batch has an event of a closed class: it says which. Pure.
absl::Status CheckOpen(const pb::Restriction& closed, const WriteBatch& batch);

// What a gateway's clients may not do now. Safe for any thread.
class ClosedClasses {
 public:
  pb::Restriction Get() const;
  void Set(pb::Restriction closed);
  absl::Status Check(const WriteBatch& batch) const;

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const pb::Restriction> closed_ ABSL_GUARDED_BY(mutex_);  // Null: nothing.
};

}  // namespace ledger
