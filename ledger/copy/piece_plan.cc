#include "ledger/copy/piece_plan.h"

#include <algorithm>

#include "base/invariant.h"

namespace ledger {
namespace {

bool HasBit(absl::string_view bits, size_t number) {
  return number / 8 < bits.size() &&
         (static_cast<uint8_t>(bits[number / 8]) >> number % 8 & 1) != 0;
}

}  // namespace

PiecePlan::PiecePlan(const pb::CopyManifest& manifest)
    : there_bytes_(static_cast<size_t>(manifest.files_size())) {
  for (uint32_t file = 0; file < there_bytes_.size(); ++file) {
    const uint64_t end = manifest.files(static_cast<int>(file)).bytes();
    for (uint64_t offset = 0; offset < end; offset += kPieceBytes) {
      pieces_.push_back({file, offset, std::min(kPieceBytes, end - offset)});
    }
    total_bytes_ += end;
  }
  is_.resize(pieces_.size(), Is::kMissing);
  missing_ = pieces_.size();
}

void PiecePlan::Restore(absl::string_view bits) {
  for (Number number = 0; number < pieces_.size(); ++number) {
    if (is_[number] != Is::kMissing || !HasBit(bits, number)) continue;
    --missing_;
    there_bytes_[pieces_[number].file] += pieces_[number].bytes;
    MakeDurable(number);
  }
}

std::string PiecePlan::Bits(const std::vector<Number>& written) const {
  std::string bits((pieces_.size() + 7) / 8, '\0');
  const auto set = [&bits](Number number) {
    bits[number / 8] = static_cast<char>(static_cast<uint8_t>(bits[number / 8]) | 1U << number % 8);
  };
  for (Number number = 0; number < pieces_.size(); ++number) {
    if (is_[number] == Is::kDurable) set(number);
  }
  for (const Number number : written) set(number);
  return bits;
}

std::vector<PiecePlan::Number> PiecePlan::Take(size_t count) {
  std::vector<Number> taken;
  for (; first_missing_ < pieces_.size() && taken.size() < count; ++first_missing_) {
    if (is_[first_missing_] != Is::kMissing) continue;
    is_[first_missing_] = Is::kTaken;
    taken.push_back(first_missing_);
  }
  missing_ -= taken.size();
  return taken;
}

void PiecePlan::GiveBack(const std::vector<Number>& taken) {
  for (const Number number : taken) {
    if (is_[number] != Is::kTaken) continue;
    is_[number] = Is::kMissing;
    ++missing_;
    first_missing_ = std::min(first_missing_, number);
  }
}

bool PiecePlan::Written(Number number) {
  if (is_[number] != Is::kTaken) return false;
  is_[number] = Is::kWritten;
  there_bytes_[pieces_[number].file] += pieces_[number].bytes;
  return true;
}

std::vector<PiecePlan::Number> PiecePlan::written() const {
  std::vector<Number> written;
  for (Number number = 0; number < pieces_.size(); ++number) {
    if (is_[number] == Is::kWritten) written.push_back(number);
  }
  return written;
}

void PiecePlan::Durable(const std::vector<Number>& written) {
  for (const Number number : written) {
    INVARIANT(is_[number] == Is::kWritten);
    MakeDurable(number);
  }
}

bool PiecePlan::IsDurable(uint32_t file) const {
  for (Number number = 0; number < pieces_.size(); ++number) {
    if (pieces_[number].file == file && is_[number] != Is::kDurable) return false;
  }
  return true;
}

void PiecePlan::MakeDurable(Number number) {
  is_[number] = Is::kDurable;
  ++durable_;
  durable_bytes_ += pieces_[number].bytes;
}

}  // namespace ledger
