#include "lab/rehearsal/rehearsal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "hamisha/orchestrator/v1/orchestrator.grpc.pb.h"
#include "lab/load/run_files.h"
#include "lab/platform/layout.h"
#include "lab/rehearsal/answers.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/approval/statement.h"
#include "orchestrator/plan/plan.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;
namespace ledger_api = hamisha::ledger::v1;

constexpr absl::Duration kPrepareMax = absl::Minutes(10);
constexpr absl::Duration kCheckMax = absl::Minutes(10);
constexpr absl::Duration kLoadEndMax = absl::Minutes(2);
constexpr absl::Duration kCallMax = absl::Seconds(10);
constexpr absl::Duration kTurn = absl::Milliseconds(20);
constexpr absl::Duration kTurnWaiting = absl::Milliseconds(1);  // For a fault that is due soon.
constexpr absl::Duration kSilenceMax = absl::Seconds(60);
constexpr absl::Duration kCatchUpMax = absl::Seconds(20);

const char* const kLoad = "load";

std::string LastLine(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return lines.empty() ? "" : lines.back();
}

}  // namespace

Rehearsal::Rehearsal(RehearsalOptions options, Display& display, const base::Interrupt& interrupt,
                     const base::Clock& clock)
    : options_(std::move(options)),
      display_(display),
      interrupt_(interrupt),
      clock_(clock),
      faults_(options_.lab.faults) {}

Rehearsal::~Rehearsal() {
  if (control_server_.server != nullptr) {
    control_server_.server->Shutdown(absl::ToChronoTime(clock_.WallNow()));
  }
}

absl::StatusOr<RehearsalResult> Rehearsal::Run() {
  RETURN_IF_ERROR(BringUp());
  RETURN_IF_ERROR(StartLoad());
  RETURN_IF_ERROR(Wait(options_.lab.load.warm_up));
  RETURN_IF_ERROR(ImportProfiles());
  RehearsalResult result;
  ASSIGN_OR_RETURN(result.run, options_.way_back ? RunWayBack(result) : RunOnce(""));
  RETURN_IF_ERROR(Wait(options_.lab.load.cool_down));
  RETURN_IF_ERROR(EndLoad());

  const std::vector<ledger_api::NodeStatus> nodes = FinalStatuses(result.run);
  for (uint32_t shard = 0; shard < options_.lab.shards; ++shard) {
    result.shards.push_back(JudgeShard(result.run, shard, nodes));
  }
  ASSIGN_OR_RETURN(result.check, Check());
  result.faults = faults_.Injected();
  result.faults_never = faults_.NeverInjected();
  result.unexpected_ends = platform_->unexpected_ends();
  result.violations = monitor_->violations();
  result.primaries_max = monitor_->primaries_max();
  result.directory = options_.directory;
  result.warnings = forecasts_.warnings();
  result.profile = KeepProfile(result);
  return result;
}

absl::Status Rehearsal::BringUp() {
  display_.Line(absl::StrCat("bringing up ", options_.lab.shards, " shards on two sites in ",
                             options_.directory));
  PlatformOptions options = {.lab = options_.lab,
                             .directory = options_.directory,
                             .programs = options_.programs,
                             .say = [this](const std::string& line) { display_.Line(line); }};
  ASSIGN_OR_RETURN(platform_, Platform::BringUp(std::move(options), clock_));
  control_ = std::make_unique<ControlService>(*platform_, [] {});
  ASSIGN_OR_RETURN(control_server_, rpc::Serve({.services = {control_.get()}}));
  RETURN_IF_ERROR(WriteLabJson(*platform_, control_server_.address));
  monitor_ = std::make_unique<NodeMonitor>(platform_->nodes(), clock_);
  return absl::OkStatus();
}

