#include "ledger/copy/incoming.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "ledger/storage/snapshot.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

constexpr uint32_t kShard = 3;

pb::CopyManifest Manifest(const std::string& copy_id) {
  pb::CopyManifest manifest;
  manifest.set_copy_id(copy_id);
  manifest.set_shard(kShard);
  manifest.set_position(70);
  manifest.set_log_hash(std::string(32, 'h'));
  const auto add = [&](const std::string& name, uint64_t bytes) {
    pb::CopyFile& file = *manifest.add_files();
    file.set_name(name);
    file.set_bytes(bytes);
  };
  add("snapshots/70", 2 * kPieceBytes);
  add("history/filters/4", 100);
  add("history/runs/000009.sst", kPieceBytes + 5'000);
  return manifest;
}

char ByteOf(PiecePlan::Number number) { return static_cast<char>('a' + number); }

absl::Status WriteAndSave(Incoming& incoming, PiecePlan& plan, size_t count) {
  const AlignedBuffer buffer(kPieceBytes);
  std::vector<Piece> pieces;
  for (const PiecePlan::Number number : plan.Take(count)) {
    std::memset(buffer.data(), ByteOf(number), kPieceBytes);
    if (absl::Status status = incoming.Write(plan.At(number), buffer); !status.ok()) return status;
    plan.Written(number);
    pieces.push_back(plan.At(number));
  }
  const auto written = plan.written();
  if (absl::Status status = incoming.Save(pieces, plan.Bits(written)); !status.ok()) return status;
  plan.Durable(written);
  return absl::OkStatus();
}

// All pieces of a copy, two at a time.
absl::Status Receive(MemoryFileSystem& files, std::string& copy_id) {
  auto opened = Incoming::Open(files, "data", "source");
  if (!opened.ok()) return opened.status();
  Incoming& incoming = **opened;
  copy_id = incoming.copy_id();
  if (absl::Status status = incoming.Accept(Manifest(copy_id), 0); !status.ok()) return status;
  PiecePlan plan = incoming.Plan();
  while (!plan.IsDurable()) {
    if (absl::Status status = WriteAndSave(incoming, plan, 2); !status.ok()) return status;
  }
  return incoming.MarkWhole();
}

void CheckPiece(MemoryFileSystem& files, const pb::CopyManifest& manifest, const PiecePlan& plan,
                PiecePlan::Number number) {
  const Piece piece = plan.At(number);
  const std::string& bytes =
      files.Bytes("data/incoming/" + manifest.files(static_cast<int>(piece.file)).name());
  CAPTURE(number);
  REQUIRE(bytes.size() >= piece.offset + piece.bytes);
  CHECK(bytes.substr(piece.offset, piece.bytes) == std::string(piece.bytes, ByteOf(number)));
}

TEST_CASE("what was saved of a copy is there after a crash at any point", "[copy]") {
  int changes = 0;
  {
    MemoryFileSystem files;
    std::string copy_id;
    REQUIRE(Receive(files, copy_id).ok());
    changes = files.changes();
  }
  REQUIRE(changes > 30);
  for (int after = 0; after < changes; ++after) {
    for (const Unsynced unsynced : {Unsynced::kForgotten, Unsynced::kSomeBlocks}) {
      CAPTURE(after, static_cast<int>(unsynced));
      MemoryFileSystem files;
      files.FailAfter(after);
      std::string copy_id;
      CHECK_FALSE(Receive(files, copy_id).ok());
      files.StopFailing();
      files.Crash(unsynced, static_cast<uint32_t>(after));

      auto again = Incoming::Open(files, "data", "source");
      REQUIRE(again.ok());
      const pb::CopyManifest manifest = Manifest((*again)->copy_id());
      const std::string bits = (*again)->state().pieces();
      REQUIRE((*again)->Accept(manifest, 0).ok());
      const PiecePlan plan = (*again)->Plan();
      for (PiecePlan::Number number = 0; number < 5; ++number) {
        const bool is_there = number / 8 < bits.size() && (bits[number / 8] >> number % 8 & 1) != 0;
        if (is_there) CheckPiece(files, manifest, plan, number);
      }
    }
  }
}

TEST_CASE("after a sync that failed nothing is recorded, though the next one says it is fine",
          "[copy]") {
  MemoryFileSystem files;
  auto incoming = Incoming::Open(files, "data", "source");
  REQUIRE((*incoming)->Accept(Manifest((*incoming)->copy_id()), 0).ok());
  PiecePlan plan = (*incoming)->Plan();
  const AlignedBuffer buffer(kPieceBytes);
  const Piece piece = plan.At(plan.Take(1).front());
  REQUIRE((*incoming)->Write(piece, buffer).ok());
  plan.Written(0);
  files.Plan({.kind = DiskFault::Kind::kError});
  REQUIRE_FALSE((*incoming)->Save({piece}, plan.Bits({0})).ok());
  REQUIRE_THAT(files.fault_met(), Catch::Contains("syncing data/incoming/snapshots/70"));
  // Linux tells an error of writing back once.
  CHECK_FALSE((*incoming)->Save({piece}, plan.Bits({0})).ok());
  auto again = Incoming::Open(files, "data", "source");
  CHECK((*again)->Plan().durable_bytes() == 0);
}

// A manifest of so many small files beside the snapshot.
pb::CopyManifest ManyFiles(const std::string& copy_id, int count) {
  pb::CopyManifest manifest = Manifest(copy_id);
  for (int file = 0; file < count; ++file) {
    pb::CopyFile& added = *manifest.add_files();
    added.set_name(absl::StrCat("history/filters/", 100 + file));
    added.set_bytes(5'000);
  }
  return manifest;
}

TEST_CASE("a copy of more files than may be open comes in whole", "[copy]") {
  constexpr int kFiles = 300;
  MemoryFileSystem files;
  auto incoming = Incoming::Open(files, "data", "source");
  REQUIRE((*incoming)->Accept(ManyFiles((*incoming)->copy_id(), kFiles), 0).ok());
  PiecePlan plan = (*incoming)->Plan();
  const int before = files.open_files();
  while (plan.missing() > 0) {
    // Not saved between: as when they come faster than that.
    const AlignedBuffer buffer(kPieceBytes);
    const PiecePlan::Number number = plan.Take(1).front();
    std::memset(buffer.data(), ByteOf(number), kPieceBytes);
    REQUIRE((*incoming)->Write(plan.At(number), buffer).ok());
    plan.Written(number);
    CHECK(files.open_files() <= before + 2 * static_cast<int>(PieceFiles::kOpenMax));
  }
  std::vector<Piece> pieces;
  for (const PiecePlan::Number number : plan.written()) pieces.push_back(plan.At(number));
  REQUIRE((*incoming)->Save(pieces, plan.Bits(plan.written())).ok());
  const pb::CopyManifest manifest = (*incoming)->state().manifest();
  files.Crash();
  for (const PiecePlan::Number number : plan.written()) CheckPiece(files, manifest, plan, number);
}

TEST_CASE("a file that could not be synced when it was closed is not recorded", "[copy]") {
  MemoryFileSystem files;
  auto incoming = Incoming::Open(files, "data", "source");
  REQUIRE((*incoming)->Accept(ManyFiles((*incoming)->copy_id(), 300), 0).ok());
  PiecePlan plan = (*incoming)->Plan();
  const AlignedBuffer buffer(kPieceBytes);
  bool is_failing = false;
  std::vector<Piece> pieces;
  for (const PiecePlan::Number number : plan.Take(PieceFiles::kOpenMax + 10)) {
    // Of each file one write, and when one is closed first its sync.
    if (number == PieceFiles::kOpenMax + 5) {
      files.Plan({.kind = DiskFault::Kind::kError});
      is_failing = true;
    }
    const absl::Status written = (*incoming)->Write(plan.At(number), buffer);
    CHECK(written.ok() != is_failing);
    if (!written.ok()) continue;
    plan.Written(number);
    pieces.push_back(plan.At(number));
  }
  REQUIRE_THAT(files.fault_met(), Catch::Contains("syncing data/incoming/"));
  CHECK_FALSE((*incoming)->Save(pieces, plan.Bits(plan.written())).ok());
}

TEST_CASE("a check of the snapshot ends when the copy is given up", "[copy]") {
  MemoryFileSystem files;
  auto incoming = Incoming::Open(files, "data", "source");
  const SnapshotFacts facts{.shard = kShard, .position = 70};
  pb::CopyManifest manifest = Manifest((*incoming)->copy_id());
  manifest.set_log_hash(std::string(base::AsBytes(facts.log_hash)));
  REQUIRE((*incoming)->Accept(manifest, 0).ok());
  auto writer = SnapshotWriter::Begin(files, "data/incoming/snapshots", facts);
  REQUIRE((*writer)->Add(2, "accounts").ok());
  REQUIRE((*writer)->Finish().ok());
  std::atomic<bool> cancelled = false;
  CHECK((*incoming)->CheckSnapshot(cancelled).ok());
  cancelled = true;
  CHECK(absl::IsCancelled((*incoming)->CheckSnapshot(cancelled)));
}

TEST_CASE("a copy goes on under its id, and from where it was", "[copy]") {
  MemoryFileSystem files;
  std::string copy_id;
  {
    auto incoming = Incoming::Open(files, "data", "source");
    copy_id = (*incoming)->copy_id();
    REQUIRE((*incoming)->Accept(Manifest(copy_id), 0).ok());
    PiecePlan plan = (*incoming)->Plan();
    REQUIRE(WriteAndSave(**incoming, plan, 3).ok());
  }
  auto incoming = Incoming::Open(files, "data", "source");
  REQUIRE((*incoming)->copy_id() == copy_id);
  SECTION("when the source keeps the same") {
    REQUIRE((*incoming)->Accept(Manifest(copy_id), 5 * kPieceBytes).ok());
    CHECK((*incoming)->Plan().durable_bytes() == 2 * kPieceBytes + 100);
    CHECK((*incoming)->state().sent_again_bytes() == 3 * kPieceBytes - 100);
  }
  SECTION("not when it keeps another") {
    pb::CopyManifest other = Manifest(copy_id);
    other.set_position(71);
    other.mutable_files(0)->set_name("snapshots/71");
    REQUIRE((*incoming)->Accept(other, 0).ok());
    CHECK((*incoming)->Plan().durable_bytes() == 0);
    CHECK_FALSE(files.Exists("data/incoming/snapshots/70"));
  }
  SECTION("not when another node is followed") {
    auto other = Incoming::Open(files, "data", "third");
    CHECK((*other)->copy_id() != copy_id);
    CHECK((*other)->Plan().durable_bytes() == 0);
  }
}

TEST_CASE("what the source sent and did not come is sent again, and is counted", "[copy]") {
  MemoryFileSystem files;
  auto incoming = Incoming::Open(files, "data", "source");
  const pb::CopyManifest manifest = Manifest((*incoming)->copy_id());
  REQUIRE((*incoming)->Accept(manifest, 0).ok());
  CHECK((*incoming)->SentAgain(1'000, 1'000) == 0);
  CHECK((*incoming)->SentAgain(1'500, 1'000) == 500);
  REQUIRE((*incoming)->Accept(manifest, 700).ok());
  CHECK((*incoming)->SentAgain(700, 0) == 700);
  // A source that was restarted counts from 0.
  CHECK((*incoming)->SentAgain(0, 0) == 700);
}

TEST_CASE("a manifest that leads elsewhere is refused", "[copy]") {
  pb::CopyManifest manifest = Manifest("id");
  REQUIRE(CheckManifest(manifest, kShard).ok());
  SECTION("names") {
    const std::string name =
        GENERATE("../key.pem", "snapshots/../../key.pem", "/etc/passwd", "key.pem", "snapshots/",
                 "history/runs/..", "history/runs/a/b", "log/0001", "snapshots/71", "");
    CAPTURE(name);
    manifest.mutable_files(2)->set_name(name);
    CHECK(absl::IsInvalidArgument(CheckManifest(manifest, kShard)));
  }
  SECTION("a name twice") {
    manifest.mutable_files(2)->set_name("history/filters/4");
    CHECK(absl::IsInvalidArgument(CheckManifest(manifest, kShard)));
  }
  SECTION("no snapshot") {
    manifest.mutable_files()->DeleteSubrange(0, 1);
    CHECK(absl::IsInvalidArgument(CheckManifest(manifest, kShard)));
  }
  SECTION("another shard's") {
    CHECK(absl::IsInvalidArgument(CheckManifest(manifest, kShard + 1)));
  }
}

}  // namespace
}  // namespace ledger
