#include "ledger/storage/small_file.h"

#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "tests/ledger/storage/memory_file_system.h"

namespace ledger {
namespace {

TEST_CASE("small files hold what was saved last, and nothing at first", "[small_file]") {
  MemoryFileSystem files;
  SmallFiles small(files, "data");
  CHECK(small.LoadRefusals()->empty());
  CHECK(small.LoadFollowing()->empty());
  CHECK(small.LoadCertificate()->empty());
  REQUIRE(small.SaveRefusals({2, 7}).ok());
  REQUIRE(small.SaveFollowing("source-0").ok());
  REQUIRE(small.SaveFollowing("target-0").ok());
  REQUIRE(small.SaveCertificate(std::string("a\0b\n", 4)).ok());
  files.Crash();
  CHECK(*small.LoadRefusals() == std::vector<uint64_t>{2, 7});
  CHECK(*small.LoadFollowing() == "target-0");
  CHECK(*small.LoadCertificate() == std::string("a\0b\n", 4));
}

TEST_CASE("refusals read back are made durable once more", "[small_file]") {
  MemoryFileSystem files;
  SmallFiles small(files, "data");
  REQUIRE(small.SaveRefusals({3}).ok());
  files.FailAfter(0);
  CHECK(absl::IsInternal(small.LoadRefusals().status()));
}

TEST_CASE("a damaged small file is named", "[small_file]") {
  MemoryFileSystem files;
  SmallFiles small(files, "data");
  REQUIRE(small.SaveRefusals({31, 7}).ok());
  const std::string whole = files.Bytes("data/refusals");
  for (size_t byte = 0; byte < whole.size(); ++byte) {
    CAPTURE(byte);
    files.Bytes("data/refusals") = whole;
    files.Bytes("data/refusals")[byte] ^= 1;
    CHECK(absl::IsDataLoss(small.LoadRefusals().status()));
    files.Bytes("data/refusals") = whole.substr(0, byte);
    const absl::Status status = small.LoadRefusals().status();
    REQUIRE(absl::IsDataLoss(status));
    CHECK(absl::StrContains(status.message(), "data/refusals is damaged"));
  }
}

}  // namespace
}  // namespace ledger
