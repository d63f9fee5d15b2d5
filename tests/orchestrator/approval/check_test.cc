#include "orchestrator/approval/check.h"

#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "tests/orchestrator/approval/people.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

// A gate of a plan with two people, and what asha would send to approve it.
struct Gate {
  Gate() {
    plan.name = "weekend_cutover";
    plan.people = {keys.MakePerson("asha", {"ops"}), keys.MakePerson("ben", {"business"})};
    PlannedStep go;
    go.id = "go";
    go.gate = orchestrator::Gate{.roles = {"ops"}, .quorum = 1, .timeout = absl::Minutes(1)};
    plan.steps.push_back(go);
    act.set_act(v1::ACT_APPROVE);
    act.set_by("asha");
    act.set_step("go");
    act.set_saw("running");
  }

  // As `signer` signs it: the answer to `question`.
  v1::PersonAct Signed(const std::string& signer) {
    v1::PersonAct signed_act = act;
    const std::string statement = ToJson(StatementOf(question, act)).value();
    signed_act.set_statement(statement);
    signed_act.set_signature(keys.Sign(signer, statement));
    return signed_act;
  }

  absl::Status Check(const v1::PersonAct& sent) const {
    return CheckAct(plan, question, sent, keys.ssh_keygen());
  }

  KeyRing keys;
  Plan plan;
  Question question{.plan = "weekend_cutover", .plan_digest = "d1", .run = "r1", .nonce = "n1"};
  v1::PersonAct act;
};

bool Says(const absl::Status& status, const std::string& text) {
  UNSCOPED_INFO(status.ToString());
  return absl::StrContains(std::string(status.message()), text);
}

TEST_CASE("a signed approval of the plan, the run and the question is taken", "[approval]") {
  Gate gate;
  CHECK(gate.Check(gate.Signed("asha")).ok());
}

TEST_CASE("what is not signed is refused, and says how to sign", "[approval]") {
  Gate gate;
  const absl::Status status = gate.Check(gate.act);
  CHECK(absl::IsUnauthenticated(status));
  CHECK(Says(status, "--key FILE"));
}

TEST_CASE("another's signature is refused", "[approval]") {
  Gate gate;
  CHECK(absl::IsUnauthenticated(gate.Check(gate.Signed("ben"))));
}

TEST_CASE("whoever the inventory does not name is refused, with the names", "[approval]") {
  Gate gate;
  gate.act.set_by("zed");
  const absl::Status status = gate.Check(gate.Signed("asha"));
  CHECK(absl::IsPermissionDenied(status));
  CHECK(Says(status, "it names asha, ben"));
}

TEST_CASE("a signature for a plan that has changed since is refused", "[approval]") {
  Gate gate;
  const v1::PersonAct old = gate.Signed("asha");
  gate.question.plan_digest = "d2";
  CHECK(Says(gate.Check(old), "the plan has changed since this was signed"));
}

TEST_CASE("a signature for another run is refused", "[approval]") {
  Gate gate;
  const v1::PersonAct old = gate.Signed("asha");
  gate.question.run = "r2";
  CHECK(Says(gate.Check(old), "was signed for run r1, not for r2"));
}

TEST_CASE("a signature for an earlier question about the gate is refused", "[approval]") {
  Gate gate;
  const v1::PersonAct old = gate.Signed("asha");
  gate.question.nonce = "n2";
  CHECK(Says(gate.Check(old), "its nonce is not that of 'go'"));
}

TEST_CASE("what was not signed cannot be put into an act", "[approval]") {
  Gate gate;
  v1::PersonAct sent = gate.Signed("asha");
  SECTION("another act") {
    sent.set_act(v1::ACT_REJECT);
    CHECK(Says(gate.Check(sent), "'act' was signed as 'approve', but the act says 'reject'"));
  }
  SECTION("another gate") {
    sent.set_step("stop");
    CHECK(Says(gate.Check(sent), "'step' was signed as 'go'"));
  }
  SECTION("another who") {
    sent.set_by("ben");
    CHECK(Says(gate.Check(sent), "'by' was signed as 'asha'"));
  }
  SECTION("another why") {
    sent.set_reason("because");
    CHECK(Says(gate.Check(sent), "'reason' was signed as ''"));
  }
  SECTION("another view") {
    sent.set_saw("nothing");
    CHECK(Says(gate.Check(sent), "'saw' was signed as 'running'"));
  }
  SECTION("other bytes") {
    sent.set_statement(sent.statement() + " ");
    CHECK(absl::IsInvalidArgument(gate.Check(sent)));
  }
}

TEST_CASE("a gate is not skipped", "[approval]") {
  Gate gate;
  gate.act.set_act(v1::ACT_SKIP);
  CHECK(Says(gate.Check(gate.act), "approve or reject it"));
}

TEST_CASE("to stop or take back is anybody's; to go on is for those who are named", "[approval]") {
  Gate gate;
  gate.act.set_by("zed");
  gate.act.clear_step();
  for (const auto act : {v1::ACT_PAUSE, v1::ACT_ABORT, v1::ACT_ROLLBACK}) {
    gate.act.set_act(act);
    CHECK(gate.Check(gate.act).ok());
  }
  for (const auto act : {v1::ACT_RESUME, v1::ACT_RETRY, v1::ACT_SKIP, v1::ACT_RESOLVE}) {
    gate.act.set_act(act);
    CHECK(absl::IsPermissionDenied(gate.Check(gate.act)));
  }
}

TEST_CASE("whose key the inventory does not have cannot sign", "[approval]") {
  Gate gate;
  gate.plan.people[0].key.clear();
  CHECK(Says(gate.Check(gate.act), "has no key of asha"));
}

TEST_CASE("a stand-in is one of the people", "[approval]") {
  Gate gate;
  gate.act.set_act(v1::ACT_DELEGATE);
  gate.act.set_delegate_to("zed");
  CHECK(absl::IsPermissionDenied(gate.Check(gate.Signed("asha"))));
  gate.act.set_delegate_to("ben");
  CHECK(gate.Check(gate.Signed("asha")).ok());
}

TEST_CASE("where nobody is named nothing is signed", "[approval]") {
  Gate gate;
  gate.plan.people.clear();
  CHECK(gate.Check(gate.act).ok());
}

TEST_CASE("texts have a bound", "[approval]") {
  Gate gate;
  gate.act.set_reason(std::string(10'000, 'x'));
  CHECK(absl::IsInvalidArgument(gate.Check(gate.act)));
}

}  // namespace
}  // namespace orchestrator