absl::Status Rehearsal::StartLoad() {
  const LabFile& lab = options_.lab;
  const std::string folder = absl::StrCat(options_.directory, "/load");
  RETURN_IF_ERROR(base::SystemFileSystem().CreateFolders(folder));
  const std::vector<std::string> platform = {"--gateways",
                                             absl::StrJoin(platform_->gateways(), ","),
                                             "--shards",
                                             absl::StrCat(lab.shards),
                                             "--dir",
                                             folder,
                                             "--accounts-per-shard",
                                             absl::StrCat(lab.accounts_per_shard)};
  const auto command = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), platform.begin(), platform.end());
    return arguments;
  };
  display_.Line(absl::StrCat("making ", lab.accounts_per_shard, " accounts on each shard"));
  RETURN_IF_ERROR(
      platform_->RunToEnd("prepare", "hamisha-load", command({"prepare"}), kPrepareMax));
  display_.Line(absl::StrCat("load: ", lab.load.rate_per_s, " transactions a second"));
  RETURN_IF_ERROR(platform_->supervisor().Start(
      kLoad,
      platform_->CommandOf(
          kLoad, "hamisha-load",
          command({"run", "--rate", absl::StrCat(lab.load.rate_per_s), "--drain",
                   absl::FormatDuration(lab.load.drain), "--seed", absl::StrCat(lab.load.seed)})),
      Lifetime::kService));
  // It notes every opening balance before it sends anything.
  const std::string opening = absl::StrCat(folder, "/", kOpeningFile);
  for (absl::Duration waited; !base::SystemFileSystem().Exists(opening); waited += kTurn) {
    if (waited > kPrepareMax || !platform_->unexpected_ends().empty()) {
      return absl::UnavailableError(
          absl::StrCat("the load does not begin: see ", options_.directory, "/logs/load.log"));
    }
    RETURN_IF_ERROR(Wait(kTurn));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Rehearsal::Submit(const std::string& go_back_after) {
  ASSIGN_OR_RETURN(const std::string inventory,
                   base::SystemFileSystem().Read(platform_->inventory_path()));
  api::SubmitRunRequest request;
  request.set_playbook_path(options_.playbook_path);
  request.set_playbook_yaml(options_.playbook_yaml);
  request.set_inventory_path(platform_->inventory_path());
  request.set_inventory_yaml(inventory);
  request.set_kind(api::RUN_KIND_REHEARSAL);
  request.set_submitted_by("hamisha rehearse");
  request.set_go_back_after(go_back_after);
  for (const orchestrator::SourceText& text : options_.includes) {
    api::IncludedText& included = *request.add_includes();
    included.set_path(text.path);
    included.set_yaml(text.yaml);
  }
  request.set_plan_digest(
      base::ToHex(orchestrator::PlanDigest(options_.playbook_yaml, inventory, options_.includes)));
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
  api::SubmitRunResponse response;
  RETURN_IF_ERROR(rpc::FromGrpc(stub->SubmitRun(&context, request, &response)));
  display_.Line(absl::StrCat("run ", response.run()));
  return response.run();
}

absl::Status Rehearsal::Follow(RunFollower& follower) {
  uint64_t version = 0;
  while (true) {
    const api::RunView run = follower.View();
    Show(run);
    InjectDue(run);
    if (IsTerminal(run.state())) break;
    RETURN_IF_ERROR(Answer(run));
    if (interrupt_.happened()) return absl::CancelledError("interrupted");
    if (platform_->supervisor().PidOf(kLoad) == 0) {
      return absl::InternalError(
          absl::StrCat("the load ended by itself; see ", platform_->LogOf(kLoad).path()));
    }
    if (follower.Silence() > kSilenceMax && !faults_.Pending()) {
      return absl::UnavailableError(absl::StrCat("the orchestrator has not answered for ",
                                                 absl::FormatDuration(kSilenceMax), "; see ",
                                                 platform_->LogOf("orchestrator").path()));
    }
    follower.AwaitChange(version, faults_.Waiting(clock_.MonotonicNow()) ? kTurnWaiting : kTurn);
  }
  const api::RunView run = follower.View();
  display_.Line(absl::StrCat("the run ended: ", ToString(run.state()),
                             run.explanation().empty() ? "" : ": ", run.explanation()));
  return absl::OkStatus();
}

absl::StatusOr<api::RunView> Rehearsal::Act(const std::string& run, const api::PersonAct& act) {
  api::ActRequest request;
  request.set_run(run);
  *request.mutable_act() = act;
  const auto stub = api::Orchestrator::NewStub(rpc::Connect(platform_->orchestrator()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.WallNow() + kCallMax));
  api::RunView after;
  RETURN_IF_ERROR(rpc::FromGrpc(stub->Act(&context, request, &after)));
  return after;
}

absl::Status Rehearsal::Answer(const api::RunView& run) {
  if (run.journal_entries() < answered_at_) return absl::OkStatus();  // From before the answer.
  ASSIGN_OR_RETURN(std::optional<api::PersonAct> act, NextAnswer(run, options_.lab.abort_held));
  if (!act.has_value()) return absl::OkStatus();
  if (orchestrator::IsSigned(act->act()) && !run.people().empty()) {
    orchestrator::Question question{
        .plan = run.plan(), .plan_digest = run.plan_digest(), .run = run.run(), .nonce = ""};
    for (const api::StepView& step : run.steps()) {
      if (!step.back() && step.id() == act->step()) question.nonce = step.nonce();
    }
    const orchestrator::SshKeygen ssh_keygen(base::SystemCommandRunner(), base::SystemFileSystem(),
                                             options_.directory);
    ASSIGN_OR_RETURN(*act->mutable_statement(), ToJson(StatementOf(question, *act)));
    ASSIGN_OR_RETURN(
        *act->mutable_signature(),
        ssh_keygen.Sign(act->statement(), Layout::KeyPath(options_.directory, act->by())));
  }
  const auto after = Act(run.run(), *act);
  if (after.ok()) {
    answered_at_ = after->journal_entries();
    display_.Line(absl::StrCat("for ", act->by(), ", as nobody is asked in a rehearsal: ",
                               orchestrator::ActName(act->act()), " ", act->step()));
    return absl::OkStatus();
  }
  // It went on meanwhile, or cannot be reached now: what it then asks is answered.
  if (absl::IsFailedPrecondition(after.status())) answered_at_ = run.journal_entries() + 1;
  const bool again = absl::IsFailedPrecondition(after.status()) ||
                     absl::IsUnavailable(after.status()) ||
                     absl::IsDeadlineExceeded(after.status());
  return again ? absl::OkStatus() : after.status();
}

// With both sites in reach again, an unknown outcome can be resolved.
absl::Status Rehearsal::GoBackAgain(RunFollower& follower) {
  const api::RunView run = follower.View();
  if (run.state() != api::RUN_STATE_UNKNOWN || !options_.lab.rollback_unknown) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(platform_->AwaitAgents());
  api::PersonAct act;
  act.set_act(api::ACT_ROLLBACK);
  act.set_by("hamisha rehearse");
  act.set_reason("the link is there again");
  RETURN_IF_ERROR(Act(run.run(), act).status());
  display_.Line("going back again");
  const absl::Duration deadline = clock_.MonotonicNow() + kCallMax;
  while (follower.View().state() == api::RUN_STATE_UNKNOWN && clock_.MonotonicNow() < deadline) {
    RETURN_IF_ERROR(Wait(kTurn));
  }
  return Follow(follower);
}

void Rehearsal::Show(const api::RunView& run) {
  for (const std::string& line : narrator_.Tell(run)) display_.Line(line);
  for (const std::string& line : forecasts_.Tell(run)) display_.Line(line);
  const std::string load = LoadLine();
  const std::string now = RunningNow(run, clock_.WallNow());
  display_.Live(absl::StrCat(load, load.empty() || now.empty() ? "" : " | ", now));
}

std::string Rehearsal::LoadLine() {
  const std::string line = LastLine(platform_->LogOf(kLoad).ReadFrom(load_log_offset_));
  if (!line.empty()) load_line_ = line;
  return load_line_;
}

// The check of what clients were told needs both sites; what a fault took is given back for it.
absl::Status Rehearsal::FinishFaults() {
  for (const FaultEffect& effect : faults_.RunEnded()) RETURN_IF_ERROR(Inject(effect));
  while (faults_.Pending()) {
    InjectDue({});
    RETURN_IF_ERROR(Wait(kTurn));
  }
  return absl::OkStatus();
}

void Rehearsal::InjectDue(const api::RunView& run) {
  for (const FaultEffect& effect : faults_.Due(run, clock_.MonotonicNow())) {
    const absl::Status injected = Inject(effect);
    if (injected.ok()) faults_.Done(effect, clock_.MonotonicNow());
  }
}

absl::Status Rehearsal::Inject(const FaultEffect& effect) {
  absl::Status done;
  std::string what;
  switch (effect.kind) {
    case FaultEffect::Kind::kFlip:
      done = platform_->Flip(effect.flip);
      what = absl::StrCat("flipped a bit of ", NodeName(effect.flip.site, effect.flip.shard));
      break;
    case FaultEffect::Kind::kCut:
      platform_->CutLink();
      what = "the link is cut";
      break;
    case FaultEffect::Kind::kHeal:
      platform_->HealLink();
      what = "the link is healed";
      break;
    case FaultEffect::Kind::kSlow:
      platform_->SlowLink(effect.link);
      what = absl::StrCat("the link is slow: ", absl::FormatDuration(effect.link.round_trip), ", ",
                          effect.link.bandwidth_bytes_per_s, " B/s");
      break;
    case FaultEffect::Kind::kRestore:
      platform_->RestoreLink();
      what = "the link is as fast as before";
      break;
    case FaultEffect::Kind::kKill:
      done = platform_->Kill(effect.process);
      what = absl::StrCat("killed ", effect.process);
      break;
    case FaultEffect::Kind::kStart:
      done = platform_->Start(effect.process);
      what = absl::StrCat("started ", effect.process, " again");
      break;
  }
  if (done.ok()) display_.Line(absl::StrCat("fault: ", what));
  return done;
}

absl::Status Rehearsal::EndLoad() {
  display_.Line("ending the load");
  platform_->supervisor().Terminate(kLoad);
  ASSIGN_OR_RETURN(const int code, platform_->supervisor().AwaitEnd(kLoad, kLoadEndMax));
  if (code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the load ended with code ", code, "; it wrote:\n",
                                          platform_->LogOf(kLoad).LastLines(5)));
}

