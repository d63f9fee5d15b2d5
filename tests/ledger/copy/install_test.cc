#include "ledger/copy/install.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/storage/log.h"
#include "ledger/storage/small_file.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr uint64_t kPosition = 70;
const std::vector<std::string> kFiles = {"snapshots/70", "history/filters/4",
                                         "history/runs/CURRENT", "history/runs/000009.sst"};

void Put(MemoryFileSystem& files, const std::string& path, const std::string& content) {
  REQUIRE(files.Replace(path, content).ok());
}

// An empty node with its log and history, and a copy that came in whole.
void Prepare(MemoryFileSystem& files) {
  {
    auto log = Log::Open(files, {.folder = "data/log", .segment_bytes = 16'384});
    REQUIRE(log.ok());
  }
  Put(files, "data/history/runs/CURRENT", "old");
  Put(files, "data/history/runs/000004.log", "old");
  Put(files, "data/following", "kept");
  pb::CopyManifest manifest;
  manifest.set_position(kPosition);
  manifest.set_history_ns(7'000);
  for (const std::string& name : kFiles) {
    manifest.add_files()->set_name(name);
    Put(files, "data/incoming/" + name, "new " + name);
  }
  REQUIRE(SaveChecked(files, "data/incoming/whole", manifest.SerializeAsString()).ok());
}

void CheckInstalled(MemoryFileSystem& files) {
  for (const std::string& name : kFiles) {
    CAPTURE(name);
    const auto content = files.Read("data/" + name);
    REQUIRE(content.ok());
    CHECK(*content == "new " + name);
    CHECK_FALSE(files.Exists("data/incoming/" + name));
  }
  CHECK_FALSE(files.Exists("data/history/runs/000004.log"));
  CHECK_FALSE(files.Exists("data/incoming/whole"));
  CHECK(files.Read("data/following").value() == "kept");
  CHECK(SmallFiles(files, "data").LoadCopiedHistory().value() == 7'000);
  const auto log = Log::Open(files, {.folder = "data/log", .segment_bytes = 16'384});
  CAPTURE(log.status());
  REQUIRE(log.ok());
  CHECK((*log)->durable_position() == kPosition);
  CHECK((*log)->first_position() == kPosition + 1);
}

TEST_CASE("a whole copy becomes the node's data", "[copy]") {
  MemoryFileSystem files;
  Prepare(files);
  REQUIRE(FinishCopy(files, "data").ok());
  CheckInstalled(files);
}

TEST_CASE("without a whole copy nothing is touched", "[copy]") {
  MemoryFileSystem files;
  Prepare(files);
  REQUIRE(files.Remove("data/incoming/whole").ok());
  const int changes = files.changes();
  CHECK(FinishCopy(files, "data").ok());
  CHECK(files.changes() == changes);
}

TEST_CASE("damage to what says that a copy is whole costs the copy, not the node", "[copy]") {
  MemoryFileSystem files;
  Prepare(files);
  files.Bytes("data/incoming/whole").back() ^= 1;
  const absl::Status status = FinishCopy(files, "data");
  CHECK(absl::IsDataLoss(status));
  CHECK_THAT(std::string(status.message()),
             Catch::Equals("data/incoming/whole is damaged; remove data/incoming and let the node "
                           "copy again"));
}

TEST_CASE("wherever it crashes, the next start makes the copy the node's data", "[copy]") {
  int whole_run = 0;
  {
    MemoryFileSystem files;
    Prepare(files);
    const int before = files.changes();
    REQUIRE(FinishCopy(files, "data").ok());
    whole_run = files.changes() - before;
  }
  REQUIRE(whole_run > 20);
  for (int after = 0; after < whole_run; ++after) {
    for (const Unsynced unsynced : {Unsynced::kForgotten, Unsynced::kKept, Unsynced::kSomeBlocks}) {
      CAPTURE(after, static_cast<int>(unsynced));
      MemoryFileSystem files;
      Prepare(files);
      files.FailAfter(after);
      CHECK_FALSE(FinishCopy(files, "data").ok());
      files.StopFailing();
      files.Crash(unsynced, static_cast<uint32_t>(after));
      const absl::Status status = FinishCopy(files, "data");
      CAPTURE(status);
      REQUIRE(status.ok());
      CheckInstalled(files);
    }
  }
}

TEST_CASE("two crashes on the way are as one", "[copy]") {
  for (int first = 0; first < 40; first += 3) {
    for (int second = 0; second < 40; second += 3) {
      CAPTURE(first, second);
      MemoryFileSystem files;
      Prepare(files);
      for (const int after : {first, second}) {
        files.FailAfter(after);
        FinishCopy(files, "data").IgnoreError();
        files.StopFailing();
        files.Crash(Unsynced::kSomeBlocks, static_cast<uint32_t>(first * 41 + second));
      }
      REQUIRE(FinishCopy(files, "data").ok());
      CheckInstalled(files);
    }
  }
}

TEST_CASE("a file that is missing is named, and what to do", "[copy]") {
  MemoryFileSystem files;
  Prepare(files);
  files.Erase("data/incoming/history/filters/4");
  const absl::Status status = FinishCopy(files, "data");
  CHECK(absl::IsDataLoss(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains("data/history/filters/4") &&
                                                Catch::Contains("let the node copy again"));
}

}  // namespace
}  // namespace ledger
