#include "orchestrator/forecast/profile.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace orchestrator {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "hamisha-profile-v1";

bool Succeeded(const ActionRun& action) {
  return !action.hosts.empty() && action.started < absl::InfiniteFuture() &&
         action.ended < absl::InfiniteFuture() &&
         std::all_of(action.hosts.begin(), action.hosts.end(),
                     [](const HostRun& host) { return host.state == HostState::kSucceeded; });
}

ProfileSample SampleOf(const PlannedStep& step, const PlannedAction& action, const ActionRun& run) {
  return {.step = step.id,
          .action = action.action,
          .hosts = static_cast<uint32_t>(run.hosts.size()),
          .seconds = absl::ToDoubleSeconds(run.ended - run.started)};
}

void AddBack(const PlannedStep& step, const StepRun& run, std::vector<ProfileSample>& samples) {
  const std::vector<BackAction> actions = BackOf(step);
  for (size_t i = 0; i < std::min(actions.size(), run.back.size()); ++i) {
    if (!Succeeded(run.back[i])) continue;
    ProfileSample sample = SampleOf(step, *actions[i].action, run.back[i]);
    sample.back = static_cast<int32_t>(i);
    sample.undo = actions[i].mode == hamisha::agent::v1::MODE_UNDO;
    samples.push_back(std::move(sample));
  }
}

std::string ToText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

bool ReadTime(const json& object, const char* name, absl::Time& time) {
  std::string problem;
  return absl::ParseTime(absl::RFC3339_full, object.at(name).get<std::string>(), &time, &problem);
}

ProfileSample ReadSample(const json& object) {
  ProfileSample sample;
  sample.step = object.at("step").get<std::string>();
  sample.back = object.value("back", -1);
  sample.action = object.at("action").get<std::string>();
  sample.undo = object.value("undo", false);
  sample.hosts = object.at("hosts").get<uint32_t>();
  sample.waves = std::max(1U, object.value("waves", 1U));
  sample.seconds = object.at("seconds").get<double>();
  return sample;
}

}  // namespace

std::vector<ProfileSample> SamplesOf(const Engine& engine) {
  const bool went_back = !engine.back_order().empty();
  const absl::Time cut =
      went_back ? engine.steps()[engine.back_order().front()].apply.ended : absl::InfiniteFuture();
  std::vector<ProfileSample> samples;
  for (size_t i = 0; i < engine.steps().size(); ++i) {
    const PlannedStep& step = engine.plan().steps[i];
    const StepRun& run = engine.steps()[i];
    if (Succeeded(run.apply) && run.apply.ended < cut) {
      ProfileSample sample = SampleOf(step, step.apply, run.apply);
      sample.waves = std::max<uint32_t>(1, static_cast<uint32_t>(step.waves.size()));
      samples.push_back(std::move(sample));
    }
    AddBack(step, run, samples);
  }
  return samples;
}

std::string ToJson(const Profile& profile) {
  json samples = json::array();
  for (const ProfileSample& sample : profile.samples) {
    json object = {{"step", sample.step},
                   {"action", sample.action},
                   {"hosts", sample.hosts},
                   {"waves", sample.waves},
                   {"seconds", std::round(sample.seconds * 1e6) / 1e6}};
    if (sample.back >= 0) {
      object["back"] = sample.back;
      object["undo"] = sample.undo;
    }
    samples.push_back(std::move(object));
  }
  const json object = {{"format", kFormat},
                       {"playbook_digest", profile.playbook_digest},
                       {"plan", profile.plan},
                       {"run", profile.run},
                       {"kind", profile.kind},
                       {"outcome", profile.outcome},
                       {"started", ToText(profile.started)},
                       {"ended", ToText(profile.ended)},
                       {"programs", profile.programs},
                       {"samples", std::move(samples)},
                       {"coverage", ToJson(profile.coverage)}};
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Profile> ParseProfile(absl::string_view path, absl::string_view text) {
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is no profile: ", what,
                                                   ": take one that `hamisha profile export`",
                                                   " or a rehearsal wrote"));
  };
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  if (!object.is_object()) return wrong("it is not a JSON object");
  if (object.value("format", json()) != kFormat) {
    return wrong(absl::StrCat("its format is not ", kFormat));
  }
  Profile profile;
  try {
    profile.playbook_digest = object.at("playbook_digest").get<std::string>();
    profile.plan = object.at("plan").get<std::string>();
    profile.run = object.at("run").get<std::string>();
    profile.kind = object.at("kind").get<std::string>();
    profile.outcome = object.at("outcome").get<std::string>();
    profile.programs = object.at("programs").get<std::map<std::string, std::string>>();
    if (!ReadTime(object, "started", profile.started) ||
        !ReadTime(object, "ended", profile.ended)) {
      return wrong("its times are not RFC 3339");
    }
    for (const json& sample : object.at("samples")) profile.samples.push_back(ReadSample(sample));
    auto coverage = ParseCoverage(object.value("coverage", json::array()));
    if (!coverage.ok()) return wrong(std::string(coverage.status().message()));
    profile.coverage = *std::move(coverage);
  } catch (const json::exception& problem) {  // The library has no other way to say it.
    return wrong(problem.what());
  }
  for (const ProfileSample& sample : profile.samples) {
    if (sample.seconds >= 0 && std::isfinite(sample.seconds)) continue;
    return wrong(absl::StrCat("step '", sample.step, "' took less than no time"));
  }
  return profile;
}

}  // namespace orchestrator
