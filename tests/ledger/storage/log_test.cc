#include "ledger/storage/log.h"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/ledger/storage/log_writer.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

constexpr uint64_t kSegmentBytes = 64 << 10;
const LogOptions kOptions{.folder = "data/log", .segment_bytes = kSegmentBytes};
const std::string kFirst = "data/log/0001";
const std::string kSecond = "data/log/0002";

struct Writer : LogWriter {
  explicit Writer(MemoryFileSystem& files) {
    auto opened = Open(files, kOptions);
    CAPTURE(opened.status());
    REQUIRE(opened.ok());
    static_cast<LogWriter&>(*this) = std::move(opened).value();
  }
};

uint64_t LastPosition(MemoryFileSystem& files) { return Writer(files).position; }

TEST_CASE("what was appended is there after a crash", "[log]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  std::mt19937 random(seed);
  MemoryFileSystem files;
  uint64_t acknowledged = 0;
  for (int life = 0; life < 5; ++life) {
    Writer writer(files);
    REQUIRE(writer.position == acknowledged);
    for (int i = 0; i < 30; ++i) {
      for (auto n = random() % 3; n > 0; --n) writer.Add(random() % 60);
      REQUIRE(writer.Append(random() % 100).ok());
      acknowledged = writer.position;
      REQUIRE(writer.log->durable_position() == acknowledged);
    }
    files.Crash();
  }
  CHECK(files.Has(kSecond));
}

TEST_CASE("a torn last frame is dropped, wherever it was cut", "[log]") {
  MemoryFileSystem files;
  {
    Writer writer(files);
    for (const size_t events : {3u, 40u, 5u}) REQUIRE(writer.Append(events).ok());
  }
  const std::string before = files.Bytes(kFirst);
  {
    Writer writer(files);
    REQUIRE(writer.Append(70).ok());
  }
  const std::string after = files.Bytes(kFirst);
  const auto [begin, unused] = std::mismatch(after.begin(), after.end(), before.begin());
  // Behind the three frames and the mark of the second start.
  const auto offset =
      static_cast<size_t>(begin - after.begin()) / kFrameAlignment * kFrameAlignment;
  const uint64_t bytes = PaddedFrameBytes(PeekFrameHeader(after.substr(offset))->bytes);
  const size_t mark = offset;
  REQUIRE(bytes == kFrameAlignment);
  const size_t last = mark + kFrameAlignment;
  const size_t end = last + PaddedFrameBytes(PeekFrameHeader(after.substr(last))->bytes);
  size_t content_end = after.find_last_not_of('\0') + 1;
  REQUIRE(content_end > last + kFrameAlignment);
  for (size_t cut = last; cut < content_end; ++cut) {
    // The beginning reached the disk, or only the end did.
    const bool from_front = cut % 2 == 0;
    std::string torn = after;
    if (from_front) {
      std::fill(torn.begin() + static_cast<ptrdiff_t>(cut), torn.end(), '\0');
    } else {
      std::fill(torn.begin() + static_cast<ptrdiff_t>(last),
                torn.begin() + static_cast<ptrdiff_t>(cut) + 1, '\0');
    }
    files.Bytes(kFirst) = torn;
    Writer writer(files);
    if (writer.position != 3) FAIL("cut at " << cut << " gives position " << writer.position);
    if (cut % 512 != 0) continue;
    CHECK(writer.log->torn_tail() == (cut == last ? "" : absl::StrCat(kFirst, " at byte ", last)));
    REQUIRE(writer.Append(9).ok());
    CHECK(LastPosition(files) == 4);
    CHECK(Writer(files).log->torn_tail().empty());
  }
  CHECK(end <= kSegmentBytes);
}

