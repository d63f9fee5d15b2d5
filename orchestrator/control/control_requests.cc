// What operators ask of the control thread.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "orchestrator/approval/check.h"
#include "orchestrator/control/control.h"
#include "orchestrator/control/forecast_view.h"

namespace orchestrator {

using hamisha::orchestrator::v1::ActRequest;
using hamisha::orchestrator::v1::ListAgentsResponse;
using hamisha::orchestrator::v1::PersonAct;
using hamisha::orchestrator::v1::RunView;
using hamisha::orchestrator::v1::SubmitRunRequest;

absl::StatusOr<std::string> Control::Submit(const SubmitRunRequest& request) {
  RunCreated created;
  created.kind = request.kind();
  created.submitted_by = request.submitted_by();
  created.playbook = {request.playbook_path(), request.playbook_yaml()};
  for (const auto& text : request.includes()) {
    created.playbook.includes.push_back({text.path(), text.yaml()});
  }
  created.inventory = {request.inventory_path(), request.inventory_yaml()};
  created.go_back_after = request.go_back_after();
  if (!hamisha::orchestrator::v1::RunKind_IsValid(request.kind()) ||
      request.kind() == hamisha::orchestrator::v1::RUN_KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        "a run is a rehearsal, live or a preflight: say which in `kind`");
  }
  Compilation compilation = options_.compile(created.playbook, created.inventory);
  if (!compilation.diagnostics.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(
        compilation.diagnostics, "\n", [](std::string* text, const Diagnostic& diagnostic) {
          absl::StrAppend(text, ToString(diagnostic));
        }));
  }
  created.plan = compilation.plan.name;
  created.plan_digest = base::ToHex(compilation.plan.digest);
  if (created.plan_digest != request.plan_digest()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the plan's digest is ", created.plan_digest, ", not ", request.plan_digest(),
                     " as approved: look at the plan again with `hamisha plan`"));
  }
  auto plan = std::make_shared<const Plan>(std::move(compilation.plan));
  if (request.kind() == hamisha::orchestrator::v1::RUN_KIND_LIVE) {
    RETURN_IF_ERROR(CheckFits(plan, created));
  }
  RunStore::Rehearsed rehearsed;
  if (request.kind() == hamisha::orchestrator::v1::RUN_KIND_LIVE) {
    // On this thread: it reads whole journals.
    ASSIGN_OR_RETURN(rehearsed, store_.RehearsalsOf(PlaybookDigestOf(created)));
  }
  const absl::Status started = Call([&]() -> absl::Status {
    RETURN_IF_ERROR(GiveUpPreflight());
    RETURN_IF_ERROR(CheckMayStart(created, *plan, rehearsed.coverage));
    return StartRun(created, std::move(plan));
  });
  if (!started.ok()) return started;
  return created.run;
}

namespace {

// A rehearsal has as long a window as the night, from its start on.
std::optional<Window> WindowFor(hamisha::orchestrator::v1::RunKind kind, const Plan& plan,
                                absl::Time now) {
  std::optional<Window> window = plan.window;
  if (window.has_value() && kind == hamisha::orchestrator::v1::RUN_KIND_REHEARSAL) {
    window->end = now + (window->end - window->start);
    window->start = now;
  }
  return window;
}

}  // namespace

absl::Status Control::StartRun(RunCreated& created, std::shared_ptr<const Plan> plan) {
  ASSIGN_OR_RETURN(created.run, store_.NewRunId(created.plan, Now()));
  created.salt = base::ToHex(base::DrawNonce());
  created.window = WindowFor(created.kind, *plan, Now());
  ASSIGN_OR_RETURN(std::unique_ptr<LiveRun> run, store_.Create(created, std::move(plan)));
  // What the run before still has to say must not be lost with it.
  if (run_ != nullptr) RETURN_IF_ERROR(run_->Commit());
  if (IsPreflight(*run)) before_preflight_ = std::move(run_);
  run_ = std::move(run);
  if (!IsPreflight(*run_)) BeginForecasts();
  options_.log(absl::StrCat("starts run ", created.run));
  return Apply(Started{created.submitted_by, created.window});
}

