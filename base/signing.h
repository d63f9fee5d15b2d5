#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;

namespace base {

// An Ed25519 key pair (RFC 8032). Sign() is safe for any thread.
class SigningKey {
 public:
  static SigningKey Generate();
  // PKCS #8 PEM, as `openssl genpkey -algorithm ed25519` writes it.
  static absl::StatusOr<SigningKey> FromPem(absl::string_view pem);

  SigningKey(SigningKey&&) = default;
  SigningKey& operator=(SigningKey&&) = default;

  std::string ToPem() const;
  std::string public_key() const;                     // 32 bytes.
  std::string Sign(absl::string_view message) const;  // 64 bytes.

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit SigningKey(evp_pkey_st* key) : key_(key) {}
  std::unique_ptr<evp_pkey_st, Free> key_;
};

// OK when `signature` is `public_key`'s over `message`; UNAUTHENTICATED when it is not;
// INVALID_ARGUMENT when the key is not 32 bytes. Any thread.
absl::Status VerifySignature(absl::string_view public_key, absl::string_view message,
                             absl::string_view signature);

// DSSE's pre-authentication encoding: what is signed for a typed payload.
// https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
std::string PreAuthenticationEncoding(absl::string_view type, absl::string_view payload);

}  // namespace base
