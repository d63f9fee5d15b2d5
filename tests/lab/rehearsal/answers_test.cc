#include "lab/rehearsal/answers.h"

#include "absl/strings/str_cat.h"
#include "tests/lab/rehearsal/run_views.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;

constexpr char kPeople[] = R"(
  people { name: "asha" roles: "ops" }
  people { name: "ben" roles: "business" }
  people { name: "chen" roles: "ops" roles: "business" })";

api::RunView Asking(const std::string& asked) {
  return RunOf(absl::StrCat(kPeople, R"( state: RUN_STATE_RUNNING author: "asha"
    steps { id: "facts" state: "succeeded" }
    steps { id: "go" state: "awaiting" asked { )",
                            asked, " } }"));
}

std::string NameOf(const api::RunView& run, bool abort_held = false) {
  const auto act = NextAnswer(run, abort_held);
  REQUIRE(act.ok());
  if (!act->has_value()) return "nobody";
  return absl::StrCat((*act)->by(), " ", api::Act_Name((*act)->act()), " ", (*act)->step());
}

TEST_CASE("a gate is approved by whoever holds what is missing, never by the author",
          "[rehearsal]") {
  CHECK(
      NameOf(Asking(R"(roles: "ops" roles: "business" roles_missing: "ops" people_missing: 2)")) ==
      "chen ACT_APPROVE go");
  CHECK(NameOf(Asking(R"(roles: "ops" roles: "business" people_missing: 1
                         acts { act: ACT_APPROVE by: "chen" })")) == "ben ACT_APPROVE go");
}

TEST_CASE("who submitted the run does not approve it", "[rehearsal]") {
  api::RunView run = Asking(R"(roles: "business" roles_missing: "business" people_missing: 1)");
  run.set_submitted_by("ben");
  CHECK(NameOf(run) == "chen ACT_APPROVE go");
}

TEST_CASE("a gate that nobody of the lab can pass is an error that says so", "[rehearsal]") {
  const auto act =
      NextAnswer(Asking(R"(roles: "network" roles_missing: "network" people_missing: 1)"), false);
  CHECK_THAT(std::string(act.status().message()), Catch::Contains("add some to the lab file"));
}

TEST_CASE("a point of no return is completed by one after the other", "[rehearsal]") {
  CHECK(NameOf(Asking("people_missing: 2")) == "asha ACT_COMPLETE go");
  CHECK(NameOf(Asking(R"(people_missing: 1 acts { act: ACT_COMPLETE by: "asha" })")) ==
        "ben ACT_COMPLETE go");
}

TEST_CASE("what is held is taken back, and aborted where there is no way back", "[rehearsal]") {
  api::RunView run = RunOf(absl::StrCat(
      kPeople, R"( state: RUN_STATE_RUNNING steps { id: "seal" state: "unknown" held: true })"));
  CHECK(NameOf(run) == "asha ACT_ROLLBACK ");
  CHECK(NameOf(run, true) == "asha ACT_ABORT ");
  run.set_past_no_return(true);
  CHECK(NameOf(run) == "asha ACT_ABORT ");
}

TEST_CASE("where nothing is asked nobody answers", "[rehearsal]") {
  api::RunView run = Asking(R"(roles: "ops" people_missing: 1)");
  run.mutable_steps(1)->set_state("succeeded");
  CHECK(NameOf(run) == "nobody");
  run = Asking(R"(roles: "ops" people_missing: 1)");
  run.set_state(api::RUN_STATE_ROLLING_BACK);
  CHECK(NameOf(run) == "nobody");
}

}  // namespace
}  // namespace lab
