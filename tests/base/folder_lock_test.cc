#include "base/folder_lock.h"

#include <catch2/catch.hpp>

#include "tests/temporary_folder.h"

namespace base {
namespace {

TEST_CASE("a folder has one holder at a time", "[files]") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/data";
  {
    const auto first = FolderLock::Take(path);
    REQUIRE(first.ok());
    CHECK(FolderLock::Take(path).status().code() == absl::StatusCode::kFailedPrecondition);
  }
  CHECK(FolderLock::Take(path).ok());
}

}  // namespace
}  // namespace base
