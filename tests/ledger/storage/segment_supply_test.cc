#include "ledger/storage/segment_supply.h"

#include <catch2/catch.hpp>

#include <string>

#include "ledger/storage/recovery.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

constexpr uint64_t kSegmentBytes = 16 << 10;
const SegmentSupplyOptions kOptions{
    .folder = "log", .segment_bytes = kSegmentBytes, .prepares_ahead = true};

TEST_CASE("a new segment is zeros, written and synced", "[segment_supply]") {
  const bool ahead = GENERATE(false, true);
  MemoryFileSystem files;
  SegmentSupply supply(files, kOptions, {});
  if (ahead) supply.PrepareAhead(2);
  REQUIRE(supply.Take(2).ok());
  files.Crash();
  CHECK(files.Bytes("log/0002") == std::string(kSegmentBytes, '\0'));
}

TEST_CASE("what was begun before a crash is gone on with", "[segment_supply]") {
  MemoryFileSystem files;
  REQUIRE(files.Replace("log/0001", std::string(5'000, '\0')).ok());
  SegmentSupply supply(files, kOptions, {});
  REQUIRE(supply.Take(1).ok());
  CHECK(files.Bytes("log/0001").size() == kSegmentBytes);
}

TEST_CASE("what went wrong ahead is tried once more when the segment is needed",
          "[segment_supply]") {
  MemoryFileSystem files;
  SegmentSupply supply(files, kOptions, {});
  files.FailAfter(1);
  supply.PrepareAhead(1);
  CHECK_FALSE(supply.Take(1).ok());
  files.StopFailing();
  CHECK(supply.Take(1).ok());
}

TEST_CASE("a given-up segment's file is used again as it is", "[segment_supply]") {
  MemoryFileSystem files;
  const std::string content(kSegmentBytes, 'x');
  REQUIRE(files.Replace("log/0003", content).ok());
  REQUIRE(files.Replace("log/0004", content).ok());
  SegmentSupply supply(files, kOptions, {3});
  supply.GiveUp(4);
  REQUIRE(supply.Take(7).ok());
  REQUIRE(supply.Take(8).ok());
  files.Crash();
  CHECK(files.Bytes("log/0007") == content);
  CHECK(files.Bytes("log/0008") == content);
  CHECK(ListSegments(files, "log").value() == std::vector<uint32_t>{7, 8});
}

constexpr uint32_t kSurplus = 3;

void GiveUpTooMany(MemoryFileSystem& files, SegmentSupply& supply, uint64_t bytes) {
  for (uint32_t segment = 1; segment <= SegmentSupply::kFreeSegmentsMax + kSurplus; ++segment) {
    REQUIRE(files.Replace(SegmentPath("log", segment), std::string(bytes, 'x')).ok());
    supply.GiveUp(segment);
  }
}

TEST_CASE("more given-up segments than are kept are removed, the oldest first",
          "[segment_supply]") {
  MemoryFileSystem files;
  SegmentSupply supply(files, kOptions, {});
  GiveUpTooMany(files, supply, 1);
  REQUIRE(supply.RemoveSurplus([] { return absl::OkStatus(); }).ok());
  const std::vector<uint32_t> left = ListSegments(files, "log").value();
  CHECK(left.size() == SegmentSupply::kFreeSegmentsMax);
  CHECK(left.front() == kSurplus + 1);
}

TEST_CASE("a removal that is interrupted is gone on with", "[segment_supply]") {
  MemoryFileSystem files;
  SegmentSupply supply(files, kOptions, {});
  GiveUpTooMany(files, supply, 3 << 20);
  int steps = 0;
  const absl::Status interrupted = supply.RemoveSurplus([&]() -> absl::Status {
    return ++steps < 4 ? absl::OkStatus() : absl::CancelledError("not now");
  });
  CHECK(absl::IsCancelled(interrupted));
  CHECK(ListSegments(files, "log").value().front() == 2);
  REQUIRE(supply.RemoveSurplus([] { return absl::OkStatus(); }).ok());
  CHECK(ListSegments(files, "log").value().front() == kSurplus + 1);
}

TEST_CASE("a segment whose removal was interrupted is whole again when it is used again",
          "[segment_supply]") {
  constexpr uint64_t kLargeBytes = 2 << 20;
  MemoryFileSystem files;
  SegmentSupply supply(
      files, {.folder = "log", .segment_bytes = kLargeBytes, .prepares_ahead = false}, {});
  GiveUpTooMany(files, supply, kLargeBytes);
  CHECK_FALSE(supply.RemoveSurplus([] { return absl::CancelledError("not now"); }).ok());
  for (uint32_t segment = 100; files.Exists("log/0001"); ++segment) {
    REQUIRE(supply.Take(segment).ok());
  }
  const std::vector<uint32_t> left = ListSegments(files, "log").value();
  for (const uint32_t segment : left) {
    CHECK(files.Bytes(SegmentPath("log", segment)).size() == kLargeBytes);
  }
}

}  // namespace
}  // namespace ledger
