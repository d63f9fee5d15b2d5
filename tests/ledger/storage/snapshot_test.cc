#include "ledger/storage/snapshot.h"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/storage/snapshots.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

const std::string kFolder = "data/snapshots";
using Piece = std::pair<uint32_t, std::string>;  // Section and bytes.

std::unique_ptr<Snapshots> Open(MemoryFileSystem& files) {
  auto snapshots = Snapshots::Open(files, kFolder);
  REQUIRE(snapshots.ok());
  return std::move(snapshots).value();
}

SnapshotFacts Facts(uint64_t position) {
  return {.shard = 3,
          .position = position,
          .epoch = 2,
          .timestamp_ns = 77,
          .log_hash = base::Sha256Of(absl::StrCat(position))};
}

absl::Status Write(const Snapshots& snapshots, uint64_t position,
                   const std::vector<Piece>& pieces) {
  auto writer = snapshots.Begin(Facts(position));
  if (!writer.ok()) return writer.status();
  for (const auto& [section, bytes] : pieces) {
    if (const absl::Status status = (*writer)->Add(section, bytes); !status.ok()) return status;
  }
  return (*writer)->Finish();
}

// The sections' bytes, chunks of one section put together.
absl::StatusOr<std::vector<Piece>> Read(const Snapshots& snapshots, uint64_t position) {
  auto reader = snapshots.Read(position);
  if (!reader.ok()) return reader.status();
  std::vector<Piece> sections;
  while (true) {
    const auto chunk = (*reader)->Next();
    if (!chunk.ok()) return chunk.status();
    if (*chunk == nullptr) return sections;
    if (sections.empty() || sections.back().first != (*chunk)->section) {
      sections.emplace_back((*chunk)->section, "");
    }
    sections.back().second.append((*chunk)->bytes.data(), (*chunk)->bytes.size());
  }
}

