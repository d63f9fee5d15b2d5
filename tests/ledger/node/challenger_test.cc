// What is known of challenges, and for how long.
#include "ledger/node/challenger.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "ledger/node/writer.h"
#include "ledger/storage/log.h"
#include "tests/ledger/core/ledger_rows.h"
#include "tests/ledger/node/shard_bench.h"

namespace ledger {
namespace {

constexpr absl::Duration kKeep = absl::Seconds(15);

// That a test sets while threads look at it.
class SharedClock final : public base::Clock {
 public:
  absl::Time WallNow() const override { return absl::FromUnixSeconds(1'000) + MonotonicNow(); }
  absl::Duration MonotonicNow() const override { return absl::Seconds(seconds_.load()); }
  void AdvanceSeconds(int64_t by) { seconds_ += by; }

 private:
  std::atomic<int64_t> seconds_ = 0;
};

std::unique_ptr<Log> OpenLog(base::FileSystem& files, const Shard& shard) {
  REQUIRE(Log::StartOver(files, "log", shard.position() + 1).ok());
  return Log::Open(files, {.folder = "log", .segment_bytes = 1 << 20, .prepares_ahead = false})
      .value();
}

struct WithAccount : ShardBench {
  WithAccount() { Write(RecordKind::kAccounts, std::vector<Account>{NewAccount(1)}); }
};

// A shard with one account, its writer and its challenger.
struct Bench {
  WithAccount shard;
  MemoryFileSystem files;
  std::unique_ptr<Log> log = OpenLog(files, *shard.shard);
  SharedClock clock;
  Writer writer{*shard.shard, *log, {}};
  Challenger challenger{writer, {.threads = 1, .keep = kKeep, .clock = &clock}};

  std::string Nonce(uint8_t number) const {
    base::Hash256 nonce{};
    nonce[0] = number;
    return std::string(base::AsBytes(nonce));
  }
  ChallengedState StateFor(uint8_t number) {
    ChallengedState state;
    state.position = number;
    state.nonce[0] = number;
    absl::Notification frozen;
    REQUIRE(writer
                .Run([&](Shard& of) {
                  state.image = std::move(of.Freeze().value().image);
                  frozen.Notify();
                })
                .ok());
    frozen.WaitForNotification();
    return state;
  }
  absl::StatusOr<pb::ChallengeState> Hashed(uint8_t number) {
    challenger.Begin(StateFor(number));
    return challenger.Await(Nonce(number), absl::InfiniteDuration());
  }
  absl::Status ReadStatus(uint8_t number, bool is_of_tree = false) const {
    pb::ReadImageRequest request;
    request.set_of_tree(is_of_tree);
    request.set_nonce(Nonce(number));
    request.set_table(pb::IMAGE_TABLE_ACCOUNTS);
    request.set_level(pb::IMAGE_LEVEL_ROWS);
    request.set_count(1);
    return challenger.Read(request).status();
  }
  absl::Status ReadTreeStatus(uint8_t number) const { return ReadStatus(number, true); }
};

TEST_CASE("the tree is read as soon as it is there, before all is hashed", "[challenger]") {
  Bench bench;
  ChallengedState state = bench.StateFor(1);
  state.tree = std::make_shared<KeptTree>();
  const std::shared_ptr<KeptTree> tree = state.tree;
  CHECK(absl::IsNotFound(bench.ReadTreeStatus(1)));
  // No challenge is finished before the writer has noted it.
  absl::Notification go_on;
  REQUIRE(bench.writer.Run([&](Shard& /*shard*/) { go_on.WaitForNotification(); }).ok());
  bench.challenger.Begin(std::move(state));
  CHECK(absl::IsUnavailable(bench.ReadTreeStatus(1)));
  tree->Set({});
  // It takes the image in hand.
  while (absl::IsUnavailable(bench.ReadTreeStatus(1))) {
  }
  CHECK(bench.ReadTreeStatus(1).ok());
  CHECK(bench.challenger.is_hashing());
  CHECK(absl::IsNotFound(bench.ReadStatus(1)));
  go_on.Notify();
  REQUIRE(bench.challenger.Await(bench.Nonce(1), absl::InfiniteDuration()).ok());
  CHECK(bench.ReadTreeStatus(1).ok());
}

TEST_CASE("of a challenge that keeps no tree none is read", "[challenger]") {
  Bench bench;
  REQUIRE(bench.Hashed(1).ok());
  CHECK(absl::IsFailedPrecondition(bench.ReadTreeStatus(1)));
}

TEST_CASE("what was hashed goes a while after the last question, and the digest stays",
          "[challenger]") {
  Bench bench;
  const auto hashed = bench.Hashed(1);
  REQUIRE(hashed.ok());
  bench.clock.AdvanceSeconds(14);
  CHECK(bench.ReadStatus(1).ok());
  bench.clock.AdvanceSeconds(14);
  CHECK(bench.challenger.Get(bench.Nonce(1)).ok());
  bench.clock.AdvanceSeconds(14);
  CHECK(bench.ReadStatus(1).ok());
  bench.clock.AdvanceSeconds(15);
  CHECK(absl::IsNotFound(bench.ReadStatus(1)));
  REQUIRE(bench.challenger.Get(bench.Nonce(1)).ok());
  CHECK(bench.challenger.Get(bench.Nonce(1))->digest() == hashed->digest());
  CHECK(bench.challenger.Get("")->digest() == hashed->digest());
}

TEST_CASE("the digests of the newest few challenges are known", "[challenger]") {
  Bench bench;
  const auto first = bench.Hashed(1);
  REQUIRE(first.ok());
  for (uint8_t number = 2; number <= 8; ++number) REQUIRE(bench.Hashed(number).ok());
  REQUIRE(bench.challenger.Get(bench.Nonce(1)).ok());
  CHECK(bench.challenger.Get(bench.Nonce(1))->digest() == first->digest());
  CHECK(absl::IsNotFound(bench.ReadStatus(1)));
  REQUIRE(bench.Hashed(9).ok());
  CHECK(absl::IsNotFound(bench.challenger.Get(bench.Nonce(1)).status()));
}

TEST_CASE("a challenge whose place another took is answered ABORTED at once", "[challenger]") {
  Bench bench;
  ChallengedState first = bench.StateFor(1);
  ChallengedState second = bench.StateFor(2);
  // No challenge is finished before the writer has noted it.
  absl::Notification go_on;
  REQUIRE(bench.writer.Run([&](Shard& /*shard*/) { go_on.WaitForNotification(); }).ok());
  bench.challenger.Begin(std::move(first));
  bench.challenger.Begin(std::move(second));
  CHECK(absl::IsAborted(bench.challenger.Await(bench.Nonce(1), absl::InfiniteDuration()).status()));
  CHECK(absl::IsAborted(bench.challenger.Get(bench.Nonce(1)).status()));
  go_on.Notify();
  CHECK(bench.challenger.Await(bench.Nonce(2), absl::InfiniteDuration()).ok());
  CHECK(absl::IsAborted(bench.challenger.Get(bench.Nonce(1)).status()));
}

}  // namespace
}  // namespace ledger
