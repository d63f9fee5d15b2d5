#include "lab/rehearsal/fault_schedule.h"

#include "absl/strings/str_cat.h"
#include "base/invariant.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

bool IsReached(const api::RunView& run, const Fault& fault) {
  for (const api::StepView& step : run.steps()) {
    if (step.id() != fault.step) continue;
    if (!fault.at_start) return step.state() == "succeeded";
    return step.has_started();
  }
  return false;
}

std::string Words(const Fault& fault) {
  return absl::StrCat(fault.at_start ? "at " : "after ", fault.step, ": ", ToString(fault));
}

}  // namespace

FaultSchedule::FaultSchedule(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    Entry entry;
    entry.fault = fault;
    entries_.push_back(entry);
  }
}

FaultEffect FaultSchedule::Begin(size_t index, const Fault& fault) {
  using Kind = FaultEffect::Kind;
  if (const auto* flip = std::get_if<FlipStateBit>(&fault.what)) {
    return {.fault = index, .kind = Kind::kFlip, .flip = *flip};
  }
  if (const auto* kill = std::get_if<KillProcess>(&fault.what)) {
    return {.fault = index, .kind = Kind::kKill, .process = kill->process};
  }
  if (const auto* slow = std::get_if<SlowLink>(&fault.what)) {
    return {.fault = index, .kind = Kind::kSlow, .link = slow->link};
  }
  return {.fault = index, .kind = Kind::kCut};
}

FaultEffect FaultSchedule::FollowUp(size_t index, const Fault& fault) {
  using Kind = FaultEffect::Kind;
  if (const auto* kill = std::get_if<KillProcess>(&fault.what)) {
    return {.fault = index, .kind = Kind::kStart, .process = kill->process};
  }
  const bool slow = std::holds_alternative<SlowLink>(fault.what);
  return {.fault = index, .kind = slow ? Kind::kRestore : Kind::kHeal};
}

// Infinite: never by itself.
absl::Duration FaultSchedule::FollowUpAfter(const Fault& fault) {
  if (const auto* kill = std::get_if<KillProcess>(&fault.what)) return kill->restart_after;
  if (const auto* cut = std::get_if<CutLink>(&fault.what)) return cut->length;
  if (const auto* slow = std::get_if<SlowLink>(&fault.what)) return slow->length;
  return absl::InfiniteDuration();
}

std::vector<FaultEffect> FaultSchedule::Due(const api::RunView& run, absl::Duration now) {
  std::vector<FaultEffect> due;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (entry.state == State::kArmed && IsReached(run, entry.fault)) {
      entry.state = State::kTriggered;
      entry.begin_at = now + entry.fault.wait;
    }
    if (entry.state == State::kTriggered && now >= entry.begin_at)
      due.push_back(Begin(i, entry.fault));
    if (entry.state == State::kBegun && now >= entry.follow_up_at) {
      due.push_back(FollowUp(i, entry.fault));
    }
  }
  return due;
}

void FaultSchedule::Done(const FaultEffect& effect, absl::Duration now) {
  INVARIANT(effect.fault < entries_.size());
  Entry& entry = entries_[effect.fault];
  entry.injected = true;
  if (entry.state != State::kTriggered || effect.kind == FaultEffect::Kind::kFlip) {
    entry.state = State::kOver;
    return;
  }
  entry.state = State::kBegun;
  entry.follow_up_at = now + FollowUpAfter(entry.fault);
}

std::vector<FaultEffect> FaultSchedule::RunEnded() {
  std::vector<FaultEffect> due;
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    const bool begun = entry.state == State::kBegun;
    if (begun && entry.follow_up_at < absl::InfiniteDuration()) continue;
    if (begun && !std::holds_alternative<KillProcess>(entry.fault.what)) {
      due.push_back(FollowUp(i, entry.fault));
    }
    entry.state = State::kOver;
  }
  return due;
}

bool FaultSchedule::Waiting(absl::Duration now) const {
  for (const Entry& entry : entries_) {
    if (entry.state == State::kTriggered && now < entry.begin_at) return true;
  }
  return false;
}

bool FaultSchedule::Pending() const {
  for (const Entry& entry : entries_) {
    if (entry.state == State::kBegun && entry.follow_up_at < absl::InfiniteDuration()) return true;
  }
  return false;
}

std::vector<std::string> FaultSchedule::Injected() const {
  std::vector<std::string> words;
  for (const Entry& entry : entries_) {
    if (entry.injected) words.push_back(Words(entry.fault));
  }
  return words;
}

std::vector<std::string> FaultSchedule::NeverInjected() const {
  std::vector<std::string> words;
  for (const Entry& entry : entries_) {
    if (!entry.injected) words.push_back(Words(entry.fault));
  }
  return words;
}

}  // namespace lab
