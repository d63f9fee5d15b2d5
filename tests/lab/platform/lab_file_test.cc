#include "lab/platform/lab_file.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/file_system.h"
#include "tests/folders.h"

namespace lab {
namespace {

const std::string kHeader = "apiVersion: hamisha/v1\nkind: Lab\n";

TEST_CASE("a lab file says how big, how far, under which load and what goes wrong", "[lab]") {
  const auto lab = ParseLabFile("lab.yaml", kHeader + R"(shards: 4
accounts_per_shard: 100000
gateways: 3
link: {round_trip: 150ms, bandwidth: 200MB/s}
load: {rate: 900, warm_up: 5s, cool_down: 4s, seed: 7}
machines: {target: {open_files: 256, clock_ahead: 5s}}
faults:
  - {after_step: start_replication, flip_state_bit: {site: target, shard: 3}}
  - {at_step: seal, cut_link: {for: 5s}}
  - {after_step: open, cut_link: {for: forever}}
  - {at_step: seal, slow_link: {bandwidth: 10kB/s, for: 5s}}
  - after_step: compare
    kill: {process: orchestrator, restart_after: 1s}
)");
  REQUIRE(lab.ok());
  CHECK(lab->shards == 4);
  CHECK(lab->accounts_per_shard == 100'000);
  CHECK(lab->gateways == 3);
  CHECK(lab->link.round_trip == absl::Milliseconds(150));
  CHECK(lab->link.bandwidth_bytes_per_s == 200'000'000);
  CHECK(lab->load.rate_per_s == 900);
  CHECK(lab->load.cool_down == absl::Seconds(4));
  CHECK(lab->load.seed == 7);
  CHECK(lab->clock_ahead == std::map<std::string, absl::Duration>{{"target", absl::Seconds(5)}});
  CHECK(lab->open_files_max == std::map<std::string, uint64_t>{{"target", 256}});
  REQUIRE(lab->faults.size() == 5);
  CHECK(std::get<FlipStateBit>(lab->faults[0].what).shard == 3);
  CHECK(lab->faults[1].at_start);
  CHECK(std::get<CutLink>(lab->faults[2].what).length == absl::InfiniteDuration());
  CHECK(ToString(lab->faults[3]) == "slow the link to 150ms and 10000 B/s for 5s");
  CHECK(ToString(lab->faults[4]) == "kill -9 orchestrator, start it again after 1s");
}

TEST_CASE("every mistake in a lab file is named with its place and its remedy", "[lab]") {
  struct Row {
    const char* what;
    const char* yaml;
    const char* message;
  };
  const auto row = GENERATE(values<Row>({
      {"unknown key", "shard: 2\n",
       "lab.yaml:3:1: unknown key 'shard' in the lab file: did you mean 'shards'?"},
      {"number out of range", "shards: 0\n",
       "lab.yaml:3:9: 'shards: 0': write a whole number from 1 to 64"},
      {"not a number", "gateways: many\n", "lab.yaml:3:11: 'gateways: many': write a whole"},
      {"time without unit", "link: {round_trip: 150}\n",
       "lab.yaml:3:20: 'round_trip: 150': write a time such as 150ms or 5s"},
      {"bandwidth in bits", "link: {bandwidth: 1Gbit/s}\n", "write bytes a second"},
      {"rate below zero", "load: {rate: -1}\n",
       "lab.yaml:3:14: 'rate: -1': write a number above 0"},
      {"machines of no site", "machines: {gateway: {open_files: 256}}\n",
       "lab.yaml:3:12: unknown key 'gateway' in machines"},
      {"no limit that a ledger could start with", "machines: {target: {open_files: 3}}\n",
       "'open_files: 3': write a whole number from 64 to"},
      {"link is no map", "link: 150ms\n", "lab.yaml:3:7: link is not a map"},
      {"faults is no list", "faults: {after_step: seal}\n", "lab.yaml:3:9: 'faults' is not a list"},
      {"fault without moment", "faults:\n  - cut_link: {for: 5s}\n",
       "lab.yaml:4:5: a fault needs one moment"},
      {"fault that does nothing", "faults:\n  - after_step: seal\n",
       "lab.yaml:4:5: a fault does one thing"},
      {"cut without length", "faults:\n  - {after_step: seal, cut_link: {}}\n",
       "cut_link needs a length"},
      {"slow without length", "faults:\n  - {after_step: seal, slow_link: {bandwidth: 1kB/s}}\n",
       "slow_link needs a length"},
      {"flip of a shard that is not there",
       "faults:\n  - {after_step: a, flip_state_bit: {site: target, shard: 2}}\n",
       "write a whole number from 0 to 1"},
      {"flip on no site", "faults:\n  - {after_step: a, flip_state_bit: {site: here}}\n",
       "write 'site: source' or 'site: target'"},
      {"kill of what is not there", "faults:\n  - {after_step: a, kill: {process: ledger-2}}\n",
       "no process 'ledger-2' in this lab: write one of ledger-0-source"},
      {"people is no list", "people: asha\n", "lab.yaml:3:9: 'people' is not a list"},
      {"a person without a role", "people:\n  - {name: asha}\n",
       "lab.yaml:4:5: a person needs a name of their own and roles"},
      {"two of one name", "people:\n  - {name: a, roles: [ops]}\n  - {name: a, roles: [ops]}\n",
       "lab.yaml:5:5: a person needs a name of their own"},
      {"no YAML", "link: {round_trip: 150ms\n", "lab.yaml:4:1: "},
  }));
  DYNAMIC_SECTION(row.what) {
    const auto lab = ParseLabFile("lab.yaml", kHeader + row.yaml);
    REQUIRE(lab.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK_THAT(std::string(lab.status().message()), Catch::Contains(row.message));
  }
}

TEST_CASE("whoever wrote the playbook, the others of a lab hold ops and business", "[lab]") {
  const LabFile lab;
  for (const LabPerson& author : lab.people) {
    std::set<std::string> roles;
    for (const LabPerson& person : lab.people) {
      if (person.name != author.name) roles.insert(person.roles.begin(), person.roles.end());
    }
    CAPTURE(author.name);
    CHECK(roles == std::set<std::string>{"business", "ops"});
  }
}

TEST_CASE("a lab file may name its people", "[lab]") {
  const auto lab = ParseLabFile(
      "lab.yaml", kHeader + std::string("people:\n  - {name: dora, roles: [network, ops]}\n"));
  REQUIRE(lab.ok());
  REQUIRE(lab->people.size() == 1);
  CHECK(lab->people[0].roles == std::vector<std::string>{"network", "ops"});
}

TEST_CASE("all mistakes are told at once", "[lab]") {
  const auto lab = ParseLabFile("lab.yaml", "kind: Laboratory\nshards: x\nlod: {}\n");
  const std::string message(lab.status().message());
  CHECK_THAT(message, Catch::Contains("apiVersion: hamisha/v1"));
  CHECK_THAT(message, Catch::Contains("kind: Lab"));
  CHECK_THAT(message, Catch::Contains("'shards: x'"));
  CHECK_THAT(message, Catch::Contains("did you mean 'load'?"));
}

TEST_CASE("the weekend's lab is the seed story's platform", "[lab]") {
  const auto yaml = base::SystemFileSystem().Read(SourceFolder() + "/lab/weekend.yaml");
  REQUIRE(yaml.ok());
  const auto lab = ParseLabFile("lab/weekend.yaml", *yaml);
  REQUIRE(lab.ok());
  CHECK(lab->shards == 2);
  CHECK(lab->accounts_per_shard == 100'000);
  CHECK(lab->load.rate_per_s == 900);
  CHECK(lab->link.round_trip == absl::Milliseconds(150));
  CHECK(lab->faults.empty());
}

TEST_CASE("processes have names", "[lab]") {
  LabFile lab;
  lab.shards = 1;
  lab.gateways = 1;
  CHECK(ProcessNames(lab) == std::vector<std::string>{"ledger-0-source", "ledger-0-target",
                                                      "gateway-0", "orchestrator", "agent-source-0",
                                                      "agent-target-0", "agent-gateway-0"});
}

}  // namespace
}  // namespace lab
