// People decide by the command line.
#include "absl/strings/match.h"
#include "orchestrator/approval/allowed_signers.h"
#include "orchestrator/approval/statement.h"
#include "tests/orchestrator/approval/people.h"
#include "tests/orchestrator/cli/program.h"

namespace orchestrator {
namespace {

// A live run that waits for an approval of asha's.
class Night {
 public:
  Night() {
    const Person asha = keys.MakePerson("asha", {"ops"});
    signers = AllowedSigners({asha}).value();
    v1::RunView& view = orchestrator.view;
    view.set_state(v1::RUN_STATE_RUNNING);
    view.set_plan_digest("ab12");
    view.set_nonce("n0");
    v1::PersonView& person = *view.add_people();
    person.set_name("asha");
    person.set_key(asha.key);
    v1::StepView& go = *view.add_steps();
    go.set_id("go");
    go.set_state("awaiting");
    go.set_nonce("n1");
    go.mutable_asked()->add_roles("ops");
    go.mutable_asked()->add_roles_missing("ops");
    go.mutable_asked()->set_people_missing(1);
  }

  Ended Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--orchestrator", orchestrator.address()});
    Ended ended = ops.Run(std::move(arguments));
    UNSCOPED_INFO(ended.output);
    return ended;
  }

  const v1::PersonAct& acted() const { return orchestrator.acted.act(); }