TEST_CASE("a file that was cut short is a torn tail, or nothing", "[log]") {
  MemoryFileSystem files;
  {
    Writer writer(files);
    REQUIRE(writer.Append(3).ok());
  }
  const std::string whole = files.Bytes(kFirst);
  for (const size_t length : {0u, 1u, 63u, 64u, 4'095u}) {
    CAPTURE(length);
    files.Bytes(kFirst) = whole.substr(0, length);
    Writer writer(files);
    CHECK(writer.position == 0);
    REQUIRE(writer.Append(2).ok());
    CHECK(LastPosition(files) == 1);
  }
  files.Bytes(kFirst) = whole.substr(0, 4'096);
  CHECK(LastPosition(files) == 1);
}

TEST_CASE("damage before the tail is named with file and byte", "[log]") {
  MemoryFileSystem files;
  std::vector<uint64_t> begins;
  uint64_t end = 0;
  {
    Writer writer(files);
    for (const size_t events : {3u, 40u, 5u}) {
      begins.push_back(end);
      writer.Add(events);
      end += PaddedFrameBytes(writer.frame.record_bytes());
      REQUIRE(writer.log->Append(writer.frame).ok());
    }
  }
  const std::string whole = files.Bytes(kFirst);
  for (uint64_t byte = 0; byte < begins.back(); byte += 7) {
    files.Bytes(kFirst) = whole;
    files.Bytes(kFirst)[byte] ^= 1;
    const auto opened = Log::Open(files, kOptions);
    const uint64_t begin = byte < begins[1] ? begins[0] : begins[1];
    if (!absl::IsDataLoss(opened.status()) ||
        !absl::StrContains(opened.status().message(),
                           absl::StrCat(kFirst, " at byte ", begin, ":"))) {
      FAIL("flip of byte " << byte << " gives " << opened.status());
    }
  }
}

TEST_CASE("the last frame is protected too once a mark stands behind it", "[log]") {
  MemoryFileSystem files;
  {
    Writer writer(files);
    REQUIRE(writer.Append(3).ok());
    SECTION("by a mark of the writer") { REQUIRE(writer.log->Append(writer.frame).ok()); }
    SECTION("by the next start") { REQUIRE(LastPosition(files) == 1); }
  }
  files.Bytes(kFirst)[100] ^= 1;
  CHECK(absl::IsDataLoss(Log::Open(files, kOptions).status()));
}

TEST_CASE("starting again and again does not make the log longer", "[log]") {
  MemoryFileSystem files;
  REQUIRE(Writer(files).Append(3).ok());
  REQUIRE(LastPosition(files) == 1);
  const std::string bytes = files.Bytes(kFirst);
  REQUIRE(LastPosition(files) == 1);
  CHECK(files.Bytes(kFirst) == bytes);
}

TEST_CASE("a lost segment is damage, not an end", "[log]") {
  MemoryFileSystem files;
  {
    Writer writer(files);
    for (int i = 0; i < 6; ++i) REQUIRE(writer.Append(200).ok());
  }
  REQUIRE(files.Has("data/log/0003"));
  const std::string lost = GENERATE(values<std::string>({kFirst, kSecond}));
  files.Erase(lost);
  const auto opened = Log::Open(files, kOptions);
  CAPTURE(opened.status());
  REQUIRE(absl::IsDataLoss(opened.status()));
  CHECK(absl::StrContains(opened.status().message(), " at byte "));
}

TEST_CASE("a torn frame at the beginning of a segment is dropped", "[log]") {
  MemoryFileSystem files;
  {
    Writer writer(files);
    for (int i = 0; i < 3; ++i) REQUIRE(writer.Append(200).ok());
  }
  REQUIRE(files.Has(kSecond));
  files.Bytes(kSecond)[70] ^= 1;
  Writer writer(files);
  CHECK(writer.position == 2);
  REQUIRE(writer.Append(1).ok());
  REQUIRE(writer.Append(200).ok());
  CHECK(LastPosition(files) == 4);
}

TEST_CASE("after an error the log takes nothing more, and nothing acknowledged is lost", "[log]") {
  const auto crash = GENERATE(false, true);
  CAPTURE(crash);
  bool failed = true;
  for (int operations = 0; failed; ++operations) {
    CAPTURE(operations);
    MemoryFileSystem files;
    files.FailAfter(operations);
    uint64_t acknowledged = 0;
    if (auto opened = Log::Open(files, kOptions); opened.ok()) {
      files.StopFailing();
      Writer writer(files);
      files.FailAfter(operations - std::min(operations, 4));
      absl::Status status;
      for (int i = 0; i < 6 && status.ok(); ++i) {
        status = writer.Append(200);
        if (status.ok()) acknowledged = writer.position;
      }
      if (!status.ok()) {
        CHECK(absl::StrContains(status.message(), "the test's disk fails"));
        CHECK(writer.log->Append(writer.frame) == status);
        CHECK(writer.log->durable_position() == acknowledged);
      }
    }
    failed = files.StopFailing();
    if (crash) files.Crash();
    Writer writer(files);
    CHECK(writer.position >= acknowledged);
    CHECK(writer.position <= acknowledged + 1);
    REQUIRE(writer.Append(3).ok());
    CHECK(LastPosition(files) == writer.position);
  }
}

TEST_CASE("an error while starting is an error, and nothing is lost by it", "[log]") {
  bool failed = true;
  for (int operations = 0; failed; ++operations) {
    CAPTURE(operations);
    MemoryFileSystem files;
    {
      Writer writer(files);
      for (int i = 0; i < 3; ++i) REQUIRE(writer.Append(200).ok());
    }
    files.FailAfter(operations);
    const bool opened = Log::Open(files, kOptions).ok();
    failed = files.StopFailing();
    CHECK(opened != failed);
    files.Crash();
    CHECK(LastPosition(files) == 3);
  }
}

TEST_CASE("a frame longer than a segment is refused and the log goes on", "[log]") {
  MemoryFileSystem files;
  Writer writer(files);
  writer.Add(600);
  CHECK(absl::IsInvalidArgument(writer.log->Append(writer.frame)));
  writer.position = 0;
  writer.hash = {};
  CHECK(writer.Append(3).ok());
}

TEST_CASE("reading begins at any position and ends at what is durable", "[log]") {
  MemoryFileSystem files;
  Writer writer(files);
  for (int i = 0; i < 10; ++i) {
    writer.Add(20);
    REQUIRE(writer.Append(90).ok());
  }
  for (uint64_t from = 1; from <= 21; ++from) {
    LogReader reader(*writer.log, from);
    uint64_t next = from;
    while (true) {
      const auto item = reader.Next();
      REQUIRE(item.ok());
      if (*item == nullptr) break;
      CHECK((*item)->record.position == next++);
      CHECK((*item)->encoded.size() == (*item)->record.encoded_bytes);
    }
    CHECK(next == 21);
    if (from != 21) continue;
    CAPTURE(from);
    LogReader ahead(*writer.log, from);
    REQUIRE(*ahead.Next() == nullptr);
    REQUIRE(writer.Append(1).ok());
    CHECK((*ahead.Next())->record.position == 21);
  }
}

TEST_CASE("a reader finds damage that came after the start", "[log]") {
  MemoryFileSystem files;
  Writer writer(files);
  REQUIRE(writer.Append(3).ok());
  REQUIRE(writer.Append(3).ok());
  files.Bytes(kFirst)[4'096 + 200] ^= 4;
  LogReader reader(*writer.log, 1);
  REQUIRE(reader.Next().ok());
  const auto item = reader.Next();
  CAPTURE(item.status());
  REQUIRE(absl::IsDataLoss(item.status()));
  CHECK(absl::StrContains(item.status().message(), absl::StrCat(kFirst, " at byte 4096:")));
}

TEST_CASE("readers go on beside the writer", "[log]") {
  constexpr uint64_t kRecords = 400;
  MemoryFileSystem files;
  Writer writer(files);
  std::vector<std::thread> readers;
  std::vector<uint64_t> seen(2, 0);
  for (uint64_t& count : seen) {
    readers.emplace_back([&log = *writer.log, &count] {
      LogReader reader(log, 1);
      while (count < kRecords) {
        const auto item = reader.Next();
        if (!item.ok()) return;
        if (*item == nullptr) {
          std::this_thread::yield();
        } else if ((*item)->record.position == count + 1) {
          ++count;
        }
      }
    });
  }
  for (uint64_t i = 0; i < kRecords; ++i) {
    if (!writer.Append(i % 50).ok()) FAIL("append");
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(seen == std::vector<uint64_t>(2, kRecords));
}

}  // namespace
}  // namespace ledger
