#include "orchestrator/forecast/durations.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "orchestrator/engine/run.h"

namespace orchestrator {
namespace {

// Samples, in seconds, oldest first: of steps as they are, of actions a wave.
class Samples {
 public:
  explicit Samples(const std::vector<Profile>& profiles) {
    std::vector<const Profile*> by_time;
    for (const Profile& profile : profiles) by_time.push_back(&profile);
    std::stable_sort(by_time.begin(), by_time.end(),
                     [](const Profile* a, const Profile* b) { return a->started < b->started; });
    for (const Profile* profile : by_time) {
      for (const ProfileSample& sample : profile->samples) Add(sample);
    }
  }

  const std::vector<double>* OfStep(const std::string& step, int32_t back,
                                    const std::string& action) const {
    const auto found = by_step_.find({step, back, action});
    return found == by_step_.end() ? nullptr : &found->second;
  }
  // Of one wave of `hosts`, or of any number of hosts.
  const std::vector<double>* OfAction(const std::string& action, bool undo, uint32_t hosts) const {
    const auto exact = by_action_.find({action, undo, hosts});
    if (exact != by_action_.end()) return &exact->second;
    const auto any = by_action_.find({action, undo, kAnyHosts});
    return any == by_action_.end() ? nullptr : &any->second;
  }

 private:
  static constexpr uint32_t kAnyHosts = 0;

  void Add(const ProfileSample& sample) {
    by_step_[{sample.step, sample.back, sample.action}].push_back(sample.seconds);
    const double a_wave = sample.seconds / sample.waves;
    const uint32_t hosts = (sample.hosts + sample.waves - 1) / sample.waves;
    by_action_[{sample.action, sample.undo, hosts}].push_back(a_wave);
    by_action_[{sample.action, sample.undo, kAnyHosts}].push_back(a_wave);
  }

  std::map<std::tuple<std::string, int32_t, std::string>, std::vector<double>> by_step_;
  std::map<std::tuple<std::string, bool, uint32_t>, std::vector<double>> by_action_;
};

TakenFrom FromTimeout(absl::Duration timeout, uint32_t attempts, double waves) {
  return {Basis::kTimeout,
          Quantiles::Between(timeout / 2, timeout, timeout * attempts).Times(waves)};
}

TakenFrom Forward(const PlannedStep& step, const Samples& samples) {
  if (step.gate.has_value()) {
    const bool said = step.expected_duration > absl::ZeroDuration();
    return {Basis::kPeople, Quantiles::Fixed(said ? step.expected_duration : step.gate->timeout)};
  }
  const auto* own = samples.OfStep(step.id, -1, step.apply.action);
  if (own != nullptr) return {Basis::kStep, Quantiles::OfSamples(*own)};
  const size_t waves = std::max<size_t>(1, step.waves.size());
  const size_t hosts = (step.apply.hosts.size() + waves - 1) / waves;
  const auto* action = samples.OfAction(step.apply.action, false, static_cast<uint32_t>(hosts));
  if (action != nullptr) {
    return {Basis::kAction, Quantiles::OfSamples(*action).Times(static_cast<double>(waves))};
  }
  if (step.expected_duration > absl::ZeroDuration()) {
    return {Basis::kExpected,
            Quantiles::Between(step.expected_duration, step.expected_duration * 1.5,
                               absl::InfiniteDuration())};
  }
  return FromTimeout(step.apply.timeout, step.retries + 1, static_cast<double>(waves));
}

TakenFrom Back(const PlannedStep& step, size_t index, const BackAction& back,
               const Samples& samples) {
  const std::string& name = back.action->action;
  const auto* own = samples.OfStep(step.id, static_cast<int32_t>(index), name);
  if (own != nullptr) return {Basis::kStep, Quantiles::OfSamples(*own)};
  const auto* action = samples.OfAction(name, back.mode == hamisha::agent::v1::MODE_UNDO,
                                        static_cast<uint32_t>(back.action->hosts.size()));
  if (action != nullptr) return {Basis::kAction, Quantiles::OfSamples(*action)};
  return FromTimeout(back.action->timeout, 1, 1);
}

}  // namespace

Durations DurationsOf(const Plan& plan, const std::vector<Profile>& profiles) {
  const Samples samples(profiles);
  Durations durations;
  for (const PlannedStep& step : plan.steps) {
    durations.forward.push_back(Forward(step, samples));
    if (durations.forward.back().basis == Basis::kTimeout) durations.unprofiled.push_back(step.id);
    auto& back = durations.back.emplace_back();
    if (step.gate.has_value()) continue;
    const std::vector<BackAction> actions = BackOf(step);
    for (size_t i = 0; i < actions.size(); ++i) back.push_back(Back(step, i, actions[i], samples));
    const bool unprofiled = std::any_of(back.begin(), back.end(), [](const TakenFrom& taken) {
      return taken.basis == Basis::kTimeout;
    });
    if (unprofiled) durations.unprofiled_back.push_back(step.id);
  }
  return durations;
}

}  // namespace orchestrator
