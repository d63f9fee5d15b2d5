#include "orchestrator/cli/people_text.h"

#include <catch2/catch.hpp>

#include "orchestrator/cli/approval_files.h"
#include "orchestrator/cli/render.h"
#include "tests/golden.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr int64_t kStart = 1'429'387'200;
const absl::Time kNow = absl::FromUnixSeconds(kStart + 90);

v1::PersonAct ActBy(const std::string& by, v1::Act kind, const std::string& step) {
  v1::PersonAct act;
  act.set_act(kind);
  act.set_by(by);
  act.set_step(step);
  return act;
}

// Half an hour for ops and business; asha has approved, and chen handed over to ben.
v1::RunView Awaiting() {
  v1::RunView run;
  run.set_run("r7");
  run.set_plan("weekend_cutover");
  run.set_plan_digest("ab12");
  run.set_kind(v1::RUN_KIND_LIVE);
  run.set_state(v1::RUN_STATE_RUNNING);
  run.set_journal_entries(9);
  run.set_journal_hash("cd34");
  run.mutable_started()->set_seconds(kStart);
  v1::StepView& facts = *run.add_steps();
  facts.set_id("facts");
  facts.set_phase("prepare");
  facts.set_state("succeeded");
  v1::StepView& go = *run.add_steps();
  go.set_id("go");
  go.set_phase("freeze");
  go.set_state("awaiting");
  go.mutable_started()->set_seconds(kStart + 60);
  v1::Asked& asked = *go.mutable_asked();
  asked.add_roles("ops");
  asked.add_roles("business");
  asked.set_quorum(2);
  asked.mutable_deadline()->set_seconds(kStart + 60 + 1800);
  *asked.add_acts() = ActBy("asha", v1::ACT_APPROVE, "go");
  *asked.add_acts() = ActBy("chen", v1::ACT_DELEGATE, "go");
  asked.mutable_acts(1)->set_delegate_to("ben");
  asked.add_roles_missing("business");
  asked.set_people_missing(1);
  v1::StepView& seal = *run.add_steps();
  seal.set_id("seal");
  seal.set_phase("freeze");
  seal.set_state("pending");
  return run;
}

