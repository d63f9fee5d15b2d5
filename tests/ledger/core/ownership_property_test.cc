// Goal: the promises of ownership hold whatever happens, and the checks can fail.
// Method: random walks through the model's world (ownership_world.h) around the real code.
#include <catch2/catch.hpp>

#include "tests/ledger/core/ownership_world.h"

namespace ledger {
namespace {

constexpr int kSteps = 250;

void Walk(OwnershipWorld& world) {
  for (int i = 0; i < kSteps && world.violation().empty(); ++i) world.Step();
}

TEST_CASE("whatever happens to a shard, it has one writer and nothing acknowledged is lost",
          "[ownership][property]") {
  const size_t nodes = GENERATE(size_t{2}, size_t{3});
  size_t acknowledged = 0;
  size_t handovers = 0;
  for (uint32_t seed = 0; seed < 10'000; ++seed) {
    OwnershipWorld world(nodes, seed, Broken::kNothing);
    Walk(world);
    if (!world.violation().empty()) {
      CAPTURE(nodes, seed, world.trace());
      FAIL(world.violation());
    }
    acknowledged += world.acknowledged();
    handovers += world.epoch() - 1;
  }
  CHECK(acknowledged > 10'000);  // The walks got somewhere.
  CHECK(handovers > 5'000);
}

TEST_CASE("from wherever faults left a shard, the right orders make any node its writer",
          "[ownership][property]") {
  const size_t nodes = GENERATE(size_t{2}, size_t{3});
  for (uint32_t seed = 0; seed < 5'000; ++seed) {
    OwnershipWorld world(nodes, seed, Broken::kNothing);
    Walk(world);
    if (world.restored()) continue;  // A lost id may be the owner: only break-glass goes on.
    world.Heal(seed % nodes);
    if (!world.violation().empty()) {
      CAPTURE(nodes, seed, world.trace());
      FAIL(world.violation());
    }
  }
}

TEST_CASE("a world that breaks one rule is caught", "[ownership][property]") {
  const auto [name, nodes, broken] = GENERATE(table<const char*, size_t, Broken>({
      {"any node may open", 3, Broken::kOpenAnyNode},
      {"open does not compare the log", 2, Broken::kOpenAnyLog},
      {"open is blind to a refusal being synced", 2, Broken::kOpenDurableRefusal},
      {"refuse is blind to an open being synced", 2, Broken::kRefuseDurableOpen},
      {"a refusal is lost in a crash", 2, Broken::kRefuseVolatile},
      {"refusal judged by role", 3, Broken::kRefuseByRole},
      {"a forged refusal", 2, Broken::kUnsealFreely},
      {"a refusal by a node that is not the successor", 3, Broken::kUnsealAnySigner},
      {"unseal keeps its epoch", 2, Broken::kUnsealKeepsEpoch},
      {"unsynced records are shipped", 2, Broken::kShipUnsynced},
      {"unsynced records are shipped and not checked", 3, Broken::kShipUnsyncedUnchecked},
      {"unsynced writes are acknowledged", 2, Broken::kAckUnsynced},
      {"writes while sealing", 2, Broken::kWriteWhileSealing},
      {"records do not name their owner", 2, Broken::kNameless},
      {"what is read back is not synced", 2, Broken::kRecoverNoSync},
      {"a follower truncates", 2, Broken::kFollowTruncates},
      {"a restored disk keeps its node id", 2, Broken::kRestoreSameId},
  }));
  DYNAMIC_SECTION(name) {
    constexpr uint32_t kSeedsMax = 100'000;
    uint32_t seed = 0;
    std::string violation;
    while (violation.empty() && seed < kSeedsMax) {
      OwnershipWorld world(nodes, seed++, broken);
      Walk(world);
      // This one loses nothing, but the refused node can never open.
      if (broken == Broken::kUnsealKeepsEpoch && !world.restored()) world.Heal(1);
      violation = world.violation();
    }
    CAPTURE(seed, violation);
    CHECK_FALSE(violation.empty());
  }
}

}  // namespace
}  // namespace ledger
