#include <catch2/catch.hpp>

#include "base/hash.h"
#include "base/signing.h"

namespace base {
namespace {

// RFC 8032, section 7.1, test 2: a message of one byte.
TEST_CASE("a published Ed25519 signature verifies", "[signing]") {
  const std::string key =
      FromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").value();
  const std::string signature =
      FromHex(
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
          .value();
  CHECK(VerifySignature(key, "\x72", signature).ok());
  CHECK_FALSE(VerifySignature(key, "\x73", signature).ok());
}

TEST_CASE("a signature belongs to one key and one message", "[signing]") {
  const SigningKey key = SigningKey::Generate();
  const std::string signature = key.Sign("open");
  CHECK(VerifySignature(key.public_key(), "open", signature).ok());
  CHECK(VerifySignature(key.public_key(), "seal", signature).code() ==
        absl::StatusCode::kUnauthenticated);
  CHECK(VerifySignature(SigningKey::Generate().public_key(), "open", signature).code() ==
        absl::StatusCode::kUnauthenticated);
  CHECK(VerifySignature("short", "open", signature).code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a key survives its PEM form", "[signing]") {
  const SigningKey key = SigningKey::Generate();
  const auto again = SigningKey::FromPem(key.ToPem());
  REQUIRE(again.ok());
  CHECK(again->public_key() == key.public_key());
}

TEST_CASE("what is no Ed25519 key in PEM form is refused", "[signing]") {
  CHECK(SigningKey::FromPem("").status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(SigningKey::FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .status()
            .code() == absl::StatusCode::kInvalidArgument);
}

// The example of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
TEST_CASE("the signed bytes of a typed payload are DSSE's", "[signing]") {
  CHECK(PreAuthenticationEncoding("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

}  // namespace
}  // namespace base
