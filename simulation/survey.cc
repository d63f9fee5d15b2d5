#include "simulation/survey.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace simulation {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.

std::string StateText(RunState state) {
  if (state == RUN_STATE_SUCCEEDED) return "succeeded";
  if (state == RUN_STATE_ROLLED_BACK) return "rolled back";
  if (state == RUN_STATE_STOPPED) return "stopped";
  return state == RUN_STATE_UNKNOWN ? "unknown" : "did not end";
}

// The explanation up to the first host: what many runs have in common.
std::string EndingOf(const WorldResult& result) {
  constexpr absl::string_view kPassed = "went on although ";
  absl::string_view why = result.explanation;
  const size_t begin = why.rfind(kPassed, 0) == 0 ? kPassed.size() : 0;
  for (const absl::string_view end : {" on ", ". "}) why = why.substr(0, why.find(end, begin));
  std::string text = StateText(result.state);
  if (!why.empty()) absl::StrAppend(&text, ": ", why);
  if (!result.writes_pass) absl::StrAppend(&text, "; clients cannot write at last");
  return text;
}

absl::Duration At(std::vector<absl::Duration>& values, double share) {
  if (values.empty()) return absl::ZeroDuration();
  const auto rank =
      std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

Survey::Survey(const orchestrator::Plan& plan) {
  if (plan.window.has_value()) window_ = plan.window->end - plan.window->start;
}

void Survey::Count(std::map<std::string, Ending>& endings, const std::string& what, uint64_t count,
                   uint64_t seed) {
  const auto [ending, is_new] = endings.try_emplace(what, Ending{.count = 0, .seed = seed});
  ending->second.count += count;
  ending->second.seed = std::min(ending->second.seed, seed);
}

void Survey::Add(uint64_t seed, const WorldResult& result) {
  ++worlds_;
  events_ += result.events;
  waits_.push_back(result.longest_wait);
  if (result.state != RUN_STATE_UNSPECIFIED) {  // It ended.
    lengths_.push_back(result.length);
    if (window_.has_value() && result.length <= *window_) ++window_held_;
  }
  if (!result.broken.has_value()) return Count(endings_, EndingOf(result), 1, seed);
  Count(broken_, absl::StrCat(result.broken->promise, ": ", result.broken->how), 1, seed);
  first_broken_ = std::min(first_broken_.value_or(seed), seed);
}

void Survey::Merge(const Survey& other) {
  worlds_ += other.worlds_;
  events_ += other.events_;
  window_held_ += other.window_held_;
  for (const auto& [what, ending] : other.endings_) {
    Count(endings_, what, ending.count, ending.seed);
  }
  for (const auto& [what, ending] : other.broken_) Count(broken_, what, ending.count, ending.seed);
  if (other.first_broken_.has_value()) {
    first_broken_ = std::min(first_broken_.value_or(*other.first_broken_), *other.first_broken_);
  }
  lengths_.insert(lengths_.end(), other.lengths_.begin(), other.lengths_.end());
  waits_.insert(waits_.end(), other.waits_.begin(), other.waits_.end());
}

std::optional<uint64_t> Survey::window_held() const {
  return window_.has_value() ? std::optional(window_held_) : std::nullopt;
}

absl::Duration Survey::Length(double share) const { return At(lengths_, share); }
absl::Duration Survey::LongestWait(double share) const { return At(waits_, share); }

}  // namespace simulation
