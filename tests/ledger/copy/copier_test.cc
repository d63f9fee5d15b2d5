#include "ledger/copy/copier.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/ledger/copy/fake_source.h"

namespace ledger {
namespace {

class Target {
 public:
  Copier& copier() { return copier_; }
  // One try, from a source that is called "source" wherever it is.
  absl::StatusOr<Copier::End> Run(const std::string& address) {
    return copier_.Run("source", address, cancelled);
  }
  std::string BytesOf(const std::string& name) const {
    return base::SystemFileSystem()
        .Read(absl::StrCat(folder_.path(), "/incoming/", name))
        .value_or("");
  }
  void CheckHasAllOf(const FakeSource& source) const {
    CHECK(base::SystemFileSystem().Exists(folder_.path() + "/incoming/whole"));
    for (const std::string name : {"snapshots/70", "history/runs/CURRENT", "history/runs/9.sst"}) {
      CAPTURE(name);
      CHECK((BytesOf(name) == source.BytesOf(name)));
    }
  }
  // As after the end of the process.
  void Restart() {
    copier_.~Copier();
    new (&copier_) Copier(Options());
  }

  std::atomic<bool> cancelled = false;
  std::string said;

 private:
  CopierOptions Options() {
    return {.files = &base::SystemFileSystem(),
            .clock = &base::SystemClock(),
            .self = "target",
            .shard = FakeSource::kShard,
            .data_dir = folder_.path(),
            .streams = 2,
            .say = [this](const std::string& sentence) { said = sentence; },
            .on_tail = [](const pb::SourceTail&) {}};
  }

