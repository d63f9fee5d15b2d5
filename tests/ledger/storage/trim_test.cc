#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/ledger/storage/log_writer.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

constexpr size_t kEvents = 200;  // Two frames of these fill a segment.
const LogOptions kOptions{.folder = "data/log", .segment_bytes = 64 << 10, .prepares_ahead = false};

LogWriter Open(MemoryFileSystem& files, const LogOptions& options = kOptions) {
  auto opened = LogWriter::Open(files, options);
  CAPTURE(opened.status());
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

void Append(LogWriter& writer, int frames) {
  for (int i = 0; i < frames; ++i) REQUIRE(writer.Append(kEvents).ok());
}

TEST_CASE("a trimmed log begins where a segment does, also after a restart", "[trim]") {
  MemoryFileSystem files;
  {
    LogWriter writer = Open(files);
    Append(writer, 9);
    REQUIRE(writer.log->TrimBefore(2).ok());
    CHECK(writer.log->first_position() == 1);
    REQUIRE(writer.log->TrimBefore(6).ok());
    CHECK(writer.log->first_position() == 5);
  }
  files.Crash();
  LogWriter writer = Open(files);
  CHECK(writer.log->first_position() == 5);
  CHECK(writer.position == 9);
  CHECK(writer.hashes.size() == 5);
}

TEST_CASE("who asks for what was trimmed is told to fetch a snapshot", "[trim]") {
  MemoryFileSystem files;
  LogWriter writer = Open(files);
  Append(writer, 5);
  LogReader slow(*writer.log, 1);
  REQUIRE(slow.Next().ok());
  REQUIRE(writer.log->TrimBefore(5).ok());
  LogReader late(*writer.log, 2);
  for (LogReader* const reader : {&slow, &late}) {
    const absl::Status status = reader->Next().status();
    CHECK(absl::IsOutOfRange(status));
    CHECK(absl::StrContains(status.message(), "begins at 5; fetch a snapshot"));
  }
  CHECK((*LogReader(*writer.log, 5).Next())->record.position == 5);
}

TEST_CASE("who has read a segment to its end goes on in the next when the first is given up",
          "[trim]") {
  MemoryFileSystem files;
  LogWriter writer = Open(files);
  Append(writer, 5);
  LogReader reader(*writer.log, 1);
  for (uint64_t position = 1; position <= 4; ++position) {
    REQUIRE((*reader.Next())->record.position == position);
  }
  REQUIRE(writer.log->TrimBefore(5).ok());
  REQUIRE(writer.log->first_position() == 5);
  const auto next = reader.Next();
  REQUIRE(next.ok());
  CHECK((*next)->record.position == 5);
}

TEST_CASE("given-up segments are used again, and what they held is not met again", "[trim]") {
  MemoryFileSystem files;
  uint64_t appended = 0;
  for (int life = 0; life < 6; ++life) {
    CAPTURE(life);
    LogWriter writer = Open(files);
    CHECK(writer.position == appended);
    CHECK(writer.log->torn_tail().empty());
    Append(writer, 7);
    REQUIRE(writer.log->TrimBefore(writer.position - 2).ok());
    appended = writer.position;
  }
  CHECK(files.List("data/log").value().size() <= 8);
  CHECK_FALSE(files.Has("data/log/0001"));
}

TEST_CASE("a torn frame over what a segment held before is a torn tail", "[trim]") {
  MemoryFileSystem files;
  {
    LogWriter writer = Open(files);
    Append(writer, 6);
    REQUIRE(writer.log->TrimBefore(5).ok());
    Append(writer, 1);  // 0001 or 0002 is 0004 now.
  }
  REQUIRE_FALSE(files.Has("data/log/0002"));
  const std::string path = "data/log/0004";
  const std::string before = files.Bytes(path);
  {
    LogWriter writer = Open(files);
    Append(writer, 1);
  }
  const std::string after = files.Bytes(path);
  const uint64_t frame = 7 * kFrameAlignment + kFrameAlignment;  // Behind frame and mark.
  for (uint64_t missing = frame; missing < frame + 6 * kFrameAlignment; missing += 512) {
    CAPTURE(missing);
    std::string torn = after;
    torn.replace(missing, 512, before, missing, 512);
    if (torn == after) continue;
    files.Bytes(path) = torn;
    if (files.Has("data/log/0005")) files.Erase("data/log/0005");
    LogWriter writer = Open(files);
    CHECK(writer.position == 7);
    // Without its first sector nothing says that it was there.
    CHECK(writer.log->torn_tail() ==
          (missing == frame ? "" : absl::StrCat(path, " at byte ", frame)));
    Append(writer, 3);
    CHECK(Open(files).position == 10);
  }
}

TEST_CASE("a lost segment behind the base is damage", "[trim]") {
  MemoryFileSystem files;
  {
    LogWriter writer = Open(files);
    Append(writer, 9);
    REQUIRE(writer.log->TrimBefore(5).ok());
    Append(writer, 3);  // In the file of one that was given up.
  }
  SECTION("the first") { files.Erase("data/log/0003"); }
  SECTION("the base itself") { files.Erase("data/log/base"); }
  SECTION("a bit of the base") { files.Bytes("data/log/base")[17] ^= 1; }
  const absl::Status status = Log::Open(files, kOptions).status();
  CAPTURE(status);
  CHECK(absl::IsDataLoss(status));
}

TEST_CASE("what a snapshot holds is not scanned at a start, and can still be read", "[trim]") {
  MemoryFileSystem files;
  { Append(*std::make_unique<LogWriter>(Open(files)), 9); }
  const uint64_t scan_from = GENERATE(range(uint64_t{1}, uint64_t{11}));
  CAPTURE(scan_from);
  LogOptions options = kOptions;
  options.scan_from = scan_from;
  LogWriter writer = Open(files, options);  // Reads all of it back.
  CHECK(writer.position == 9);
  CHECK(writer.log->first_position() == 1);
  Append(writer, 3);
  CHECK(Open(files).position == 12);
  REQUIRE(writer.log->TrimBefore(6).ok());
  CHECK(writer.log->first_position() == 5);
}

TEST_CASE("damage to what a snapshot holds is told to who reads it", "[trim]") {
  MemoryFileSystem files;
  { Append(*std::make_unique<LogWriter>(Open(files)), 9); }
  files.Bytes("data/log/0002")[5'000] ^= 1;  // Records 3 and 4.
  CHECK(absl::IsDataLoss(Log::Open(files, kOptions).status()));
  LogOptions options = kOptions;
  options.scan_from = 5;
  const auto log = Log::Open(files, options);
  REQUIRE(log.ok());
  CHECK((*log)->durable_position() == 9);
  CHECK((*LogReader(**log, 5).Next())->record.position == 5);
  const absl::Status status = LogReader(**log, 3).Next().status();
  CHECK(absl::IsDataLoss(status));
  CHECK(absl::StrContains(status.message(), "data/log/0002"));
}

TEST_CASE("a log of the format before is left alone", "[trim]") {
  MemoryFileSystem files;
  std::string segment(8'192, '\0');
  segment.replace(8, 8, "HAMLOG01");
  REQUIRE(files.Replace("data/log/0001", segment).ok());
  CHECK(absl::IsFailedPrecondition(Log::Open(files, kOptions).status()));
  CHECK(files.Bytes("data/log/0001") == segment);
}

TEST_CASE("a log that starts over goes on behind a snapshot", "[trim]") {
  const bool had_a_log = GENERATE(false, true);
  MemoryFileSystem files;
  if (had_a_log) {
    LogWriter writer = Open(files);
    Append(writer, 5);
  }
  REQUIRE(Log::StartOver(files, "data/log", 101).ok());
  files.Crash();
  LogWriter writer = Open(files);
  CHECK(writer.log->first_position() == 101);
  CHECK(writer.log->durable_position() == 100);
  Append(writer, 3);
  CHECK(Open(files).position == 103);
  CHECK(absl::IsOutOfRange(LogReader(*writer.log, 100).Next().status()));
}

TEST_CASE("trimming, reading and appending go on side by side", "[trim]") {
  constexpr uint64_t kRecords = 300;
  MemoryFileSystem files;
  LogOptions options = kOptions;
  options.prepares_ahead = true;
  LogWriter writer = Open(files, options);
  Log& log = *writer.log;
  std::thread trimmer([&log] {
    while (log.durable_position() < kRecords) {
      const uint64_t position = log.durable_position();
      if (position > 10 && !log.TrimBefore(position - 10).ok()) return;
      std::this_thread::yield();
    }
  });
  uint64_t wrong = 0;
  std::thread reading([&log, &wrong] {
    uint64_t next = 1;
    while (next < kRecords) {
      LogReader reader(log, next);
      absl::StatusOr<const LogReader::Item*> item = reader.Next();
      for (; item.ok() && next < kRecords; item = reader.Next()) {
        if (*item != nullptr && (*item)->record.position != next++) ++wrong;
      }
      if (!item.ok() && !absl::IsOutOfRange(item.status())) ++wrong;
      next = std::max(next, log.first_position());
    }
  });
  for (uint64_t i = 0; i < kRecords; ++i) {
    if (!writer.Append(kEvents).ok()) FAIL("append");
  }
  trimmer.join();
  reading.join();
  CHECK(wrong == 0);
  CHECK(Open(files).position == kRecords);
}

}  // namespace
}  // namespace ledger
