#include "orchestrator/cli/render.h"

#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "orchestrator/cli/text.h"
#include "tests/golden.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

constexpr int64_t kStartMs = 1'429'387'200'000;

void Set(google::protobuf::Timestamp& timestamp, int64_t ms) {
  timestamp.set_seconds((kStartMs + ms) / 1000);
  timestamp.set_nanos(static_cast<int32_t>((kStartMs + ms) % 1000 * 1'000'000));
}

struct Times {
  int64_t started_ms = -1;  // -1: not yet.
  int64_t ended_ms = -1;
};

v1::StepView& AddStep(v1::RunView& run, const std::string& name, const std::string& action,
                      const std::string& state, Times times) {
  v1::StepView& step = *run.add_steps();
  step.set_phase(name.substr(0, name.find('/')));
  step.set_id(name.substr(name.find('/') + 1));
  step.set_action(action);
  step.set_state(state);
  if (times.started_ms >= 0) Set(*step.mutable_started(), times.started_ms);
  if (times.ended_ms >= 0) Set(*step.mutable_ended(), times.ended_ms);
  return step;
}

v1::HostView& AddHost(v1::StepView& step, const std::string& host, const std::string& state,
                      const std::string& message) {
  v1::HostView& view = *step.add_hosts();
  view.set_host(host);
  view.set_state(state);
  view.set_attempt(1);
  view.set_message(message);
  return view;
}

