// People decide about a run: signatures by the real ssh-keygen, over the real API.
#include <catch2/catch.hpp>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "orchestrator/approval/statement.h"
#include "tests/orchestrator/approval/people.h"
#include "tests/orchestrator/control/harness.h"
#include "tests/orchestrator/engine/plans.h"
#include "tests/temporary_folder.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// The cutover in small behind a gate: ops and business, two people. dora wrote it.
Plan Gated(const KeyRing& keys) {
  Plan plan = SmallCutover();
  for (PlannedStep& step : plan.steps) {
    for (uint32_t& need : step.needs) ++need;
  }
  plan.steps[0].needs.push_back(0);
  PlannedStep go;
  go.id = "go";
  go.phase = "freeze";
  go.name = "go";
  go.gate = Gate{.roles = {"ops", "business"}, .quorum = 2, .timeout = absl::Hours(1)};
  plan.steps.insert(plan.steps.begin(), go);
  plan.people = {keys.MakePerson("asha", {"ops"}), keys.MakePerson("ben", {"business"}),
                 keys.MakePerson("chen", {"network"}), keys.MakePerson("dora", {"ops"})};
  plan.author = "dora";
  return plan;
}

// Answers for anybody, as the command line does.
class Desk {
 public:
  Desk(const KeyRing& keys, RunningOrchestrator& orchestrator)
      : keys_(keys), orchestrator_(orchestrator) {}

  v1::RunView View() const { return orchestrator_.control().Get("").value(); }

  v1::ActRequest Approval(const std::string& by) const {
    const v1::RunView view = View();
    v1::ActRequest request;
    v1::PersonAct& act = *request.mutable_act();
    act.set_act(v1::ACT_APPROVE);
    act.set_by(by);
    act.set_step("go");
    act.set_saw("all is well");
    const Question question{.plan = view.plan(),
                            .plan_digest = view.plan_digest(),
                            .run = view.run(),
                            .nonce = view.steps(0).nonce()};
    act.set_statement(ToJson(StatementOf(question, act)).value());
    act.set_signature(keys_.Sign(by, act.statement()));
    return request;
  }

  absl::Status Approve(const std::string& by) const {
    return orchestrator_.control().Act(Approval(by)).status();
  }

 private:
  const KeyRing& keys_;
  RunningOrchestrator& orchestrator_;
};

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST_CASE("a gate takes those whom it asks, and the run goes on", "[people]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), Gated(keys)));
  FakeAgents agents(AllHosts(), AlwaysSucceed);
  agents.Dial(orchestrator.address());
  orchestrator.Submit();
  const Desk desk(keys, orchestrator);
  CHECK(desk.View().steps(0).state() == "awaiting");
  CHECK(desk.View().steps(0).nonce().size() == 32);

  CHECK_THAT(MessageOf(desk.Approve("dora")), Catch::Contains("author"));
  CHECK_THAT(MessageOf(desk.Approve("chen")), Catch::Contains("none of the roles"));
  CHECK(desk.Approve("asha").ok());
  CHECK_THAT(MessageOf(desk.Approve("asha")), Catch::Contains("already"));
  CHECK(desk.View().steps(0).asked().people_missing() == 1);
  CHECK(agents.Orders().empty());
  CHECK(desk.Approve("ben").ok());
  const v1::RunView ended = orchestrator.WatchToEnd();
  CHECK(ended.state() == v1::RUN_STATE_SUCCEEDED);
  REQUIRE(ended.acts_size() == 2);
  CHECK(ended.acts(0).by() == "asha");
  CHECK(ended.acts(0).saw() == "all is well");
  CHECK(ended.acts(0).has_time());
  agents.HangUp();
}

TEST_CASE("approvals are there after the orchestrator was", "[people]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  const Plan plan = Gated(keys);
  std::string nonce;
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
    orchestrator.Submit();
    const Desk desk(keys, orchestrator);
    REQUIRE(desk.Approve("asha").ok());
    nonce = desk.View().steps(0).nonce();
  }
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
  const Desk desk(keys, orchestrator);
  CHECK(desk.View().steps(0).nonce() == nonce);
  REQUIRE(desk.View().steps(0).asked().acts_size() == 1);
  CHECK(desk.View().steps(0).asked().acts(0).by() == "asha");
  CHECK(desk.Approve("ben").ok());
  CHECK(desk.View().steps(0).state() == "succeeded");
}

TEST_CASE("an approval of one run does not serve the next", "[people]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), Gated(keys)));
  orchestrator.Submit();
  const Desk desk(keys, orchestrator);
  const v1::ActRequest old = desk.Approval("asha");
  v1::ActRequest abort;
  abort.mutable_act()->set_act(v1::ACT_ABORT);
  abort.mutable_act()->set_by("asha");
  abort.mutable_act()->set_reason("once more");
  REQUIRE(orchestrator.control().Act(abort).ok());
  orchestrator.WatchToEnd();
  orchestrator.Submit();
  CHECK_THAT(MessageOf(orchestrator.control().Act(old).status()),
             Catch::Contains("was signed for run"));
}

TEST_CASE("what is refused is journaled with who and why, and a restart reads over it",
          "[people]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  const Plan plan = Gated(keys);
  std::string journal;
  {
    RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
    orchestrator.Submit();
    const Desk desk(keys, orchestrator);
    v1::ActRequest forged = desk.Approval("asha");
    forged.mutable_act()->set_signature(desk.Approval("chen").act().signature());
    CHECK(absl::IsUnauthenticated(orchestrator.control().Act(forged).status()));
    CHECK_FALSE(desk.Approve("chen").ok());
    journal = desk.View().journal();
  }
  const std::string text = base::SystemFileSystem().Read(journal).value();
  CHECK(absl::StrContains(text, "\"kind\":\"act_refused\""));
  CHECK(absl::StrContains(text, "no signature of asha"));
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), plan));
  CHECK(orchestrator.control().Get("").value().steps(0).state() == "awaiting");
}

TEST_CASE("a view says how long the journal is, and its hash", "[people]") {
  const TemporaryFolder folder;
  const KeyRing keys;
  RunningOrchestrator orchestrator(PlanOptions(folder.path(), Gated(keys)));
  const std::string run = orchestrator.Submit();
  const v1::RunView view = orchestrator.control().Get(run).value();
  const std::string text = base::SystemFileSystem().Read(view.journal()).value();
  CHECK(view.journal_entries() ==
        static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')));
  const size_t end = text.size() - 1;
  const size_t begin = text.rfind('\n', end - 1) + 1;
  CHECK(view.journal_hash() ==
        base::ToHex(base::Sha256Of(absl::string_view(text).substr(begin, end - begin))));
}

}  // namespace
}  // namespace orchestrator
