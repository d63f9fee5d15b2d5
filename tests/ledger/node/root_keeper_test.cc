#include "ledger/node/root_keeper.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>

#include "tests/ledger/core/ledger_rows.h"

namespace ledger {
namespace {

// Goes on with each look, and only then.
class TickingClock final : public base::Clock {
 public:
  explicit TickingClock(absl::Duration tick) : tick_(tick) {}
  absl::Time WallNow() const override { return absl::UnixEpoch(); }
  absl::Duration MonotonicNow() const override { return ++looks_ * tick_; }

 private:
  const absl::Duration tick_;
  mutable std::atomic<int64_t> looks_ = 0;
};

TEST_CASE("the keeper of the roots rests nine times as long as it worked", "[checkpoint]") {
  const TickingClock clock(absl::Nanoseconds(1));
  RootKeeper roots(clock);
  DirtyState dirty;
  dirty.is_all = true;
  CHECK(roots.rests_until() == absl::ZeroDuration());
  roots.GiveCut(dirty, 7);
  CHECK(roots.Await(7).has_value());  // Begun at 1 ns, done at 2.
  CHECK(roots.rests_until() == absl::Nanoseconds(2 + 9));
}

TEST_CASE("the keeper of the roots does not rest for having waited", "[checkpoint]") {
  const TickingClock clock(absl::Hours(1000));
  RootKeeper roots(clock);
  DirtyState dirty;
  dirty.is_all = true;
  roots.GiveCut(dirty, 7);
  CHECK(roots.Await(7).has_value());
  CHECK(roots.rests_until() < absl::Hours(2000 + 1));
}

TEST_CASE("of a position that was not cut no root is known", "[checkpoint]") {
  RootKeeper roots;
  DirtyState dirty;
  roots.Give(dirty);
  CHECK_FALSE(roots.Await(7).has_value());
  CHECK_FALSE(roots.Find(7).has_value());
}

TEST_CASE("roots are known in the order of their cuts", "[checkpoint]") {
  RootKeeper roots;
  Bench bench = WithAccounts();
  DirtyState dirty;
  std::map<uint64_t, base::Hash256> expected;
  for (uint64_t position = 1; position <= 20; ++position) {
    bench.Create(NewTransfer(position, 1, 2, 5));
    bench.machine.TakeDirty(UINT64_MAX, dirty);
    roots.GiveCut(dirty, position);
    expected[position] = bench.machine.StateRoot();
  }
  for (const auto& [position, root] : expected) CHECK(roots.Await(position) == root);
}

}  // namespace
}  // namespace ledger
