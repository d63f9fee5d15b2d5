// The old interface is there for good, and twice as fast for what is short.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <xxhash.h>

#include <cctype>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace base {

Sha256::Sha256() { INVARIANT(SHA256_Init(&context_) == 1); }

Sha256& Sha256::Update(const void* data, size_t bytes) {
  INVARIANT(SHA256_Update(&context_, data, bytes) == 1);
  return *this;
}

Hash256 Sha256::Finish() {
  Hash256 hash{};
  INVARIANT(SHA256_Final(hash.data(), &context_) == 1);
  INVARIANT(SHA256_Init(&context_) == 1);
  return hash;
}

Hash256 Sha256Of(absl::string_view data) { return Sha256().Update(data).Finish(); }

uint64_t Checksum64(const void* data, size_t bytes) { return XXH3_64bits(data, bytes); }

std::string ToHex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }
std::string ToHex(const Hash256& hash) { return ToHex(AsBytes(hash)); }

absl::StatusOr<std::string> FromHex(absl::string_view digits) {
  if (digits.size() % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("odd number of hexadecimal digits in '", digits, "'"));
  }
  for (const char digit : digits) {
    if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("'", digits, "' is not hexadecimal"));
    }
  }
  return absl::HexStringToBytes(digits);
}

absl::StatusOr<Hash256> ToHash256(absl::string_view bytes) {
  Hash256 hash{};
  if (bytes.size() != hash.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a hash has 32 bytes, found ", bytes.size()));
  }
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

}  // namespace base