const std::vector<Piece> kPieces = {{1, "accounts"}, {2, std::string(9'000, 't')}, {7, "z"}};

TEST_CASE("a finished snapshot is there after a crash, with its facts", "[snapshot]") {
  MemoryFileSystem files;
  REQUIRE(Write(*Open(files), 12, kPieces).ok());
  files.Crash();
  const auto snapshots = Open(files);
  CHECK(Read(*snapshots, 12).value() == kPieces);
  const SnapshotFacts facts = snapshots->Read(12).value()->facts();
  CHECK(facts.shard == 3);
  CHECK(facts.epoch == 2);
  CHECK(facts.timestamp_ns == 77);
  CHECK(facts.log_hash == Facts(12).log_hash);
  CHECK(absl::IsNotFound(snapshots->Read(11).status()));
}

TEST_CASE("what is added in one piece comes back in one piece", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  auto writer = snapshots->Begin(Facts(1)).value();
  constexpr uint64_t kRowBytes = 96;
  constexpr uint64_t kRows = 120'000;  // 11 MiB: several steps of the disk.
  for (uint64_t row = 0; row < kRows; ++row) {
    const std::string number = absl::StrCat(row);
    REQUIRE(writer->Add(4, number + std::string(kRowBytes - number.size(), '.')).ok());
  }
  REQUIRE(writer->Add(5, std::string(kSnapshotPayloadBytesMax, 'x')).ok());
  REQUIRE(writer->Finish().ok());
  const auto reader = snapshots->Read(1).value();
  CHECK(reader->payload_bytes() == kRows * kRowBytes + kSnapshotPayloadBytesMax);
  uint64_t row = 0;
  for (auto chunk = reader->Next(); chunk.value() != nullptr; chunk = reader->Next()) {
    absl::string_view bytes = (*chunk)->bytes;
    if ((*chunk)->section == 5) {
      CHECK(bytes == std::string(kSnapshotPayloadBytesMax, 'x'));
      continue;
    }
    for (; !bytes.empty(); bytes.remove_prefix(kRowBytes), ++row) {
      if (!absl::StartsWith(bytes, absl::StrCat(row, "."))) FAIL("row " << row);
    }
  }
  CHECK(row == kRows);
}

TEST_CASE("an empty snapshot is one", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  REQUIRE(Write(*snapshots, 5, {}).ok());
  CHECK(Read(*snapshots, 5).value().empty());
}

TEST_CASE("damage anywhere is named with file and byte", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  REQUIRE(Write(*snapshots, 12, kPieces).ok());
  const std::string path = SnapshotPath(kFolder, 12);
  const std::string whole = files.Bytes(path);
  REQUIRE(whole.size() == 7 * kSnapshotBlockBytes);
  const auto check = [&](const std::string& damaged, size_t place) {
    files.Bytes(path) = damaged;
    const absl::Status status = Read(*snapshots, 12).status();
    if (!absl::IsDataLoss(status) || !absl::StrContains(status.message(), path + " at byte ")) {
      FAIL("damage at " << place << " gives " << status);
    }
  };
  for (size_t byte = 0; byte < whole.size(); byte += 13) {
    std::string damaged = whole;
    damaged[byte] ^= 1;
    check(damaged, byte);
  }
  for (size_t block = 0; block < whole.size(); block += kSnapshotBlockBytes) {
    check(whole.substr(0, block), block);
    for (size_t other = 0; other < whole.size(); other += kSnapshotBlockBytes) {
      if (other == block) continue;
      std::string damaged = whole;
      damaged.replace(block, kSnapshotBlockBytes, whole, other, kSnapshotBlockBytes);
      check(damaged, block);
    }
  }
}

TEST_CASE("a chunk of another snapshot is damage", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  REQUIRE(Write(*snapshots, 12, kPieces).ok());
  REQUIRE(Write(*snapshots, 13, kPieces).ok());
  files.Bytes(SnapshotPath(kFolder, 13))
      .replace(kSnapshotBlockBytes, kSnapshotBlockBytes, files.Bytes(SnapshotPath(kFolder, 12)),
               kSnapshotBlockBytes, kSnapshotBlockBytes);
  CHECK(absl::IsDataLoss(Read(*snapshots, 13).status()));
}

TEST_CASE("what was not finished is removed, at once or at the next start", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  { CHECK(snapshots->Begin(Facts(3)).value()->Add(1, "a").ok()); }
  CHECK(files.List(kFolder).value().empty());
  REQUIRE(files.Replace(SnapshotPath(kFolder, 4) + ".writing", "left").ok());
  CHECK(snapshots->List().value().empty());
  Open(files);
  CHECK(files.List(kFolder).value().empty());
}

TEST_CASE("the newest two are kept, and the log behind the older of them", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  CHECK(snapshots->TrimPosition().value() == 1);
  REQUIRE(Write(*snapshots, 9, kPieces).ok());
  CHECK(snapshots->TrimPosition().value() == 1);
  REQUIRE(Write(*snapshots, 20, kPieces).ok());
  CHECK(snapshots->TrimPosition().value() == 10);
  REQUIRE(Write(*snapshots, 100, kPieces).ok());
  REQUIRE(snapshots->Prune([] { return absl::OkStatus(); }).ok());
  CHECK(snapshots->List().value() == std::vector<uint64_t>{100, 20});
  CHECK(snapshots->TrimPosition().value() == 21);
}

// An old one of 20 MiB, and two newer.
std::unique_ptr<Snapshots> OneTooMany(MemoryFileSystem& files) {
  auto snapshots = Open(files);
  REQUIRE(files.Replace(SnapshotPath(kFolder, 9), std::string(20 << 20, 'x')).ok());
  REQUIRE(Write(*snapshots, 20, kPieces).ok());
  REQUIRE(Write(*snapshots, 100, kPieces).ok());
  return snapshots;
}

TEST_CASE("a large snapshot that is given up goes in steps", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = OneTooMany(files);
  std::vector<size_t> left_mib;
  const auto pause = [&] {
    left_mib.push_back(files.Bytes(SnapshotPath(kFolder, 9) + ".removing").size() >> 20);
    return absl::OkStatus();
  };
  REQUIRE(snapshots->Prune(pause).ok());
  REQUIRE(left_mib.size() == 19);
  CHECK(left_mib.front() == 19);
  CHECK(left_mib.back() == 1);
  CHECK(files.List(kFolder).value() == std::vector<std::string>{"100", "20"});
}

TEST_CASE("what is left of a snapshot that was being removed goes at the next start",
          "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = OneTooMany(files);
  CHECK(absl::IsCancelled(snapshots->Prune([] { return absl::CancelledError("stopping"); })));
  CHECK(snapshots->List().value() == std::vector<uint64_t>{100, 20});
  Open(files);
  CHECK(files.List(kFolder).value() == std::vector<std::string>{"100", "20"});
}

TEST_CASE("a snapshot that is being copied keeps what it holds", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = OneTooMany(files);
  REQUIRE(files.Link(SnapshotPath(kFolder, 9), "copies/9").ok());
  REQUIRE(snapshots->Prune([] { return absl::CancelledError("no steps"); }).ok());
  CHECK_FALSE(files.Has(SnapshotPath(kFolder, 9)));
  CHECK(files.Bytes("copies/9") == std::string(20 << 20, 'x'));
}

TEST_CASE("a log that ends before a snapshot has lost its end", "[snapshot]") {
  MemoryFileSystem files;
  const auto snapshots = Open(files);
  CHECK(snapshots->CheckLogReaches(0).ok());
  REQUIRE(Write(*snapshots, 9, kPieces).ok());
  CHECK(snapshots->CheckLogReaches(9).ok());
  CHECK(absl::IsDataLoss(snapshots->CheckLogReaches(8)));
}

TEST_CASE("a full disk is said, and leaves no half snapshot", "[snapshot]") {
  for (int after = 0; after < 6; ++after) {
    CAPTURE(after);
    MemoryFileSystem files;
    const auto snapshots = Open(files);
    files.Plan({.kind = DiskFault::Kind::kFull, .after = after});
    const absl::Status status = Write(*snapshots, 12, kPieces);
    CHECK(absl::IsResourceExhausted(status));
    const std::vector<uint64_t> positions = snapshots->List().value();
    for (const uint64_t position : positions) {
      CHECK(Read(*snapshots, position).value() == kPieces);
    }
  }
}

}  // namespace
}  // namespace ledger
