#include "lab/rehearsal/summary.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/lab/rehearsal/run_views.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;
namespace ledger_api = hamisha::ledger::v1;

const std::string kRoot(32, '\x11');
const char* const kRootHex = "1111111111111111111111111111111111111111111111111111111111111111";

ledger_api::NodeStatus NodeOf(const std::string& name, ledger_api::Role role, uint64_t epoch,
                              const std::string& following) {
  ledger_api::NodeStatus status;
  status.set_node_id(name);
  status.set_role(role);
  status.set_epoch(epoch);
  status.set_following(following);
  status.set_position(1'234);
  status.set_log_hash("hash");
  return status;
}

// A run that sealed shard 0 and compared it: the target found `found_hex`.
api::RunView ComparedRun(const std::string& found_hex, const std::string& state) {
  api::RunView run = RunOf(R"(state: RUN_STATE_SUCCEEDED journal: "/lab/journal" run: "r1"
    steps { id: "compare" action: "ledger.compare" phase: "verify" state: ")" +
                           state + R"("
      started { seconds: 1 } ended { seconds: 2 } hosts { host: "target-0" state: ")" +
                           state + R"("
      facts { key: "shard" value: "0" } facts { key: "epoch" value: "1" }
      facts { key: "state_root" value: ")" +
                           found_hex + R"(" } } })");
  ledger_api::SealStatement seal;
  seal.set_shard(0);
  seal.set_epoch(1);
  seal.set_state_root(kRoot);
  ledger_api::Signed& certificate = *run.add_certificates();
  certificate.set_type("hamisha.seal.v1");
  certificate.set_payload(seal.SerializeAsString());
  return run;
}

RehearsalResult GoodWeekend() {
  RehearsalResult result;
  result.run = ComparedRun(kRootHex, "succeeded");
  result.check = {.acknowledged = 12'345, .write_pause_ms = 352};
  result.shards = {JudgeShard(result.run, 0,
                              {NodeOf("source-0", ledger_api::ROLE_REPLICA, 2, "target-0"),
                               NodeOf("target-0", ledger_api::ROLE_PRIMARY, 2, "")})};
  result.primaries_max = 1;
  result.directory = "/lab";
  return result;
}

TEST_CASE("a good weekend ends with 0 and says so to people and programs", "[summary]") {
  const RehearsalResult result = GoodWeekend();
  CHECK(Complaints(result).empty());
  CHECK(ExitCode(result) == 0);
  const auto json = nlohmann::json::parse(ToJson(result));
  CHECK(json["outcome"] == "succeeded");
  CHECK(json["write_pause_ms"] == 352);
  CHECK(json["acknowledged"] == 12'345);
  CHECK(json["lost"] == 0);
  CHECK(json["duplicated"] == 0);
  CHECK(json["client_errors"] == 0);
  CHECK(json["journal"] == "/lab/journal");
  CHECK(json["shards"][0]["root_equal"] == true);
  CHECK(json["shards"][0]["owner"] == "target-0");
  CHECK(json["shards"][0]["state_root"] == kRootHex);
  CHECK(json["phases"][0]["duration_ms"] == 1'000);
  CHECK(json["source_writing_after_ms"].is_null());
  CHECK_THAT(ToText(result), Catch::Contains("acknowledged 12,345, lost 0, duplicated 0") &&
                                 Catch::Contains("target-0 writes (epoch 2, position 1,234), roots "
                                                 "equal, source-0 follows, logs equal"));
}

TEST_CASE("the exit code tells how it ended", "[summary]") {
  struct Row {
    api::RunState state;
    bool mismatch;
    int code;
    bool refused = false;
  };
  const auto row = GENERATE(values<Row>({
      {api::RUN_STATE_SUCCEEDED, false, 0},
      {api::RUN_STATE_ROLLED_BACK, false, 6},
      {api::RUN_STATE_ROLLED_BACK, true, 6},
      {api::RUN_STATE_STOPPED, false, 1},
      {api::RUN_STATE_STOPPED, true, 5},
      {api::RUN_STATE_UNKNOWN, false, 7},
      {api::RUN_STATE_RUNNING, false, 7},
      {api::RUN_STATE_STOPPED, false, 3, true},
  }));
  RehearsalResult result = GoodWeekend();
  result.run.set_state(row.state);
  result.run.set_mismatch(row.mismatch);
  result.run.set_refused(row.refused);
  CAPTURE(row.state, row.mismatch);
  CHECK(ExitCode(result) == row.code);
}

TEST_CASE("whatever breaks a promise is told loudly and ends with 1", "[summary]") {
  struct Row {
    const char* what;
    void (*breaks)(RehearsalResult& result);
  };
  const auto row = GENERATE(values<Row>({
      {"lost", [](RehearsalResult& r) { r.check.lost = 1; }},
      {"duplicated", [](RehearsalResult& r) { r.check.duplicated = 2; }},
      {"balances", [](RehearsalResult& r) { r.check.wrong_balances = 1; }},
      {"refused found", [](RehearsalResult& r) { r.check.refused_found = 1; }},
      {"two writers", [](RehearsalResult& r) { r.violations = {"shard 0: a and b"}; }},
      {"a process fell over", [](RehearsalResult& r) { r.unexpected_ends = {"gateway-0"}; }},
      {"a fault never came", [](RehearsalResult& r) { r.faults_never = {"seal"}; }},
  }));
  RehearsalResult result = GoodWeekend();
  if (GENERATE(true, false)) result.run.set_state(api::RUN_STATE_ROLLED_BACK);
  row.breaks(result);
  CAPTURE(row.what);
  CHECK(Complaints(result).size() == 1);
  CHECK(ExitCode(result) == 1);
  CHECK_THAT(ToText(result), Catch::Contains("WRONG"));
}

TEST_CASE("a run that says succeeded must be true of the nodes", "[summary]") {
  RehearsalResult result = GoodWeekend();
  SECTION("client errors") { result.check.client_errors = 1; }
  SECTION("the source still writes") { result.shards[0].writer_site = "source"; }
  SECTION("roots were not compared") { result.shards[0].root_equal.reset(); }
  SECTION("logs differ") { result.shards[0].logs_equal = false; }
  CHECK(Complaints(result).size() == 1);
  CHECK(ExitCode(result) == 1);
}

TEST_CASE("roots are judged by what the target found itself", "[summary]") {
  const std::string other(64, '2');
  CHECK(JudgeShard(ComparedRun(kRootHex, "succeeded"), 0, {}).root_equal == true);
  CHECK(JudgeShard(ComparedRun(other, "failed"), 0, {}).root_equal == false);
  CHECK(JudgeShard(ComparedRun(other, "succeeded"), 0, {}).root_equal == false);
  CHECK_FALSE(JudgeShard(ComparedRun(kRootHex, "succeeded"), 1, {}).root_equal.has_value());
  CHECK_FALSE(JudgeShard(RunOf(""), 0, {}).root_equal.has_value());
}

TEST_CASE("nobody writes while a shard is sealed", "[summary]") {
  const auto shard = JudgeShard(RunOf(""), 0,
                                {NodeOf("source-0", ledger_api::ROLE_SEALED, 1, ""),
                                 NodeOf("target-0", ledger_api::ROLE_REPLICA, 1, "source-0")});
  CHECK(shard.writer.empty());
  CHECK(shard.follower.empty());
}

TEST_CASE("the checker's result must be complete", "[summary]") {
  const std::string whole = R"({"acknowledged": 7, "lost": 1, "duplicated": 2, "wrong_balances": 3,
    "refused_found": 4, "client_errors": 5, "write_pause_ms": 345.6,
    "latency_ms": {"p50": 1.5, "p99": 4, "max": 400}})";
  const auto check = ParseCheck(whole);
  REQUIRE(check.ok());
  CHECK(check->refused_found == 4);
  CHECK(check->write_pause_ms == Approx(345.6));
  CHECK(check->latency_p50_ms == Approx(1.5));
  for (const char* const broken : {"", "[]", "{\"acknowledged\": 7}", "{\"acknowledged\": -7}"}) {
    CHECK_FALSE(ParseCheck(broken).ok());
  }
}

}  // namespace
}  // namespace lab
