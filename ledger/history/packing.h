// The bytes of what history keeps: ledger/FORMAT.md, "History".
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "base/invariant.h"
#include "ledger/core/types.h"

namespace ledger {

// Appends numbers without the zero bytes at their two ends: a byte that says where the rest stands,
// and the rest.
class Packer {
 public:
  void Clear() { bytes_.clear(); }
  size_t size() const { return bytes_.size(); }
  absl::string_view bytes() const { return bytes_; }

  void Add(uint64_t number) {
    if (number == 0) return bytes_.push_back('\0');
    const int skipped = std::countr_zero(number) / 8;
    const int length = 8 - std::countl_zero(number) / 8 - skipped;
    const uint64_t rest = number >> (8 * skipped);
    char packed[1 + sizeof(rest)];
    packed[0] = static_cast<char>(skipped << 4 | length);
    std::memcpy(packed + 1, &rest, sizeof(rest));
    bytes_.append(packed, static_cast<size_t>(1 + length));
  }
  void Add(const Id128& id) {
    Add(id.low);
    Add(id.high);
  }

 private:
  std::string bytes_;
};

// Reads them back. What is damaged reads as zeros from there on, and ok() tells.
class Unpacker {
 public:
  explicit Unpacker(absl::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  bool ok() const { return ok_; }

  uint64_t Number() {
    if (bytes_.empty()) return Fail();
    const auto packed = static_cast<unsigned char>(bytes_[0]);
    const size_t skipped = packed >> 4;
    const size_t length = packed & 15U;
    if (skipped + length > 8 || 1 + length > bytes_.size()) return Fail();
    uint64_t rest = 0;
    std::memcpy(&rest, bytes_.data() + 1, length);
    bytes_.remove_prefix(1 + length);
    return rest << (8 * (skipped & 7));
  }
  Id128 Id() {
    const uint64_t low = Number();
    return {.high = Number(), .low = low};
  }

 private:
  uint64_t Fail() {
    ok_ = false;
    bytes_ = {};
    return 0;
  }

  absl::string_view bytes_;
  bool ok_ = true;
};

// A transfer as the ledger keeps it; its time is packed as the distance to `before_ns`, which is
// at or below it.
void Pack(const Transfer& transfer, uint64_t before_ns, Packer& packer);
Transfer UnpackTransfer(Unpacker& unpacker, uint64_t before_ns);

// Keys that sort as their numbers do.
class KeyBytes {
 public:
  KeyBytes& Add(uint32_t number) {
    number = __builtin_bswap32(number);
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  KeyBytes& Add(uint64_t number) {
    number = __builtin_bswap64(number);
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  // By `low` first: the order in which runs are sorted.
  KeyBytes& Add(const Id128& id) { return Add(id.low).Add(id.high); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

inline uint64_t NumberInKey(absl::string_view key, size_t at) {
  INVARIANT(at + sizeof(uint64_t) <= key.size());
  uint64_t number = 0;
  std::memcpy(&number, key.data() + at, sizeof(number));
  return __builtin_bswap64(number);
}

}  // namespace ledger
