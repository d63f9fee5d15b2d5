#include "lab/rehearsal/fault_schedule.h"

#include <catch2/catch.hpp>

#include "tests/lab/rehearsal/run_views.h"

namespace lab {
namespace {

using Kind = FaultEffect::Kind;

const auto kSealPending = [] { return RunOf("steps { id: 'seal' state: 'pending' }"); };
const auto kSealRunning = [] {
  return RunOf("steps { id: 'seal' state: 'running' started { seconds: 1 } }");
};
const auto kSealSucceeded = [] {
  return RunOf(
      "steps { id: 'seal' state: 'succeeded' started { seconds: 1 } ended { seconds: 2 } }");
};
constexpr absl::Duration kStart = absl::ZeroDuration();

TEST_CASE("a fault waits for its moment", "[faults]") {
  const bool at_start = GENERATE(false, true);
  FaultSchedule faults({{.step = "seal", .at_start = at_start, .what = CutLink{absl::Seconds(5)}}});
  CHECK(faults.Due(kSealPending(), kStart).empty());
  CHECK(faults.Due(kSealRunning(), kStart).size() == (at_start ? 1 : 0));
  CHECK(faults.Due(kSealSucceeded(), kStart).size() == 1);
  CHECK(faults.NeverInjected().size() == 1);
}

TEST_CASE("an effect is given again until it was accepted, and then no more", "[faults]") {
  FaultSchedule faults({{.step = "seal", .what = FlipStateBit{"target", 1}}});
  for (int i = 0; i < 3; ++i) REQUIRE(faults.Due(kSealSucceeded(), kStart).size() == 1);
  const FaultEffect effect = faults.Due(kSealSucceeded(), kStart).front();
  CHECK(effect.kind == Kind::kFlip);
  CHECK(effect.flip.shard == 1);
  faults.Done(effect, kStart);
  CHECK(faults.Due(kSealSucceeded(), kStart).empty());
  CHECK_FALSE(faults.Pending());
  CHECK(faults.Injected() ==
        std::vector<std::string>{"after seal: flip a bit of the state of target-1"});
}

TEST_CASE("what was taken for a while is given back after it", "[faults]") {
  struct Row {
    const char* what;
    std::variant<FlipStateBit, CutLink, SlowLink, KillProcess> fault;
    Kind begin;
    Kind end;
  };
  const auto row = GENERATE(values<Row>({
      {"a cut is healed", CutLink{absl::Seconds(5)}, Kind::kCut, Kind::kHeal},
      {"a slow link becomes as it was", SlowLink{{}, absl::Seconds(5)}, Kind::kSlow,
       Kind::kRestore},
      {"a killed process is started", KillProcess{"orchestrator", absl::Seconds(5)}, Kind::kKill,
       Kind::kStart},
  }));
  DYNAMIC_SECTION(row.what) {
    FaultSchedule faults({{.step = "seal", .what = row.fault}});
    const auto begin = faults.Due(kSealSucceeded(), kStart);
    REQUIRE(begin.size() == 1);
    CHECK(begin[0].kind == row.begin);
    faults.Done(begin[0], kStart);
    CHECK(faults.Pending());
    CHECK(faults.Due(kSealSucceeded(), absl::Milliseconds(4'999)).empty());
    const auto end = faults.Due(kSealSucceeded(), absl::Seconds(5));
    REQUIRE(end.size() == 1);
    CHECK(end[0].kind == row.end);
    faults.Done(end[0], absl::Seconds(5));
    CHECK_FALSE(faults.Pending());
    CHECK(faults.NeverInjected().empty());
  }
}

TEST_CASE("a fault may come a while after its moment", "[faults]") {
  FaultSchedule faults({{.step = "seal",
                         .at_start = true,
                         .wait = absl::Milliseconds(30),
                         .what = CutLink{absl::Seconds(5)}}});
  CHECK(faults.Due(kSealRunning(), kStart).empty());
  CHECK(faults.Waiting(absl::Milliseconds(29)));
  CHECK(faults.Due(kSealRunning(), absl::Milliseconds(29)).empty());
  CHECK_FALSE(faults.Waiting(absl::Milliseconds(30)));
  CHECK(faults.Due(kSealSucceeded(), absl::Milliseconds(30)).size() == 1);
}

TEST_CASE("a cut for ever lasts until the run has ended", "[faults]") {
  FaultSchedule faults({{.step = "seal", .what = CutLink{absl::InfiniteDuration()}}});
  faults.Done(faults.Due(kSealSucceeded(), kStart).at(0), kStart);
  CHECK(faults.Due(kSealSucceeded(), absl::Hours(1)).empty());
  const auto healing = faults.RunEnded();
  REQUIRE(healing.size() == 1);
  CHECK(healing[0].kind == Kind::kHeal);
}

TEST_CASE("nothing new begins once the run has ended, and what goes on is finished", "[faults]") {
  FaultSchedule faults(
      {{.step = "open", .what = FlipStateBit{"target", 0}},
       {.step = "seal", .what = KillProcess{"gateway-0", absl::Seconds(1)}},
       {.step = "seal", .what = KillProcess{"gateway-1", absl::InfiniteDuration()}}});
  for (const FaultEffect& effect : faults.Due(kSealSucceeded(), kStart))
    faults.Done(effect, kStart);
  CHECK(faults.RunEnded().empty());
  CHECK(faults.Pending());
  const auto start = faults.Due({}, absl::Seconds(1));
  REQUIRE(start.size() == 1);
  CHECK(start[0].process == "gateway-0");
  CHECK(faults.NeverInjected() ==
        std::vector<std::string>{"after open: flip a bit of the state of target-0"});
}

}  // namespace
}  // namespace lab
