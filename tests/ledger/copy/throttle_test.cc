#include "ledger/copy/throttle.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "ledger/copy/duration.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr char kPath[] = "data/copy_limits";

struct Node {
  explicit Node(MemoryFileSystem& of_files) : files(of_files) {
    auto opened = Throttle::Open(files, kPath, latency, clock,
                                 [this](const std::string& sentence) { said.push_back(sentence); });
    REQUIRE(opened.ok());
    throttle = std::move(opened).value();
  }

  void Commit(absl::Duration took) {
    const absl::Duration come = latency.Come();
    clock.Advance(took);
    latency.Answered(come);
  }
  // A piece goes, after so long that nothing waits for an earlier one.
  void Send() {
    clock.Advance(absl::Seconds(1));
    REQUIRE(throttle->Await({.raw = 1, .sent = 1}, never).may_go);
  }
  absl::Duration before() const { return FromProto(throttle->pacing().commit_p99_before()); }

  MemoryFileSystem& files;
  base::ManualClock clock{absl::UnixEpoch()};
  CommitLatency latency{clock};
  std::vector<std::string> said;
  std::unique_ptr<Throttle> throttle;
  const std::atomic<bool> never = false;
};

TEST_CASE("limits that are set are there after a restart", "[copy]") {
  MemoryFileSystem files;
  pb::CopyLimits limits;
  limits.set_max_bytes_per_s(7);
  limits.mutable_pacing()->set_held_back_by_commits(true);  // No limit.
  REQUIRE(Node(files).throttle->SetLimits(limits).ok());
  const Node again(files);
  CHECK(again.throttle->limits().max_bytes_per_s() == 7);
  CHECK_FALSE(again.throttle->limits().has_pacing());
  CHECK(again.said.empty());
}

TEST_CASE("with limits that are damaged those by default hold, and it is said", "[copy]") {
  MemoryFileSystem files;
  pb::CopyLimits limits;
  limits.set_max_bytes_per_s(7);
  REQUIRE(Node(files).throttle->SetLimits(limits).ok());
  files.Bytes(kPath)[0] ^= 1;
  const Node again(files);
  CHECK(again.throttle->limits().max_bytes_per_s() == 0);
  CHECK(again.throttle->limits().max_commit_latency_ratio() == 1.25);
  REQUIRE(again.said.size() == 1);
  CHECK_THAT(again.said[0], Catch::Contains(kPath) && Catch::Contains("hamisha-ledger limits"));
}

TEST_CASE("what commits took when the copy began is what it is measured by", "[copy]") {
  MemoryFileSystem files;
  Node node(files);
  node.Commit(absl::Milliseconds(4));
  node.throttle->Begin();
  node.Commit(absl::Milliseconds(50));
  node.throttle->Begin();
  CHECK(node.before() < absl::Milliseconds(5));
  node.Send();
  CHECK(node.throttle->pacing().held_back_by_commits());
  node.throttle->NoneIsLeft();
  CHECK_FALSE(node.throttle->pacing().has_commit_p99_before());
}

TEST_CASE("one burst of slow commits before a copy does not let it take more", "[copy]") {
  MemoryFileSystem files;
  Node node(files);
  for (const int took_ms : {4, 400, 4}) {
    node.Commit(absl::Milliseconds(took_ms));
    node.clock.Advance(absl::Seconds(2));
  }
  node.throttle->Begin();
  CHECK(node.before() < absl::Milliseconds(5));
}

TEST_CASE("what is known from before a restart is not measured anew", "[copy]") {
  MemoryFileSystem files;
  Node node(files);
  node.Commit(absl::Milliseconds(50));
  node.throttle->Begin(absl::Milliseconds(4));
  CHECK(node.before() == absl::Milliseconds(4));
}

TEST_CASE("a copy that began without commits stops to hear the first ones without it", "[copy]") {
  MemoryFileSystem files;
  Node node(files);
  node.throttle->Begin();
  node.Send();
  CHECK_FALSE(node.throttle->pacing().has_commit_p99_before());
  node.Commit(absl::Milliseconds(4));
  node.clock.Advance(absl::Seconds(1));
  Throttle::Waited waited;
  std::thread copy([&] { waited = node.throttle->Await({.raw = 1, .sent = 1}, node.never); });
  while (!node.throttle->pacing().has_commit_p99_before()) std::this_thread::yield();
  CHECK(node.before() > absl::Milliseconds(3.9));
  CHECK(node.throttle->pacing().held_back_by_commits());
  node.throttle->Close();
  copy.join();
  CHECK_FALSE(waited.may_go);
}

TEST_CASE("a commit that hangs holds copies back", "[copy]") {
  MemoryFileSystem files;
  Node node(files);
  node.Commit(absl::Milliseconds(4));
  node.throttle->Begin();
  node.latency.BeginWrite();
  node.clock.Advance(absl::Seconds(20));
  node.Send();
  CHECK(node.throttle->pacing().held_back_by_commits());
  CHECK(FromProto(node.throttle->pacing().commit_p99()) == absl::Seconds(21));
}

}  // namespace
}  // namespace ledger