  const TemporaryFolder folder_;
  Copier copier_{Options()};
};

TEST_CASE("a copy is the source's files, byte for byte", "[copy]") {
  FakeSource source;
  Target target;
  const auto end = target.Run(source.address());
  CAPTURE(end.status());
  REQUIRE(end.ok());
  CHECK(*end == Copier::End::kWhole);
  target.CheckHasAllOf(source);
  CHECK(source.sent_bytes == source.total_bytes());
  CHECK(target.copier().progress()->bytes_done() == source.total_bytes());
  CHECK(target.copier().progress()->bytes_sent_again() == 0);
}

TEST_CASE("with nothing to copy the log is read", "[copy]") {
  FakeSource source;
  source.offers_nothing = true;
  Target target;
  CHECK(target.Run(source.address()).value() == Copier::End::kReadTheLog);
  CHECK_FALSE(target.copier().progress());
}

TEST_CASE("after a break at any piece the copy goes on, and nothing that came is sent again",
          "[copy]") {
  const bool restarts = GENERATE(false, true);
  FakeSource source;
  Target target;
  int until = 1;
  source.on_chunk = [&](int number, pb::CopyChunk&) { return number < until; };
  int tries = 0;
  while (true) {
    REQUIRE(++tries < 40);
    const auto end = target.Run(source.address());
    if (end.ok()) break;
    CHECK(absl::IsUnavailable(end.status()));
    CHECK_FALSE(target.copier().progress()->trouble().empty());
    if (restarts) target.Restart();
    until += 3;
  }
  CHECK(tries > 3);
  target.CheckHasAllOf(source);
  // What was on its way when it broke, a few pieces each time.
  CHECK(source.sent_bytes < source.total_bytes() + static_cast<uint64_t>(tries) * 4 * kPieceBytes);
}

TEST_CASE("a damaged piece is not taken, and asked for again", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [](int number, pb::CopyChunk& chunk) {
    if (number == 2) chunk.mutable_data()->back() = static_cast<char>(chunk.data().back() ^ 1);
    return true;
  };
  const auto broken = target.Run(source.address());
  CHECK(absl::IsUnavailable(broken.status()));
  CHECK_THAT(target.copier().progress()->trouble(), Catch::Contains("damaged on its way"));
  REQUIRE(target.Run(source.address()).ok());
  target.CheckHasAllOf(source);
}

TEST_CASE("another piece than was asked for is not taken", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [](int number, pb::CopyChunk& chunk) {
    if (number == 1) chunk.set_offset(chunk.offset() + kPieceBytes);
    return true;
  };
  CHECK_FALSE(target.Run(source.address()).ok());
  CHECK_THAT(target.copier().progress()->trouble(), Catch::Contains("another piece"));
}

TEST_CASE("a stream ends with the last piece that was asked for, and not before", "[copy]") {
  const auto [sent, trouble] =
      GENERATE(table<int, std::string>({{0, "less than was asked"}, {2, "more than was asked"}}));
  FakeSource source;
  Target target;
  source.last_chunk_sent = sent;
  CHECK(absl::IsUnavailable(target.Run(source.address()).status()));
  CHECK_THAT(target.copier().progress()->trouble(), Catch::Contains(trouble));
  source.last_chunk_sent = 1;
  REQUIRE(target.Run(source.address()).ok());
  target.CheckHasAllOf(source);
}

TEST_CASE("a piece that is far longer than one is not even received", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [](int number, pb::CopyChunk& chunk) {
    if (number == 1) chunk.set_data(std::string(3 << 20, 'x'));
    return true;
  };
  CHECK(absl::IsUnavailable(target.Run(source.address()).status()));
  CHECK_THAT(target.copier().progress()->trouble(), Catch::Contains("larger than max"));
}

TEST_CASE("a source that vanished is one to try again, and the copy goes on elsewhere it is",
          "[copy]") {
  Target target;
  std::string copy_id;
  {
    FakeSource source;
    source.on_chunk = [](int number, pb::CopyChunk&) { return number < 6; };
    CHECK_FALSE(target.Run(source.address()).ok());
    copy_id = source.copy_id;
    source.Stop();
    CHECK(absl::IsUnavailable(target.Run(source.address()).status()));
  }
  FakeSource moved;  // The same files on another port.
  REQUIRE(target.Run(moved.address()).ok());
  CHECK(moved.copy_id == copy_id);
  CHECK(moved.sent_bytes < moved.total_bytes());
  target.CheckHasAllOf(moved);
}

TEST_CASE("a copy that is given up ends at once", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [&](int number, pb::CopyChunk&) {
    if (number == 3) {
      target.cancelled = true;
      target.copier().Wake();
    }
    return true;
  };
  CHECK_FALSE(target.Run(source.address()).ok());
  CHECK(target.copier().progress()->bytes_done() < source.total_bytes());
}

TEST_CASE("a copy that is given up at its last question does not wait, and keeps what came",
          "[copy]") {
  FakeSource source;
  Target target;
  absl::Notification is_over;
  source.on_begin = [&](int number) {
    if (number != 2) return;
    target.cancelled = true;
    target.copier().Wake();
    is_over.WaitForNotification();
  };
  const auto given_up = target.Run(source.address());
  is_over.Notify();
  CHECK_FALSE(given_up.ok());
  CHECK(target.BytesOf("whole").empty());
  target.cancelled = false;
  REQUIRE(target.Run(source.address()).ok());
  target.CheckHasAllOf(source);
  CHECK(source.sent_bytes == source.total_bytes());
}

TEST_CASE("a snapshot that is damaged on the source's disk is not taken", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [](int /*number*/, pb::CopyChunk& chunk) {
    if (chunk.file() != 0 || chunk.offset() != kPieceBytes) return true;
    Pack(std::string(chunk.raw_bytes(), 'x'), 0, chunk);  // Its checksum is right.
    return true;
  };
  CHECK(absl::IsUnavailable(target.Run(source.address()).status()));
  CHECK_THAT(target.copier().progress()->trouble(),
             Catch::Contains("came from node source") && Catch::Contains("does not hold"));
  CHECK(target.said == target.copier().progress()->trouble());
  CHECK(target.BytesOf("whole").empty());
}

TEST_CASE("a snapshot that came damaged is not asked for again", "[copy]") {
  FakeSource source;
  Target target;
  source.on_chunk = [&](int /*number*/, pb::CopyChunk& chunk) {
    const bool is_snapshot =
        source.begun == 1 && chunk.file() == 0 && chunk.offset() == kPieceBytes;
    if (is_snapshot) Pack(std::string(chunk.raw_bytes(), 'x'), 0, chunk);
    return true;
  };
  CHECK_FALSE(target.Run(source.address()).ok());
  CHECK(source.damaged_position == 0);
  CHECK(target.Run(source.address()).ok());
  CHECK(source.damaged_position == FakeSource::kPosition);
}

}  // namespace
}  // namespace ledger