v1::RunView Decided() {
  v1::RunView run = Awaiting();
  run.set_state(v1::RUN_STATE_STOPPED);
  run.set_explanation("ben aborted it: enough");
  v1::PersonAct approval = ActBy("asha", v1::ACT_APPROVE, "go");
  approval.mutable_time()->set_seconds(kStart + 70);
  approval.set_saw("all was well");
  approval.set_statement("{}");
  approval.set_signature("-----BEGIN SSH SIGNATURE-----\n");
  *run.add_acts() = approval;
  v1::PersonAct resolved = ActBy("ben", v1::ACT_RESOLVE, "seal");
  resolved.mutable_time()->set_seconds(kStart + 80);
  resolved.set_host("source-0");
  resolved.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
  resolved.set_reason("its log says so");
  *run.add_acts() = resolved;
  v1::PersonView& person = *run.add_people();
  person.set_name("asha");
  person.set_key(
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBGgNIFjVPqyPMnBxExTkKOwvmSdaxrXnGUtbC08bpnT");
  return run;
}

TEST_CASE("a gate says whom it asks, what is missing, and for how long", "[people]") {
  const v1::RunView run = Awaiting();
  CHECK(AskedText(run.steps(1), kNow) ==
        "asks ops, business: 1 more person and the role business are missing; 29 min 30 s left; "
        "approved by asha; chen delegated to ben");
  CHECK(AskedText(run.steps(0), kNow).empty());
}

TEST_CASE("a point of no return is called one", "[people]") {
  v1::StepView step;
  step.set_state("awaiting");
  step.mutable_asked()->set_people_missing(2);
  CHECK(AskedText(step, kNow) == "a point of no return: 2 more people are missing");
}

TEST_CASE("a run waits for people while a step awaits them and it has not ended", "[people]") {
  v1::RunView run = Awaiting();
  CHECK(WaitsForPeople(run));
  run.set_state(v1::RUN_STATE_STOPPED);
  CHECK_FALSE(WaitsForPeople(run));
  run.set_state(v1::RUN_STATE_RUNNING);
  run.mutable_steps(1)->set_state("succeeded");
  CHECK_FALSE(WaitsForPeople(run));
}

TEST_CASE("what a person saw is one line", "[people]") {
  CHECK(SawText(Awaiting(), kNow) ==
        "2015-04-18T20:01:30Z running, 1 of 3 steps done; awaiting go; journal 9 entries, sha256 "
        "cd34");
}

TEST_CASE("every act has its words", "[people]") {
  struct Row {
    v1::Act act;
    const char* intent;
    const char* deed;
  };
  const auto row = GENERATE(values<Row>({
      {v1::ACT_APPROVE, "approve gate 'go'", "asha approved gate 'go'"},
      {v1::ACT_REJECT, "reject gate 'go'", "asha rejected gate 'go'"},
      {v1::ACT_RETRY, "retry step 'go'", "asha retried step 'go'"},
      {v1::ACT_SKIP, "skip step 'go'", "asha skipped step 'go'"},
      {v1::ACT_COMPLETE, "let the point of no return begin, 'go'",
       "asha let the point of no return begin, 'go'"},
  }));
  const v1::PersonAct act = ActBy("asha", row.act, "go");
  CHECK(IntentOf(act) == row.intent);
  CHECK(DeedOf(act) == row.deed);
}

TEST_CASE("the table shows whom a gate asks", "[people][golden]") {
  RenderOptions options;
  options.now = kNow;
  options.columns = 200;
  std::string text;
  for (const std::string& line : RenderTable(Awaiting(), options)) text += line + "\n";
  MatchGolden("table_awaiting.txt", text);
}

TEST_CASE("each answer to a gate is told once", "[people]") {
  ProgressLines progress(RenderOptions{});
  v1::RunView run = Awaiting();
  CHECK(progress.Update(run).size() == 2);
  CHECK(progress.Update(run).empty());
  *run.mutable_steps(1)->mutable_asked()->add_acts() = ActBy("ben", v1::ACT_APPROVE, "go");
  CHECK(progress.Update(run).size() == 1);
}

TEST_CASE("a report tells who decided what, why, and what they saw", "[people][golden]") {
  MatchGolden("report_people.txt", RenderReport(Decided(), RenderOptions{}));
  MatchGolden("report_people.json", RenderReportJson(Decided(), RenderOptions{}));
}

TEST_CASE("an auditor gets each signed statement, the keys and the command", "[people]") {
  const ApprovalFiles approvals = ApprovalFilesOf(Decided(), "/tmp/it's").value();
  REQUIRE(approvals.files.size() == 3);
  CHECK(approvals.files[0].name == "allowed_signers");
  CHECK(approvals.files[1].name == "1-approve-go-asha.json");
  CHECK(approvals.files[2].content == "-----BEGIN SSH SIGNATURE-----\n");
  REQUIRE(approvals.commands.size() == 1);
  CHECK(approvals.commands[0] ==
        "ssh-keygen -Y verify -f '/tmp/it'\\''s/allowed_signers' -I 'asha' -n hamisha-approval@v1 "
        "-s '/tmp/it'\\''s/1-approve-go-asha.json.sig' < '/tmp/it'\\''s/1-approve-go-asha.json'");
}

TEST_CASE("a name cannot lead an auditor's files elsewhere", "[people]") {
  v1::RunView run = Decided();
  run.mutable_acts(0)->set_step("../../etc/passwd");
  const ApprovalFiles approvals = ApprovalFilesOf(run, "/tmp/a").value();
  CHECK(approvals.files[1].name == "1-approve-.._.._etc_passwd-asha.json");
}

}  // namespace
}  // namespace orchestrator