absl::StatusOr<CheckResult> Rehearsal::Check() {
  display_.Line("checking every acknowledged transfer");
  const std::string folder = absl::StrCat(options_.directory, "/load");
  Supervisor& supervisor = platform_->supervisor();
  RETURN_IF_ERROR(supervisor.Start(
      "check",
      platform_->CommandOf(
          "check", "hamisha-load",
          {"check", "--gateways", absl::StrJoin(platform_->gateways(), ","), "--dir", folder}),
      Lifetime::kTask));
  RETURN_IF_ERROR(supervisor.AwaitEnd("check", kCheckMax).status());
  const auto json = base::SystemFileSystem().Read(absl::StrCat(folder, "/check.json"));
  if (!json.ok()) {
    return absl::InternalError(absl::StrCat("the check did not work; it wrote:\n",
                                            platform_->LogOf("check").LastLines(5)));
  }
  return ParseCheck(*json);
}

std::vector<ledger_api::NodeStatus> Rehearsal::FinalStatuses(const api::RunView& run) {
  const absl::Duration deadline = clock_.MonotonicNow() + kCatchUpMax;
  std::vector<ledger_api::NodeStatus> statuses;
  while (true) {
    statuses.clear();
    for (const NodeAddress& node : platform_->nodes()) {
      if (auto status = AskNode(node); status.ok()) statuses.push_back(*std::move(status));
    }
    bool settled = true;
    for (uint32_t shard = 0; shard < options_.lab.shards; ++shard) {
      const ShardResult now = JudgeShard(run, shard, statuses);
      settled = settled && !now.writer.empty() && (now.follower.empty() || now.logs_equal);
    }
    const bool hopeless = run.state() == api::RUN_STATE_UNKNOWN;
    if (settled || hopeless || clock_.MonotonicNow() > deadline || interrupt_.happened()) break;
    absl::SleepFor(kTurn);
  }
  return statuses;
}

absl::Status Rehearsal::Wait(absl::Duration length) {
  const absl::Duration until = clock_.MonotonicNow() + length;
  while (clock_.MonotonicNow() < until) {
    display_.Live(LoadLine());
    if (interrupt_.Await(std::min(length, absl::Milliseconds(200)))) {
      return absl::CancelledError("interrupted");
    }
  }
  return absl::OkStatus();
}

}  // namespace lab
