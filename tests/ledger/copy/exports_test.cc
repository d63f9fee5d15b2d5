#include "ledger/copy/exports.h"

#include <catch2/catch.hpp>

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