// A run that found a difference and is going back.
v1::RunView GoingBack() {
  v1::RunView run;
  run.set_run("r7");
  run.set_plan("weekend_cutover");
  run.set_plan_digest("ab12");
  run.set_kind(v1::RUN_KIND_LIVE);
  run.set_state(v1::RUN_STATE_ROLLING_BACK);
  run.set_explanation("compare failed on target-1: state root differs");
  run.set_journal("/var/lib/hamisha/runs/r7");
  run.set_mismatch(true);
  run.set_term(3);
  Set(*run.mutable_started(), 0);
  v1::StepView& seal = AddStep(run, "freeze/seal", "ledger.seal", "settling", {10, 322});
  (*AddHost(seal, "source-0", "succeeded", "sealed").mutable_facts())["position"] = "1204";
  v1::HostView& source_1 = AddHost(seal, "source-1", "succeeded", "sealed");
  source_1.set_attempt(2);
  (*source_1.mutable_facts())["position"] = "1190";
  (*source_1.mutable_facts())["state_root"] = std::string(64, 'c');
  v1::StepView& compare = AddStep(run, "verify/compare", "ledger.compare", "failed", {330, 4'530});
  AddHost(compare, "target-0", "succeeded", "equal");
  AddHost(compare, "target-1", "failed", "state root \x1b[31mdiffers");
  AddStep(run, "switch/open", "ledger.open", "skipped", {});
  v1::StepView& back = AddStep(run, "freeze/seal/back/0", "ledger.refuse", "running", {4'600});
  back.set_back(true);
  back.set_undoes("seal");
  AddHost(back, "target-0", "sent", "");

  hamisha::ledger::v1::SealStatement statement;
  statement.set_shard(1);
  statement.set_epoch(1);
  statement.set_position(1190);
  statement.set_log_hash(std::string(32, '\x11'));
  statement.set_state_root(std::string(32, '\x22'));
  statement.set_successor("target-1");
  hamisha::ledger::v1::Signed& certificate = *run.add_certificates();
  certificate.set_type("hamisha.seal.v1");
  certificate.set_payload(statement.SerializeAsString());
  certificate.set_signer("source-1");
  hamisha::ledger::v1::RefusalStatement refusal;
  refusal.set_shard(0);
  refusal.set_epoch(2);
  hamisha::ledger::v1::Signed& refused = *run.add_certificates();
  refused.set_type("hamisha.refusal.v1");
  refused.set_payload(refusal.SerializeAsString());
  refused.set_signer("target-0");
  run.add_certificates()->set_type("unheard of");
  return run;
}

v1::RunView RolledBack() {
  v1::RunView run = GoingBack();
  run.set_state(v1::RUN_STATE_ROLLED_BACK);
  Set(*run.mutable_ended(), 5'000);
  run.mutable_steps(0)->set_state("undone");
  run.mutable_steps(3)->set_state("succeeded");
  Set(*run.mutable_steps(3)->mutable_ended(), 4'900);
  return run;
}

RenderOptions Options() {
  RenderOptions options;
  options.zone = absl::FixedTimeZone(3 * 3600);
  options.now = absl::FromUnixMillis(kStartMs + 4'750);
  return options;
}

TEST_CASE("the report tells the whole story", "[render]") {
  MatchGolden("report_going_back.txt", RenderReport(GoingBack(), Options()));
  MatchGolden("report_rolled_back.txt", RenderReport(RolledBack(), Options()));
  MatchGolden("report_rolled_back.json", RenderReportJson(RolledBack(), Options()));
}

TEST_CASE("the table shows each step on a line", "[render]") {
  MatchGolden("table.txt", absl::StrJoin(RenderTable(GoingBack(), Options()), "\n") + "\n");
}

TEST_CASE("the table fits the terminal", "[render]") {
  v1::RunView run = GoingBack();
  for (int i = 0; i < 100; ++i) AddStep(run, "observe/wait", "probe.canary", "pending", {});
  RenderOptions options = Options();
  options.columns = 40;
  options.lines = GENERATE(10U, 24U, 200U);
  const std::vector<std::string> lines = RenderTable(run, options);
  CHECK(lines.size() < options.lines);
  for (size_t i = 1; i < lines.size(); ++i) CHECK(Width(lines[i]) <= 40);
  const std::string all = absl::StrJoin(lines, "\n");
  CHECK(absl::StrContains(all, "way back"));  // The newest step is among them.
}

TEST_CASE("colours are there only when wanted", "[render]") {
  RenderOptions options = Options();
  CHECK_FALSE(absl::StrContains(absl::StrJoin(RenderTable(GoingBack(), options), ""), "\x1b"));
  CHECK_FALSE(absl::StrContains(RenderReport(GoingBack(), options), "\x1b"));
  options.colour = true;
  CHECK(absl::StrContains(absl::StrJoin(RenderTable(GoingBack(), options), ""), "\x1b[31m"));
}

TEST_CASE("progress is a line for each change", "[render]") {
  ProgressLines progress(Options());
  v1::RunView run = GoingBack();
  std::vector<std::string> lines = progress.Update(run);
  CHECK(lines == std::vector<std::string>{
                     "run r7 · weekend_cutover · live · rolling_back · 4.8 s",
                     "compare failed on target-1: state root differs",
                     "23:00:04.530  verify/compare  failed  4.2 s  target-1: state root  "
                     "[31mdiffers; target-0: equal",
                     "23:00:04.600  back/seal  ledger.refuse  running"});
  CHECK(progress.Update(run).empty());
  lines = progress.Update(RolledBack());
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "23:00:04.900  back/seal  ledger.refuse  succeeded  300 ms");
  CHECK(lines[1] == "run r7 · weekend_cutover · live · rolled_back · 5.0 s");
}

TEST_CASE("the report of a refused run says to mend, not to go back", "[render]") {
  v1::RunView run = GoingBack();
  run.set_state(v1::RUN_STATE_STOPPED);
  run.set_refused(true);
  const std::string report = RenderReport(run, {});
  CHECK(absl::StrContains(report, "mend what is refused above, and run again"));
  CHECK_FALSE(absl::StrContains(report, "hamisha rollback"));
}

// Both sides certified; 22 pending transfers were carried across.
v1::RunView Certified(const std::string& root_at_target) {
  v1::RunView run;
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  hamisha::ledger::v1::CutoverStatement statement;
  statement.set_epoch(1);
  statement.set_position(1'204);
  statement.mutable_in_flight()->set_pendings(22);
  for (const uint64_t number : {17U, 18U}) {
    auto& pending = *statement.mutable_in_flight()->add_oldest();
    pending.mutable_id()->set_high(7);
    pending.mutable_id()->set_low(number);
    pending.set_ledger(404);
    pending.set_amount(30);
    if (number == 17) pending.mutable_left()->set_seconds(125);
  }
  for (const std::string signer : {"source-0", "target-0"}) {
    statement.set_state_root(signer == "source-0" ? "r" : root_at_target);
    auto& certificate = *run.add_certificates();
    certificate.set_type("hamisha.cutover.v1");
    certificate.set_payload(statement.SerializeAsString());
    certificate.set_signer(signer);
  }
  return run;
}

TEST_CASE("the report lists once what was in flight at the freeze, with the time left",
          "[render]") {
  const std::string report = RenderReport(Certified("r"), {});
  const std::string expected =
      "  shard 0  epoch 1 at position 1204 certified by source-0\n"
      "           in flight at the freeze: 22 open pending transfers\n"
      "             00000000000000070000000000000011  30 of currency 404  2 min 5 s left\n"
      "             00000000000000070000000000000012  30 of currency 404  never expires\n"
      "             and 20 more\n"
      "  shard 0  epoch 1 at position 1204 certified by target-0\n";
  CAPTURE(report);
  CHECK(absl::StrContains(report, expected));
  CHECK(absl::StrContains(RenderReportJson(Certified("r"), {}), R"("left_ms": 125000)"));
}

TEST_CASE("sides that do not certify the same are told, and no run with them exits with 0",
          "[render]") {
  CHECK(ExitCodeOf(Certified("r")) == 0);
  CHECK_FALSE(absl::StrContains(RenderReport(Certified("r"), {}), "NOT THE SAME"));
  CHECK(ExitCodeOf(Certified("s")) == 5);
  CHECK(
      absl::StrContains(RenderReport(Certified("s"), {}),
                        "NOT THE SAME: shard 0, epoch 1: 'source-0' and 'target-0' do not certify "
                        "the same cutover: state root 72 and 73"));
}

TEST_CASE("the exit code says how a run ended", "[render]") {
  struct Row {
    v1::RunState state;
    bool mismatch;
    int expected;
    bool refused = false;
  };
  const auto row = GENERATE(values<Row>({{v1::RUN_STATE_SUCCEEDED, false, 0},
                                         {v1::RUN_STATE_ROLLED_BACK, false, 6},
                                         {v1::RUN_STATE_ROLLED_BACK, true, 6},
                                         {v1::RUN_STATE_STOPPED, false, 1},
                                         {v1::RUN_STATE_STOPPED, true, 5},
                                         {v1::RUN_STATE_STOPPED, false, 3, true},
                                         {v1::RUN_STATE_UNKNOWN, true, 7}}));
  v1::RunView run;
  run.set_state(row.state);
  run.set_mismatch(row.mismatch);
  run.set_refused(row.refused);
  CHECK(ExitCodeOf(run) == row.expected);
  CHECK(HasEnded(run));
}

}  // namespace
}  // namespace orchestrator
