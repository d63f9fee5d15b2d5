#include "ledger/copy/exports.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/ledger/copy/source_disk.h"

namespace ledger {
namespace {

namespace pb = ::hamisha::ledger::v1;

TEST_CASE("an export names its files, all of them links", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  REQUIRE(source.TakeSnapshot() == 5);
  const auto made = source.exports->Make("target", "a", 5);
  REQUIRE(made.ok());
  const pb::CopyManifest& manifest = (*made)->manifest();
  CHECK(manifest.position() == 5);
  CHECK(manifest.shard() == 3);
  CHECK(manifest.accounts() == 77);
  REQUIRE(manifest.files_size() > 2);
  CHECK(manifest.files(0).name() == "snapshots/5");
  for (int file = 0; file < manifest.files_size(); ++file) {
    CAPTURE(manifest.files(file).name());
    const auto content = source.files.Read((*made)->PathOf(static_cast<uint32_t>(file)));
    REQUIRE(content.ok());
    CHECK(content->size() == manifest.files(file).bytes());
  }
}

TEST_CASE("an export outlives the snapshot that it is of, and a restart", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.snapshots->Remove(5).ok());
  source.OpenExports();
  const auto found = source.exports->Find("a");
  REQUIRE(found != nullptr);
  CHECK(found->follower() == "target");
  CHECK(source.files.Exists(found->PathOf(0)));
  CHECK(source.exports->Find("b") == nullptr);
}

TEST_CASE("what was not finished is removed at the next start", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.files.Remove(source.Path("copies/a/manifest")).ok());
  source.OpenExports();
  CHECK(source.exports->Find("a") == nullptr);
  CHECK_FALSE(source.Has("copies/a"));
}

TEST_CASE("the log behind an export stays until it ends", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  source.AppendTo(100);
  REQUIRE(source.exports->TrimLogBefore(90).ok());
  CHECK(source.writer.log->first_position() <= 6);
  source.OpenExports();
  REQUIRE(source.exports->TrimLogBefore(90).ok());
  CHECK(source.writer.log->first_position() <= 6);
  REQUIRE(source.exports->EndOf("target").ok());
  REQUIRE(source.exports->TrimLogBefore(90).ok());
  CHECK(source.writer.log->first_position() > 6);
  CHECK_FALSE(source.Has("copies/a"));
  // And of a snapshot whose log has gone there is none.
  CHECK(absl::IsAborted(source.exports->Make("target", "b", 5).status()));
}

TEST_CASE("an export that nobody asks for goes", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  source.clock.Advance(kKept);
  CHECK_FALSE(source.exports->DropUnasked());
  REQUIRE(source.exports->Find("a") != nullptr);
  source.clock.Advance(kKept);
  CHECK_FALSE(source.exports->DropUnasked());
  source.clock.Advance(absl::Seconds(1));
  CHECK(source.exports->DropUnasked());
  CHECK_FALSE(source.Has("copies/a"));
}

TEST_CASE("an export whose stream waits is not one that nobody asks for", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  auto stream = source.exports->Make("target", "a", 5).value();
  source.clock.Advance(2 * kKept);
  CHECK_FALSE(source.exports->DropUnasked());
  CHECK(source.Has("copies/a"));
  stream.reset();
  source.clock.Advance(kKept);
  CHECK_FALSE(source.exports->DropUnasked());
  source.clock.Advance(absl::Seconds(1));
  CHECK(source.exports->DropUnasked());
}

TEST_CASE("an export whose follower pulls records is not one that nobody asks for", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  source.clock.Advance(2 * kKept);
  source.exports->Pulls("third");
  source.exports->Pulls("target");
  CHECK_FALSE(source.exports->DropUnasked());
  source.clock.Advance(kKept + absl::Seconds(1));
  source.exports->Pulls("third");
  CHECK(source.exports->DropUnasked());
}

