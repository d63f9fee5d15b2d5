#include "ledger/copy/snapshot_requests.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

namespace ledger {
namespace {

// Snapshots that end when, and as, the test says.
struct Snapshotting {
  void End(const absl::Status& status) { std::exchange(done, nullptr)(status); }

  int begun = 0;
  std::function<void(const absl::Status&)> done;
  base::ManualClock clock{absl::UnixEpoch()};
  SnapshotRequests requests{[this](auto ended) {
                              ++begun;
                              done = std::move(ended);
                            },
                            clock};
};

TEST_CASE("one snapshot is taken at a time", "[copy]") {
  Snapshotting snapshots;
  CHECK(absl::IsUnavailable(snapshots.requests.Ask()));
  CHECK(absl::IsUnavailable(snapshots.requests.Ask()));
  CHECK(snapshots.begun == 1);
  snapshots.End(absl::OkStatus());
  snapshots.requests.Ask().IgnoreError();
  CHECK(snapshots.begun == 2);
}

TEST_CASE("after a snapshot that failed the next waits, and who asks is told why", "[copy]") {
  Snapshotting snapshots;
  snapshots.requests.Ask().IgnoreError();
  snapshots.End(absl::ResourceExhaustedError("the disk is full"));
  const absl::Status told = snapshots.requests.Ask();
  CHECK(absl::IsUnavailable(told));
  CHECK_THAT(
      std::string(told.message()),
      Catch::Equals("no snapshot could be taken: the disk is full; it is tried again in 30s"));
  CHECK(snapshots.begun == 1);
  snapshots.clock.Advance(SnapshotRequests::kPauseFirst);
  snapshots.requests.Ask().IgnoreError();
  CHECK(snapshots.begun == 2);
}

TEST_CASE("the pause doubles with each failure, up to a bound, until one is taken", "[copy]") {
  Snapshotting snapshots;
  absl::Duration pause = SnapshotRequests::kPauseFirst;
  for (int failures = 1; failures < 8; ++failures) {
    CAPTURE(failures);
    snapshots.requests.Ask().IgnoreError();
    REQUIRE(snapshots.begun == failures);
    snapshots.End(absl::InternalError("no"));
    snapshots.clock.Advance(pause - absl::Milliseconds(1));
    snapshots.requests.Ask().IgnoreError();
    CHECK(snapshots.begun == failures);
    snapshots.clock.Advance(absl::Milliseconds(1));
    pause = std::min(2 * pause, SnapshotRequests::kPauseMax);
  }
  snapshots.requests.Ask().IgnoreError();
  snapshots.End(absl::OkStatus());
  snapshots.requests.Ask().IgnoreError();
  snapshots.End(absl::InternalError("no"));
  snapshots.clock.Advance(SnapshotRequests::kPauseFirst);
  snapshots.requests.Ask().IgnoreError();
  CHECK(snapshots.begun == 10);
}

TEST_CASE("that another snapshot is under way is no failure", "[copy]") {
  Snapshotting snapshots;
  snapshots.requests.Ask().IgnoreError();
  snapshots.End(absl::AbortedError("a snapshot is being taken"));
  snapshots.requests.Ask().IgnoreError();
  CHECK(snapshots.begun == 2);
}

}  // namespace
}  // namespace ledger
