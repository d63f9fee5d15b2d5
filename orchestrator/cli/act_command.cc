#include "orchestrator/cli/act_command.h"

#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "orchestrator/approval/ssh_keygen.h"
#include "orchestrator/approval/statement.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/people_text.h"
#include "orchestrator/cli/render.h"
#include "orchestrator/cli/terminal.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/cli/watching.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

SshKeygen SystemSshKeygen() {
  return {base::SystemCommandRunner(), base::SystemFileSystem(),
          std::filesystem::temp_directory_path()};
}

const v1::StepView* FindStep(const v1::RunView& run, const std::string& id) {
  for (const v1::StepView& step : run.steps()) {
    if (!step.back() && step.id() == id) return &step;
  }
  return nullptr;
}

// A point of no return need not be named: only one waits at a time.
std::string StepOf(const Options& options, const v1::RunView& run) {
  if (options.act != v1::ACT_COMPLETE || !options.step.empty()) return options.step;
  for (const v1::StepView& step : run.steps()) {
    if (!step.back() && step.state() == "awaiting" && step.asked().roles_size() == 0) {
      return step.id();
    }
  }
  return "";
}

v1::PersonAct ActOf(const Options& options, const v1::RunView& run) {
  v1::PersonAct act;
  act.set_act(options.act);
  act.set_by(PersonName(options));
  act.set_reason(options.reason);
  act.set_step(StepOf(options, run));
  act.set_host(options.host);
  if (options.act == v1::ACT_RESOLVE) {
    act.set_outcome(options.outcome == "succeeded" ? hamisha::agent::v1::OUTCOME_SUCCEEDED
                                                   : hamisha::agent::v1::OUTCOME_FAILED);
  }
  act.set_delegate_to(options.delegate_to);
  act.set_saw(SawText(run, base::SystemClock().WallNow()));
  return act;
}

Question QuestionOf(const v1::RunView& run, const v1::PersonAct& act) {
  const v1::StepView* const step = FindStep(run, act.step());
  return {.plan = run.plan(),
          .plan_digest = run.plan_digest(),
          .run = run.run(),
          .nonce = step == nullptr ? run.nonce() : step->nonce()};
}

void ShowWhatIsToBeSeen(const v1::RunView& run, const v1::PersonAct& act) {
  std::cerr << "run   " << run.run() << " · " << Printable(run.plan()) << " · "
            << RunKindName(run.kind()) << " · digest " << run.plan_digest() << "\nnow   "
            << act.saw() << "\n";
  for (const v1::StepView& step : run.steps()) {
    const std::string asked = AskedText(step, base::SystemClock().WallNow());
    if (!asked.empty()) std::cerr << "asks  " << step.id() << " " << asked << "\n";
  }
  std::cerr << act.by() << " is about to " << IntentOf(act)
            << (act.reason().empty() ? "" : absl::StrCat(", because: ", Printable(act.reason())))
            << "\n";
}

// Whether to go on. What cannot be taken back, or takes a live run back, asks for the plan's name.
bool IsMeant(const Options& options, const v1::RunView& run, const v1::PersonAct& act) {
  const std::string what = absl::StrCat("to ", IntentOf(act));
  const bool last = act.act() == v1::ACT_COMPLETE;
  const bool back = run.kind() == v1::RUN_KIND_LIVE && act.act() == v1::ACT_ROLLBACK;
  if (last) {
    std::cerr << "After this there is no way back but a migration the other way.\n";
    if (options.confirm.empty() && StdinIsTerminal() && !ConfirmYes(options, what)) return false;
  }
  if (last || back || !options.confirm.empty()) return Confirm(options, what, run.plan());
  return ConfirmYes(options, what);
}