// Of an export's snapshot after the node itself has given it up: some steps long.
uint64_t LargeSnapshot(SourceDisk& source) {
  source.AppendTo(5);
  auto snapshot = source.snapshots->Begin({.shard = 3, .position = 5, .epoch = 1});
  for (int chunk = 0; chunk < 20; ++chunk) {
    REQUIRE((*snapshot)->Add(2, std::string(900'000, 'x')).ok());
  }
  REQUIRE((*snapshot)->Finish().ok());
  return (*snapshot)->file_bytes();
}

TEST_CASE("what only an export has goes in steps, when there is time", "[copy]") {
  SourceDisk source;
  constexpr uint64_t kStep = 1 << 20;
  const uint64_t bytes = LargeSnapshot(source);
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.snapshots->Remove(5).ok());
  REQUIRE(source.exports->End("a").ok());
  CHECK_FALSE(source.Has("copies/a"));
  const std::string left = source.Path("copies/a.0.removing/snapshots/5");
  std::vector<uint64_t> steps;
  const auto pause = [&] {
    steps.push_back(std::filesystem::file_size(left));
    return absl::OkStatus();
  };
  SECTION("at once") { REQUIRE(source.exports->RemoveGivenUp(pause).ok()); }
  SECTION("after it was interrupted") {
    REQUIRE(absl::IsCancelled(
        source.exports->RemoveGivenUp([] { return absl::CancelledError("stopping"); })));
    steps.push_back(std::filesystem::file_size(left));
    if (GENERATE(false, true)) source.OpenExports();
    REQUIRE(source.exports->RemoveGivenUp(pause).ok());
  }
  std::vector<uint64_t> expected;
  for (uint64_t size = bytes; size > kStep; expected.push_back(size)) size -= kStep;
  CHECK(steps == expected);
  CHECK(source.files.List(source.Path("copies"))->empty());
}

TEST_CASE("what the node has too is not shrunk with an export", "[copy]") {
  SourceDisk source;
  const uint64_t bytes = LargeSnapshot(source);
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.exports->End("a").ok());
  REQUIRE(source.exports->RemoveGivenUp([] { return absl::CancelledError("no steps"); }).ok());
  CHECK(std::filesystem::file_size(source.Path("snapshots/5")) == bytes);
}

TEST_CASE("an export may come under the name of one that is being removed", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  for (int time = 0; time < 3; ++time) {
    REQUIRE(source.exports->Make("target", "a", 5).ok());
    REQUIRE(source.exports->End("a").ok());
  }
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.exports->RemoveGivenUp([] { return absl::OkStatus(); }).ok());
  CHECK(source.files.List(source.Path("copies")).value() == std::vector<std::string>{"a"});
}

TEST_CASE("on a disk that is nearly full the export that was not asked for longest goes first",
          "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  for (const std::string id : {"a", "b", "c"}) {
    REQUIRE(source.exports->Make("for-" + id, id, 5).ok());
    source.clock.Advance(absl::Seconds(1));
  }
  source.exports->Find("a");
  REQUIRE(source.exports->GiveUpForSpace().ok());
  CHECK(source.said.empty());
  --source.free_bytes;
  REQUIRE(source.exports->GiveUpForSpace().ok());
  CHECK_FALSE(source.Has("copies/b"));
  CHECK(source.Has("copies/a"));
  CHECK(source.Has("copies/c"));
  CHECK(source.said ==
        std::vector<std::string>{"the copy for for-b is given up: the source's disk has 999 bytes "
                                 "free, and keeps copies from 1000 on: free some"});
  REQUIRE(source.exports->GiveUpForSpace().ok());
  CHECK_FALSE(source.Has("copies/c"));
  REQUIRE(source.exports->GiveUpForSpace().ok());
  REQUIRE(source.exports->GiveUpForSpace().ok());
  CHECK_FALSE(source.Has("copies/a"));
}

TEST_CASE("on a disk that is nearly full no export is made", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  --source.free_bytes;
  CHECK(absl::IsResourceExhausted(source.exports->Make("target", "a", 5).status()));
  CHECK_FALSE(source.Has("copies/a"));
}

TEST_CASE("what exports hold is told", "[copy]") {
  SourceDisk source;
  CHECK(source.exports->Kept().copies() == 0);
  source.AppendTo(5);
  source.TakeSnapshot();
  const auto made = source.exports->Make("target", "a", 5);
  source.AppendTo(12);
  uint64_t bytes = 0;
  for (const pb::CopyFile& file : (*made)->manifest().files()) bytes += file.bytes();
  const pb::KeptCopies kept = source.exports->Kept();
  CHECK(kept.copies() == 1);
  CHECK(kept.bytes() == bytes);
  CHECK(kept.log_records() == 7);
}

TEST_CASE("a follower has one export, and there are few", "[copy]") {
  SourceDisk source;
  source.AppendTo(5);
  source.TakeSnapshot();
  REQUIRE(source.exports->Make("target", "a", 5).ok());
  REQUIRE(source.exports->Make("target", "b", 5).ok());
  CHECK(source.exports->Find("a") == nullptr);
  CHECK_FALSE(source.Has("copies/a"));
  REQUIRE(source.exports->Make("second", "c", 5).ok());
  REQUIRE(source.exports->Make("third", "d", 5).ok());
  CHECK(absl::IsResourceExhausted(source.exports->Make("fourth", "e", 5).status()));
  REQUIRE(source.exports->End("c").ok());
  CHECK(source.exports->End("c").ok());
  CHECK(source.exports->Make("fourth", "e", 5).ok());
}

}  // namespace
}  // namespace ledger
