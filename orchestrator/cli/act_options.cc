#include "orchestrator/cli/act_options.h"

#include "orchestrator/approval/statement.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

void AddSigning(CLI::App& app, Options& options) {
  app.add_option(
         "--key", options.key,
         "Your SSH key: the private one, or the public one of what ssh-agent or a token has")
      ->envname("HAMISHA_KEY");
  CLI::Option* out = app.add_option("--statement-out", options.statement_out,
                                    "Only write what is to be signed, for a key that is elsewhere");
  app.add_option("--signature", options.signature,
                 "FILE.sig, made elsewhere; FILE, which --statement-out wrote, lies beside it")
      ->excludes(out);
}

}  // namespace

const std::vector<ActCommandLine>& ActCommandLines() {
  static const auto& lines = *new std::vector<ActCommandLine>{
      {.name = "approve",
       .act = v1::ACT_APPROVE,
       .summary = "Approves a gate; signed",
       .step = "GATE"},
      {.name = "reject",
       .act = v1::ACT_REJECT,
       .summary = "Rejects a gate, which then fails; signed",
       .step = "GATE",
       .reason_needed = true},
      {.name = "delegate",
       .act = v1::ACT_DELEGATE,
       .summary = "Lets somebody else answer a gate in your place; signed",
       .step = "GATE",
       .reason_needed = true},
      {.name = "pause",
       .act = v1::ACT_PAUSE,
       .summary = "Lets nothing new begin until resumed; what runs goes on",
       .reason_needed = true},
      {.name = "resume", .act = v1::ACT_RESUME, .summary = "Goes on with a paused run"},
      {.name = "retry",
       .act = v1::ACT_RETRY,
       .summary = "Tries a held step again where it failed; asks first where it is unknown",
       .step = "STEP",
       .reason_needed = true},
      {.name = "skip",
       .act = v1::ACT_SKIP,
       .summary = "Goes on as if a step had succeeded",
       .step = "STEP",
       .reason_needed = true},
      {.name = "resolve",
       .act = v1::ACT_RESOLVE,
       .summary = "Says what came of a step on a host where that is unknown",
       .step = "STEP",
       .reason_needed = true},
      {.name = "abort",
       .act = v1::ACT_ABORT,
       .summary = "Lets nothing new begin and ends the run; what was done stays",
       .reason_needed = true},
      {.name = "rollback",
       .act = v1::ACT_ROLLBACK,
       .summary = "Takes a run back, and watches it",
       .reason_needed = true},
      {.name = "complete",
       .act = v1::ACT_COMPLETE,
       .summary = "Lets the point of no return begin; two people; signed",
       .step = "STEP",
       .step_needed = false},
      {.name = "override",
       .act = v1::ACT_OVERRIDE,
       .summary = "Does not let the window take the run back; two people; signed",
       .reason_needed = true},
  };
  return lines;
}

void AddPerson(CLI::App& app, Options& options) {
  app.add_option("--as", options.person, "Who you are, as the inventory names you; else your login")
      ->envname("HAMISHA_PERSON");
}

void AddActOptions(const ActCommandLine& line, CLI::App& app, Options& options) {
  app.add_option("RUN", options.run, "The run")->required();
  if (line.step != nullptr) {
    app.add_option(line.step, options.step, "As `hamisha status` shows it")
        ->required(line.step_needed);
  }
  if (line.act == v1::ACT_RESOLVE) {
    app.add_option("HOST", options.host, "Where the outcome is unknown")->required();
    app.add_option("--outcome", options.outcome, "succeeded or failed: what you found out")
        ->check(CLI::IsMember({"succeeded", "failed"}))
        ->required();
  }
  if (line.act == v1::ACT_DELEGATE) {
    app.add_option("--to", options.delegate_to, "Who answers in your place")->required();
  }
  AddPerson(app, options);
  app.add_option("--reason", options.reason, "Why, for the journal")
      ->required(line.reason_needed && !IsSigned(line.act));
  if (IsSigned(line.act)) AddSigning(app, options);
  app.add_flag("--yes", options.yes, "Do not ask");
  app.add_option("--confirm", options.confirm, "The plan's name, where it is asked for");
  if (line.act == v1::ACT_ROLLBACK) {
    app.add_flag("--detach", options.detach, "Do not watch: return when it has begun");
  }
}

}  // namespace orchestrator