  Operator ops;
  KeyRing keys;
  FakeOrchestrator orchestrator;
  std::string signers;
};

TEST_CASE("an approval is signed for what is asked, and says what was seen", "[cli]") {
  Night night;
  const Ended ended = night.Run(
      {"approve", "r1", "go", "--as", "asha", "--key", night.keys.PathOf("asha"), "--yes"});
  CHECK(ended.exit_code == 0);
  CHECK(absl::StrContains(ended.output, "asks  go asks ops: 1 more person and the role ops"));
  CHECK(absl::StrContains(ended.output, "asha is about to approve gate 'go'"));
  CHECK(absl::StrContains(night.acted().saw(), "awaiting go"));
  const Statement statement = ParseStatement(night.acted().statement()).value();
  CHECK(statement.nonce == "n1");
  CHECK(statement.plan_digest == "ab12");
  CHECK(statement.saw == night.acted().saw());
  CHECK(night.keys.ssh_keygen()
            .Verify(night.signers, "asha", night.acted().statement(), night.acted().signature())
            .ok());
}

TEST_CASE("a statement is signed elsewhere and sent with what was seen then", "[cli]") {
  Night night;
  const std::string path = night.keys.PathOf("go.json");
  const Ended written = night.Run(
      {"approve", "r1", "go", "--as", "asha", "--reason", "fine", "--statement-out", path});
  CHECK(written.exit_code == 0);
  CHECK(absl::StrContains(written.output, "ssh-keygen -Y sign -n hamisha-approval@v1 -f KEY"));
  CHECK(night.orchestrator.acted.run().empty());
  const std::string statement = base::SystemFileSystem().Read(path).value();
  REQUIRE(base::SystemFileSystem().Replace(path + ".sig", night.keys.Sign("asha", statement)).ok());

  CHECK(night.Run({"approve", "r1", "go", "--signature", path + ".sig", "--yes"}).exit_code == 0);
  CHECK(night.acted().by() == "asha");
  CHECK(night.acted().reason() == "fine");
  CHECK(night.acted().statement() == statement);

  const Ended other =
      night.Run({"reject", "r1", "go", "--signature", path + ".sig", "--reason", "x", "--yes"});
  CHECK(other.exit_code == 2);
  CHECK(absl::StrContains(other.output, "is to approve 'go', not to reject 'go'"));
}

TEST_CASE("without a key nothing is decided, and the message says how to sign", "[cli]") {
  Night night;
  const Ended ended = night.Run({"approve", "r1", "go", "--as", "asha", "--yes"});
  CHECK(ended.exit_code == 2);
  CHECK(absl::StrContains(ended.output, "--key FILE"));
  CHECK(night.orchestrator.acted.run().empty());
}

TEST_CASE("where nobody can be asked, --yes must have been said", "[cli]") {
  Night night;
  const Ended ended = night.Run({"pause", "r1", "--reason", "lunch"});
  CHECK(ended.exit_code == 3);
  CHECK(absl::StrContains(ended.output, "add --yes"));
  CHECK(night.orchestrator.acted.run().empty());
}

TEST_CASE("what has no way back asks for the plan's name", "[cli]") {
  Night night;
  night.orchestrator.view.mutable_people()->Clear();
  night.orchestrator.view.mutable_steps(0)->mutable_asked()->clear_roles();
  CHECK(night.Run({"complete", "r1", "--yes"}).exit_code == 3);
  CHECK(night.orchestrator.acted.run().empty());
  CHECK(night.Run({"complete", "r1", "--confirm", "small"}).exit_code == 0);
  CHECK(night.acted().act() == v1::ACT_COMPLETE);
  CHECK(night.acted().step() == "go");
}

TEST_CASE("each command sends its act with what it is about", "[cli]") {
  struct Row {
    std::vector<std::string> arguments;
    v1::Act act;
    const char* step;
  };
  const auto row = GENERATE(values<Row>({
      {{"pause", "r1"}, v1::ACT_PAUSE, ""},
      {{"resume", "r1"}, v1::ACT_RESUME, ""},
      {{"retry", "r1", "seal"}, v1::ACT_RETRY, "seal"},
      {{"skip", "r1", "seal"}, v1::ACT_SKIP, "seal"},
      {{"resolve", "r1", "seal", "source-0", "--outcome", "failed"}, v1::ACT_RESOLVE, "seal"},
      {{"abort", "r1"}, v1::ACT_ABORT, ""},
  }));
  Night night;
  std::vector<std::string> arguments = row.arguments;
  arguments.insert(arguments.end(), {"--as", "ben", "--reason", "because", "--yes"});
  CHECK(night.Run(arguments).exit_code == 0);
  CHECK(night.acted().act() == row.act);
  CHECK(night.acted().step() == row.step);
  CHECK(night.acted().by() == "ben");
  CHECK(night.acted().reason() == "because");
  if (row.act != v1::ACT_RESOLVE) return;
  CHECK(night.acted().host() == "source-0");
  CHECK(night.acted().outcome() == hamisha::agent::v1::OUTCOME_FAILED);
}

TEST_CASE("a run that asks people ends status with 8", "[cli]") {
  Night night;
  CHECK(night.Run({"status"}).exit_code == 8);
  night.orchestrator.view.mutable_steps(0)->set_state("succeeded");
  CHECK(night.Run({"status"}).exit_code == 0);
}

TEST_CASE("an auditor checks a report's signatures with ssh-keygen alone", "[cli]") {
  Night night;
  REQUIRE(
      night
          .Run({"approve", "r1", "go", "--as", "asha", "--key", night.keys.PathOf("asha"), "--yes"})
          .exit_code == 0);
  *night.orchestrator.view.add_acts() = night.acted();
  const std::string folder = night.keys.PathOf("audit");
  const Ended commands = night.Run({"report", "r1", "--approvals", folder});
  CHECK(commands.exit_code == 0);
  const auto check = [&] {
    const auto shell = base::SystemCommandRunner().Start(
        {.arguments = {"/bin/sh", "-ec", commands.output}, .output = folder + "/said"});
    return (*shell)->Wait();
  };
  CHECK(check() == 0);
  CHECK(absl::StrContains(base::SystemFileSystem().Read(folder + "/said").value(),
                          "Good \"hamisha-approval@v1\" signature for asha"));
  REQUIRE(base::SystemFileSystem().Replace(folder + "/1-approve-go-asha.json", "{}").ok());
  CHECK(check() != 0);
}

}  // namespace
}  // namespace orchestrator
