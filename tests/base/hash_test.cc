#include <catch2/catch.hpp>

#include "base/hash.h"

namespace base {
namespace {

struct Row {
  const char* text;
  const char* sha256;
};

// FIPS 180-2, appendix B, and the hash of nothing.
TEST_CASE("SHA-256 gives the published hashes", "[hash]") {
  const Row row = GENERATE(values<Row>({
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  }));
  CHECK(ToHex(Sha256Of(row.text)) == row.sha256);
}

TEST_CASE("a hasher starts anew after each hash", "[hash]") {
  Sha256 hasher;
  const Hash256 first = hasher.Update("a").Update("bc").Finish();
  const Hash256 second = hasher.Update("abc").Finish();
  CHECK(first == second);
}

TEST_CASE("hexadecimal digits come back as bytes", "[hash]") {
  CHECK(FromHex("00ff7F").value() == std::string("\x00\xff\x7f", 3));
  CHECK(FromHex("0").status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(FromHex("0g").status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a hash is 32 bytes and nothing else", "[hash]") {
  CHECK(ToHash256(std::string(32, 'x')).ok());
  CHECK_FALSE(ToHash256(std::string(31, 'x')).ok());
}

}  // namespace
}  // namespace base