// Takes act and signature from what was signed elsewhere.
absl::Status TakeSigned(const Options& options, v1::PersonAct& act) {
  const std::string statement_path = std::string(absl::StripSuffix(options.signature, ".sig"));
  if (statement_path == options.signature) {
    return absl::InvalidArgumentError(
        "the statement lies beside its signature: name FILE.sig, which ssh-keygen wrote for FILE");
  }
  base::FileSystem& files = base::SystemFileSystem();
  ASSIGN_OR_RETURN(*act.mutable_statement(), files.Read(statement_path));
  ASSIGN_OR_RETURN(*act.mutable_signature(), files.Read(options.signature));
  ASSIGN_OR_RETURN(const Statement statement, ParseStatement(act.statement()));
  if (statement.act != ActName(act.act()) || statement.step != act.step()) {
    return absl::InvalidArgumentError(absl::StrCat(
        statement_path, " is to ", statement.act, " '", statement.step, "', not to ",
        ActName(act.act()), " '", act.step(), "': name the command that it was written by"));
  }
  act.set_by(statement.by);
  act.set_reason(statement.reason);
  act.set_delegate_to(statement.delegate_to);
  act.set_saw(statement.saw);
  return absl::OkStatus();
}

absl::Status Sign(const Options& options, const v1::RunView& run, v1::PersonAct& act) {
  if (options.key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("to ", ActName(act.act()),
                     " is signed: name your SSH key with --key FILE, or write what is "
                     "to be signed with --statement-out FILE"));
  }
  ASSIGN_OR_RETURN(*act.mutable_statement(), ToJson(StatementOf(QuestionOf(run, act), act)));
  ASSIGN_OR_RETURN(*act.mutable_signature(), SystemSshKeygen().Sign(act.statement(), options.key));
  return absl::OkStatus();
}

absl::Status WriteStatement(const Options& options, const v1::RunView& run,
                            const v1::PersonAct& act) {
  ASSIGN_OR_RETURN(const std::string statement, ToJson(StatementOf(QuestionOf(run, act), act)));
  RETURN_IF_ERROR(base::SystemFileSystem().Replace(options.statement_out, statement));
  std::vector<std::string> command = {"hamisha", ActName(act.act()), run.run()};
  if (!options.step.empty()) command.push_back(options.step);
  if (!options.delegate_to.empty()) command.insert(command.end(), {"--to", options.delegate_to});
  std::cout << "sign it:  ssh-keygen -Y sign -n " << kSignatureNamespace << " -f KEY "
            << options.statement_out << "\nsend it:  " << absl::StrJoin(command, " ")
            << " --signature " << options.statement_out << ".sig\n";
  return absl::OkStatus();
}

void PrintAfter(const v1::RunView& run, const v1::PersonAct& act, const Options& options) {
  if (options.json()) {
    std::cout << RenderReportJson(run, TerminalOptions(options));
    return;
  }
  std::cout << DeedOf(act) << "\n";
  for (const v1::StepView& step : run.steps()) {
    const std::string asked = AskedText(step, base::SystemClock().WallNow());
    if (!asked.empty()) std::cout << step.id() << " " << asked << "\n";
  }
}

}  // namespace

int ActCommand(const Options& options) {
  OnInterruptSay("\ninterrupted: 'hamisha report' says what was decided\n");
  Client client(options.orchestrator);
  const auto run = client.GetRun(options.run);
  if (!run.ok()) return FailOf(client, run.status());
  v1::PersonAct act = ActOf(options, *run);
  const bool is_signed = IsSigned(act.act()) && run->people_size() > 0;
  if (!options.statement_out.empty()) {
    const absl::Status written = WriteStatement(options, *run, act);
    return written.ok() ? kExitOk : FailOf(client, written);
  }
  if (!options.signature.empty()) {
    if (const auto taken = TakeSigned(options, act); !taken.ok()) return FailOf(client, taken);
  }
  ShowWhatIsToBeSeen(*run, act);
  if (!IsMeant(options, *run, act)) return kExitRefused;
  if (is_signed && options.signature.empty()) {
    if (const auto done = Sign(options, *run, act); !done.ok()) return FailOf(client, done);
  }
  v1::ActRequest request;
  request.set_run(run->run());
  *request.mutable_act() = act;
  const auto after = client.Act(request);
  if (!after.ok()) return FailOf(client, after.status());
  if (act.act() == v1::ACT_ROLLBACK && !options.detach) {
    return WatchUntilEnd(client, run->run(), options);
  }
  PrintAfter(*after, act, options);
  return kExitOk;
}

}  // namespace orchestrator
