#include "base/signing.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace base {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

const unsigned char* Bytes(absl::string_view data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}

unsigned char* MutableBytes(std::string& data) {
  return reinterpret_cast<unsigned char*>(data.data());
}

}  // namespace

void SigningKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

SigningKey SigningKey::Generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  INVARIANT(key != nullptr);
  return SigningKey(key);
}

absl::StatusOr<SigningKey> SigningKey::FromPem(absl::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  INVARIANT(bio != nullptr);
  SigningKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (key.key_ == nullptr || EVP_PKEY_get_id(key.key_.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("not an Ed25519 private key in PEM form");
  }
  return key;
}

std::string SigningKey::ToPem() const {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  INVARIANT(PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                          nullptr) == 1);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(bytes)};
}

std::string SigningKey::public_key() const {
  std::string key(32, '\0');
  size_t bytes = key.size();
  INVARIANT(EVP_PKEY_get_raw_public_key(key_.get(), MutableBytes(key), &bytes) == 1);
  return key;
}

std::string SigningKey::Sign(absl::string_view message) const {
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  INVARIANT(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  std::string signature(64, '\0');
  size_t bytes = signature.size();
  INVARIANT(EVP_DigestSign(context.get(), MutableBytes(signature), &bytes, Bytes(message),
                           message.size()) == 1);
  return signature;
}

absl::Status VerifySignature(absl::string_view public_key, absl::string_view message,
                             absl::string_view signature) {
  if (public_key.size() != 32) {
    return absl::InvalidArgumentError(
        absl::StrCat("an Ed25519 public key has 32 bytes, found ", public_key.size()));
  }
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(public_key), public_key.size()),
      &EVP_PKEY_free);
  if (key == nullptr) return absl::InvalidArgumentError("not an Ed25519 public key");
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  INVARIANT(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  if (EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                       message.size()) != 1) {
    return absl::UnauthenticatedError("the signature does not belong to this key and message");
  }
  return absl::OkStatus();
}

std::string PreAuthenticationEncoding(absl::string_view type, absl::string_view payload) {
  return absl::StrCat("DSSEv1 ", type.size(), " ", type, " ", payload.size(), " ", payload);
}

}  // namespace base
