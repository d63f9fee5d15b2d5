// The control thread looks ahead: forecasts, the latest safe abort time, whether a live run fits
// into its window, and the profile that a run leaves.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/control/control.h"
#include "orchestrator/control/forecast_view.h"
#include "orchestrator/forecast/fit.h"

namespace orchestrator {
namespace {

using hamisha::orchestrator::v1::RUN_KIND_LIVE;
using hamisha::orchestrator::v1::RUN_KIND_REHEARSAL;
using hamisha::orchestrator::v1::RUN_STATE_RUNNING;

constexpr uint64_t kSeed = 1;

// Of the newest step, in plan order, that was begun; "" before the first.
std::string PhaseNow(const Engine& engine) {
  std::string phase;
  for (size_t i = 0; i < engine.steps().size(); ++i) {
    if (engine.steps()[i].apply.started < absl::InfiniteFuture()) {
      phase = engine.plan().steps[i].phase;
    }
  }
  return phase;
}

bool AnythingBeforeWindow(const Plan& plan) {
  for (const PlannedStep& step : plan.steps) {
    if (step.before_window) return true;
  }
  return false;
}

std::string KindName(hamisha::orchestrator::v1::RunKind kind) {
  return kind == RUN_KIND_LIVE ? "live" : "rehearsal";
}

}  // namespace

absl::Status Control::CheckFits(const std::shared_ptr<const Plan>& plan,
                                const RunCreated& created) const {
  if (!plan->window.has_value()) return absl::OkStatus();
  const Window& window = *plan->window;
  const absl::Time now = options_.clock->WallNow();
  const absl::TimeZone zone = absl::LocalTimeZone();
  if (now >= window.end) {
    return absl::FailedPreconditionError(
        absl::StrCat("the window of plan ", plan->name, " ended at ", TimeText(window.end, zone),
                     ", ", DurationText(now - window.end),
                     " ago: give the playbook another window, and have it approved again"));
  }
  if (now < window.start && !AnythingBeforeWindow(*plan)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the window of plan ", plan->name, " begins at ", TimeText(window.start, zone), ", in ",
        DurationText(window.start - now), ": run it then, or give what may be done earlier a phase",
        " with `before_window: true`"));
  }
  ASSIGN_OR_RETURN(const std::vector<Profile> profiles, store_.Profiles(PlaybookDigestOf(created)));
  const Forecaster forecaster(plan, profiles, kSeed);
  const Fit fit = FitOf(forecaster, window, now, false);
  if (fit.fits()) return absl::OkStatus();
  const std::string unprofiled = UnprofiledText(forecaster.durations());
  return absl::FailedPreconditionError(
      absl::StrCat("plan ", plan->name, " does not fit into its window: ", SumText(fit, zone), ": ",
                   WhatToChange(*plan, fit), unprofiled.empty() ? "" : "; ", unprofiled));
}

void Control::BeginForecasts() {
  forecast_phase_.clear();
  prospect_ = Prospect::kInTime;
  profile_left_ = false;
  forecasts_.Begin(run_->engine().shared_plan(),
                   [this, digest = PlaybookDigestOf(run_->created())] {
                     absl::StatusOr<std::vector<Profile>> profiles = store_.Profiles(digest);
                     if (profiles.ok()) return *std::move(profiles);
                     options_.log(std::string(profiles.status().message()));
                     return std::vector<Profile>();
                   });
}

void Control::LookAhead() {
  if (run_ == nullptr || run_->ended() || IsPreflight(*run_)) return;
  const bool rehearsal = run_->created().kind == RUN_KIND_REHEARSAL;
  forecasts_.Refresh(run_->engine(), rehearsal, Now());
  if (AbortTime() > Now()) return;
  const Forecast& forecast = *forecasts_.newest();
  const std::string text = Describe(forecast, absl::LocalTimeZone());
  const absl::Status aborted = Apply(AbortTimeCame{*forecast.latest_safe_abort, text});
  options_.log(aborted.ok()
                   ? absl::StrCat("the latest safe abort time has come, the run goes back: ", text)
                   : std::string(aborted.message()));
}

absl::Time Control::AbortTime() const {
  if (run_ == nullptr || IsPreflight(*run_) || forecasts_.newest() == nullptr) {
    return absl::InfiniteFuture();
  }
  const Engine& engine = run_->engine();
  const bool bound =
      engine.state() == RUN_STATE_RUNNING && !engine.overridden() && !engine.past_no_return();
  const Forecast& forecast = *forecasts_.newest();
  if (!bound || forecast.going_back) return absl::InfiniteFuture();
  return forecast.latest_safe_abort.value_or(absl::InfiniteFuture());
}

void Control::OnForecast() {
  changed_ = true;
  if (run_ == nullptr || run_->ended() || IsPreflight(*run_)) return;
  const Forecast& forecast = *forecasts_.newest();
  const absl::TimeZone zone = absl::LocalTimeZone();
  const Prospect prospect = ProspectOf(forecast);
  const bool turned = std::exchange(prospect_, prospect) != prospect;
  if (turned) {
    options_.log(prospect == Prospect::kInTime
                     ? absl::StrCat("the run is in time again: ", Describe(forecast, zone))
                     : WarningOf(run_->engine().plan(), forecast, zone));
  }
  const std::string phase = PhaseNow(run_->engine());
  const bool begins = std::exchange(forecast_phase_, phase) != phase;
  if (forecast.going_back || (!begins && !turned)) return;
  JournalEntry entry = ForecastEntry(forecast, run_->engine().plan(), phase);
  entry.time = Now();
  entry.term = term_;
  run_->AppendNote(std::move(entry));
}

// A lost profile is a pity, and no reason to stop.
void Control::LeaveProfile() {
  if (run_ == nullptr || IsPreflight(*run_)) return;
  const bool ended = run_->ended();  // Not for good: it may still go back.
  if (std::exchange(profile_left_, ended) || !ended) return;
  const RunCreated& created = run_->created();
  Profile profile = {.playbook_digest = PlaybookDigestOf(created),
                     .plan = created.plan,
                     .run = created.run,
                     .kind = KindName(created.kind),
                     .outcome = absl::AsciiStrToLower(NameOf(run_->engine().state())),
                     .started = run_->engine().started_time(),
                     .ended = run_->engine().ended_time(),
                     .programs = {{"orchestrator", options_.version}},
                     .samples = SamplesOf(run_->engine()),
                     .coverage = CoverageOf(run_->engine())};
  for (const AgentInfo& agent : fleet_.Agents()) {
    profile.programs[absl::StrCat("agent ", agent.host)] = agent.version;
  }
  if (const absl::Status left = store_.LeaveProfile(profile); !left.ok()) {
    options_.log(
        absl::StrCat("run ", created.run, " leaves no profile: ", std::string(left.message())));
  }
  forecasts_.End();
}

absl::StatusOr<Profile> Control::GetProfile(const std::string& run) {
  std::string name = run;
  if (name.empty()) {
    ASSIGN_OR_RETURN(const hamisha::orchestrator::v1::RunView newest, Get(""));
    name = newest.run();
  }
  return store_.ProfileOf(name);
}

absl::StatusOr<Profile> Control::ImportProfile(const std::string& path, const std::string& json) {
  ASSIGN_OR_RETURN(Profile profile, ParseProfile(path, json));
  RETURN_IF_ERROR(Call([&] { return store_.ImportProfile(profile); }));
  return profile;
}

absl::StatusOr<std::vector<Profile>> Control::Profiles(const std::string& playbook_digest) const {
  return store_.Profiles(playbook_digest);
}

}  // namespace orchestrator
