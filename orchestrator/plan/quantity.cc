#include "orchestrator/plan/quantity.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace orchestrator {
namespace {

constexpr size_t kLettersMax = 64;

bool AreDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

std::optional<Decimal> Decimal::Parse(absl::string_view text) {
  if (text.size() > kLettersMax) return std::nullopt;
  const bool negative = absl::ConsumePrefix(&text, "-");
  const size_t point = text.find('.');
  absl::string_view whole = text.substr(0, point);
  absl::string_view fraction = point == absl::string_view::npos ? "0" : text.substr(point + 1);
  if (!AreDigits(whole) || !AreDigits(fraction)) return std::nullopt;
  while (absl::ConsumePrefix(&whole, "0")) {
  }
  while (absl::ConsumeSuffix(&fraction, "0")) {
  }
  Decimal number;
  number.whole_ = std::string(whole);
  number.fraction_ = std::string(fraction);
  number.negative_ = negative && !(whole.empty() && fraction.empty());
  return number;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.negative_ != b.negative_) {
    return a.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  const Decimal& small = a.negative_ ? b : a;  // Below zero the order is the other way round.
  const Decimal& large = a.negative_ ? a : b;
  if (small.whole_.size() != large.whole_.size()) {
    return small.whole_.size() <=> large.whole_.size();
  }
  if (small.whole_ != large.whole_) return small.whole_.compare(large.whole_) <=> 0;
  return small.fraction_.compare(large.fraction_) <=> 0;
}

std::optional<absl::Duration> ParseFiniteDuration(absl::string_view text) {
  absl::Duration duration;
  if (text.size() > kLettersMax || !absl::ParseDuration(text, &duration)) return std::nullopt;
  if (duration == absl::InfiniteDuration() || duration == -absl::InfiniteDuration()) {
    return std::nullopt;
  }
  return duration;
}

}  // namespace orchestrator