RunSnapshot Control::SnapshotNow() {
  RunSnapshot snapshot = run_->Snapshot(term_);
  if (!run_->ended() && !IsPreflight(*run_) && forecasts_.newest() != nullptr) {
    *snapshot.head.mutable_forecast() =
        ViewOf(*forecasts_.newest(), run_->engine().plan(), forecasts_.unprofiled());
  }
  return snapshot;
}

absl::StatusOr<RunView> Control::Get(const std::string& run) {
  RunSnapshot snapshot;
  bool older = false;
  RETURN_IF_ERROR(Call([&]() -> absl::Status {
    LiveRun* newest = run_.get();
    if (run.empty() && newest != nullptr && IsPreflight(*newest)) newest = before_preflight_.get();
    if (newest == nullptr && run.empty()) {
      return absl::NotFoundError("there has been no run yet: start one with `hamisha run`");
    }
    older = newest == nullptr || (!run.empty() && run != newest->created().run);
    if (!older) snapshot = newest == run_.get() ? SnapshotNow() : newest->Snapshot(term_);
    return absl::OkStatus();
  }));
  if (!older) return Assemble(snapshot);  // Not on the control thread: that takes its time.
  ASSIGN_OR_RETURN(const std::unique_ptr<LiveRun> live, store_.LoadToView(run));
  if (IsPreflight(*live) && !live->ended()) {
    return absl::AbortedError(absl::StrCat(
        run, " was given up for something else that was asked, or with its orchestrator: it ",
        "changed nothing; ask again with `hamisha preflight`"));
  }
  return Assemble(live->Snapshot(term_));
}

absl::Status Control::MakeNewest(const std::string& run) {
  if (run_ != nullptr && run != run_->created().run) RETURN_IF_ERROR(GiveUpPreflight());
  if (run_ == nullptr) return absl::NotFoundError("there has been no run yet");
  if (run.empty() || run == run_->created().run) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("only the newest run can be decided about, and that is ", run_->created().run));
}

absl::StatusOr<RunView> Control::Act(const ActRequest& request) {
  PersonAct act = request.act();
  act.clear_time();
  Question question;
  std::shared_ptr<const Plan> plan;
  const auto ask = [&]() -> absl::Status {
    RETURN_IF_ERROR(MakeNewest(request.run()));
    question = run_->QuestionOf(act.step());
    plan = run_->engine().shared_plan();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Call(ask));
  const absl::Status checked = CheckAct(*plan, question, act, ssh_keygen_);
  RunSnapshot snapshot;
  const auto take = [&]() -> absl::Status {
    RETURN_IF_ERROR(MakeNewest(question.run));
    RETURN_IF_ERROR(TakeAct(act, question, checked));
    snapshot = SnapshotNow();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Call(take));
  return Assemble(snapshot);
}

absl::Status Control::TakeAct(const PersonAct& act, const Question& question,
                              const absl::Status& checked) {
  absl::Status taken = checked;
  if (taken.ok() && run_->QuestionOf(act.step()).nonce != question.nonce) {
    taken = absl::FailedPreconditionError(
        "people were asked anew meanwhile: look at the run again, and decide again");
  }
  if (taken.ok()) taken = Apply(PersonActed{act});
  if (taken.ok()) return taken;
  // Not what is too long to be looked at.
  if (absl::IsInvalidArgument(taken)) return taken;
  options_.log(absl::StrCat("refused ", act.by(), " to ", ActName(act.act()), " '", act.step(),
                            "': ", std::string(taken.message())));
  run_->NoteRefused(act, std::string(taken.message()), Now(), term_);
  return taken;
}

ListAgentsResponse Control::Agents() const {
  ListAgentsResponse response;
  for (const AgentInfo& info : fleet_.Agents()) {
    auto& agent = *response.add_agents();
    agent.set_host(info.host);
    agent.set_connected(info.connected);
    agent.set_version(info.version);
    agent.set_clock_error_s(absl::ToDoubleSeconds(info.clock_error));
  }
  return response;
}

uint64_t Control::WaitForChange(uint64_t seen, absl::Duration pause, absl::Duration wait) {
  const absl::MutexLock lock(&mutex_);
  const auto over = [this]()
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopped_ || stopping_; };
  mutex_.AwaitWithTimeout(absl::Condition(&over), pause);
  const auto changed = [this, seen, &over]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return version_ != seen || over();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&changed), wait);
  return version_;
}

}  // namespace orchestrator
