#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

#include "base/file_system.h"
#include "tests/temporary_folder.h"

namespace base {
namespace {

TEST_CASE("a replaced file holds the new content and nothing is left beside it", "[files]") {
  const TemporaryFolder folder;
  FileSystem& files = SystemFileSystem();
  const std::string path = folder.path() + "/term";
  REQUIRE(files.Replace(path, "1").ok());
  REQUIRE(files.Replace(path, "22").ok());
  CHECK(files.Read(path).value() == "22");
  CHECK(files.List(folder.path()).value() == std::vector<std::string>{"term"});
}

TEST_CASE("reserved space reads as zeros and counts as size", "[files]") {
  const TemporaryFolder folder;
  const auto file = SystemFileSystem().Open(folder.path() + "/log");
  REQUIRE(file.ok());
  REQUIRE((*file)->Preallocate(8192).ok());
  REQUIRE((*file)->WriteAt(10, "abc").ok());
  REQUIRE((*file)->Sync().ok());
  CHECK((*file)->Size().value() == 8192);
  std::string bytes(5, 'x');
  REQUIRE((*file)->ReadAt(9, bytes.data(), bytes.size()).ok());
  CHECK(bytes == std::string("\0abc\0", 5));
}

TEST_CASE("a direct file holds what was written, wherever the file system stands", "[files]") {
  const TemporaryFolder folder;
  const bool on_disk = GENERATE(true, false);  // Else in memory.
  const std::string name = folder.path().substr(folder.path().rfind('/'));
  const std::string path = on_disk ? folder.path() + "/log" : "/dev/shm" + name;
  FileSystem& files = SystemFileSystem();
  struct alignas(kDirectAlignment) Block {
    char bytes[kDirectAlignment];
  };
  auto written = std::make_unique<Block>();
  auto read = std::make_unique<Block>();
  std::fill_n(written->bytes, kDirectAlignment, 'x');
  CHECK(files.OpenDirect(path, IfMissing::kFail).status().code() == absl::StatusCode::kNotFound);
  {
    const auto file = files.OpenDirect(path, IfMissing::kCreate);
    REQUIRE(file.ok());
    REQUIRE((*file)->WriteAt(kDirectAlignment, {written->bytes, kDirectAlignment}).ok());
    REQUIRE((*file)->Sync().ok());
  }
  const auto file = files.OpenDirect(path, IfMissing::kFail);
  REQUIRE(file.ok());
  REQUIRE((*file)->ReadAt(kDirectAlignment, read->bytes, kDirectAlignment).ok());
  CHECK(std::equal(read->bytes, read->bytes + kDirectAlignment, written->bytes));
  CHECK((*file)->Size().value() == 2 * kDirectAlignment);
  CHECK((*file)->ReadAt(2 * kDirectAlignment, read->bytes, kDirectAlignment).code() ==
        absl::StatusCode::kOutOfRange);
  CHECK(files.Remove(path).ok());
}

TEST_CASE("a renamed file takes the place of the one that had the name", "[files]") {
  const TemporaryFolder folder;
  FileSystem& files = SystemFileSystem();
  const std::string from = folder.path() + "/from";
  const std::string to = folder.path() + "/to";
  REQUIRE(files.Replace(from, "new").ok());
  REQUIRE(files.Replace(to, "old").ok());
  REQUIRE(files.Rename(from, to).ok());
  CHECK(files.Read(to).value() == "new");
  CHECK_FALSE(files.Exists(from));
  CHECK(files.Rename(from, to).code() == absl::StatusCode::kNotFound);
}

TEST_CASE("errors name the path", "[files]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/absent";
  const absl::Status status = SystemFileSystem().Read(path).status();
  CHECK(status.code() == absl::StatusCode::kNotFound);
  CHECK(std::string(status.message()).find(path) != std::string::npos);
}

TEST_CASE("reading past the end says where the file ends", "[files]") {
  const TemporaryFolder folder;
  const auto file = SystemFileSystem().Open(folder.path() + "/log");
  REQUIRE(file.ok());
  REQUIRE((*file)->WriteAt(0, "abc").ok());
  char bytes[4];
  const absl::Status status = (*file)->ReadAt(0, bytes, sizeof(bytes));
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(std::string(status.message()).find("ends at byte 3") != std::string::npos);
}

}  // namespace
}  // namespace base
