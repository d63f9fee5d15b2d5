#include "simulation/scenario.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/playbook/document.h"
#include "orchestrator/playbook/fields.h"

namespace simulation {
namespace {

using namespace hamisha::orchestrator::v1;  // NOLINT(google-build-using-namespace): run states.
using orchestrator::Fields;
using orchestrator::Problems;
using orchestrator::TextPlace;
using orchestrator::Value;

constexpr uint64_t kSeedsMax = 1'000'000;

std::string TextOf(const Value* value, absl::string_view key, Problems& problems) {
  return value == nullptr ? "" : orchestrator::ReadText(*value, key, problems).value_or("");
}

absl::Duration DurationOf(Fields& fields, absl::string_view key, absl::Duration otherwise,
                          Problems& problems) {
  const Value* const value = fields.Optional(key);
  if (value == nullptr) return otherwise;
  return orchestrator::ReadDuration(*value, key, problems).value_or(otherwise);
}

uint64_t NumberOf(Fields& fields, absl::string_view key, uint64_t otherwise, uint64_t largest,
                  Problems& problems) {
  const Value* const value = fields.Optional(key);
  if (value == nullptr) return otherwise;
  return orchestrator::ReadNumber(*value, key, largest, problems).value_or(otherwise);
}

// What goes wrong, of the keys that say so; exactly one is there.
void ReadWhat(Fields& fields, Fault& fault, ScenarioReading& reading, Problems& problems) {
  const auto name = [&](Named::Kind kind, const Value* value, const char* key) {
    std::string text = TextOf(value, key, problems);
    reading.names.push_back({kind, text, value == nullptr ? TextPlace() : value->place});
    return text;
  };
  if (const Value* what = fields.Optional("crash")) {
    fault.kind = Fault::Kind::kCrash;
    fault.what = name(Named::Kind::kProcess, what, "crash");
  } else if (const Value* both = fields.Optional("cut")) {
    fault.kind = Fault::Kind::kCut;
    const std::vector<Value>* const list = orchestrator::ReadList(*both, "cut", problems);
    if (list == nullptr) return;
    if (list->size() != 2) return problems.Add(both->place, "cut: two hosts or sites");
    fault.what = name(Named::Kind::kHost, &list->front(), "cut");
    fault.other = name(Named::Kind::kHost, &list->back(), "cut");
  } else if (fields.Optional("takeover") != nullptr) {
    fault.kind = Fault::Kind::kTakeover;
  } else if (fields.Optional("rollback") != nullptr) {
    fault.kind = Fault::Kind::kRollback;
  } else if (fields.Optional("pause") != nullptr) {
    fault.kind = Fault::Kind::kPause;
  } else if (fields.Optional("abort") != nullptr) {
    fault.kind = Fault::Kind::kAbort;
  } else if (fields.Optional("abort_time") != nullptr) {
    fault.kind = Fault::Kind::kAbortTime;
  } else if (fields.Optional("clock_step_back") != nullptr) {
    fault.kind = Fault::Kind::kClock;
    fault.clock_step = -DurationOf(fields, "clock_step_back", absl::ZeroDuration(), problems);
  } else if (const Value* step = fields.Required("fail_step")) {
    reading.scenario.failing_steps.insert(name(Named::Kind::kStep, step, "fail_step"));
  }
}

void ReadFault(const Value& value, ScenarioReading& reading, Problems& problems) {
  Fields fields(value, "fault", problems);
  if (!fields.is_map()) return;
  Fault fault{.kind = Fault::Kind::kCrash, .what = {}, .other = {}};
  Scenario& scenario = reading.scenario;
  const size_t failing = scenario.failing_steps.size();
  ReadWhat(fields, fault, reading, problems);
  if (const Value* step = fields.Optional("in_step")) {
    fault.step = TextOf(step, "in_step", problems);
    reading.names.push_back({Named::Kind::kStep, fault.step, step->place});
  }
  fault.after = DurationOf(fields, "after", absl::ZeroDuration(), problems);
  fault.duration = DurationOf(fields, "for", absl::Seconds(1), problems);
  fields.RefuseOthers();
  if (scenario.failing_steps.size() == failing) scenario.faults.push_back(std::move(fault));
}

void ReadPlatform(Fields& fields, Scenario& scenario, Problems& problems) {
  if (const Value* value = fields.Optional("platform")) {
    Fields platform(*value, "platform", problems);
    scenario.shards = static_cast<uint32_t>(NumberOf(platform, "shards", 2, 16, problems));
    scenario.gateways = static_cast<uint32_t>(NumberOf(platform, "gateways", 1, 16, problems));
    platform.RefuseOthers();
  }
  if (const Value* value = fields.Optional("workload")) {
    Fields workload(*value, "workload", problems);
    scenario.workload.writes_per_s =
        static_cast<double>(NumberOf(workload, "writes_per_s", 10, 100'000, problems));
    scenario.workload.writes_max =
        static_cast<uint32_t>(NumberOf(workload, "writes", 60, 1'000'000, problems));
    workload.RefuseOthers();
    if (scenario.workload.writes_per_s == 0) {
      problems.Add(value->place, "'writes_per_s' is 0: write at least 1, or 'writes: 0'");
    }
  }
}

const std::set<std::string>& Ends() {
  static const auto& ends =
      *new std::set<std::string>{EndName(RUN_STATE_SUCCEEDED), EndName(RUN_STATE_ROLLED_BACK),
                                 EndName(RUN_STATE_STOPPED), EndName(RUN_STATE_UNKNOWN)};
  return ends;
}

void ReadExpectation(Fields& fields, Scenario& scenario, Problems& problems) {
  const Value* const value = fields.Required("expect");
  if (value == nullptr) return;
  Fields expect(*value, "expect", problems);
  if (const Value* ends = expect.Required("ends")) {
    for (const auto& end : orchestrator::ReadNames(*ends, "ends", false, problems)
                               .value_or(std::vector<orchestrator::Located>())) {
      if (!Ends().contains(end.text)) {
        problems.Add(end.place, absl::StrCat("no run ends '", end.text, "': write ",
                                             absl::StrJoin(Ends(), ", ")));
      }
      scenario.ends.insert(end.text);
    }
  }
  scenario.wait_max = DurationOf(expect, "wait_max", absl::InfiniteDuration(), problems);
  expect.RefuseOthers();
}

void CheckWord(Fields& fields, const char* key, const char* word, Problems& problems) {
  const Value* value = fields.Required(key);
  if (value == nullptr || TextOf(value, key, problems) == word) return;
  problems.Add(value->place, absl::StrCat("'", key, "' is not '", word, "': write ", word));
}

void ReadAll(const Value& root, ScenarioReading& reading, Problems& problems) {
  Scenario& scenario = reading.scenario;
  Fields fields(root, "scenario", problems);
  if (!fields.is_map()) return;
  CheckWord(fields, "apiVersion", "hamisha/v1", problems);
  CheckWord(fields, "kind", "Scenario", problems);
  if (const Value* value = fields.Required("metadata")) {
    Fields metadata(*value, "metadata", problems);
    scenario.name = TextOf(metadata.Required("name"), "name", problems);
    scenario.description = TextOf(metadata.Required("description"), "description", problems);
    metadata.RefuseOthers();
  }
  scenario.playbook = TextOf(fields.Required("playbook"), "playbook", problems);
  ReadPlatform(fields, scenario, problems);
  scenario.seeds = NumberOf(fields, "seeds", 1, kSeedsMax, problems);
  if (scenario.seeds == 0) problems.Add(root.place, "'seeds' is 0: play at least one");
  if (const Value* value = fields.Optional("faults")) {
    if (const auto* list = orchestrator::ReadList(*value, "faults", problems)) {
      for (const Value& fault : *list) ReadFault(fault, reading, problems);
    }
  }
  ReadExpectation(fields, scenario, problems);
  fields.RefuseOthers();
}

}  // namespace

ScenarioReading ReadScenario(const std::string& path, const std::string& yaml) {
  Problems problems(path);
  ScenarioReading reading;
  const auto root = orchestrator::ReadDocument(yaml, problems);
  if (root.has_value()) ReadAll(*root, reading, problems);
  reading.diagnostics = problems.InOrder();
  return reading;
}

std::vector<orchestrator::Diagnostic> CheckNames(const std::string& path,
                                                 const std::vector<Named>& names,
                                                 const orchestrator::Plan& plan) {
  std::map<Named::Kind, std::set<std::string>> known;
  for (const auto& step : plan.steps) known[Named::Kind::kStep].insert(step.id);
  known[Named::Kind::kProcess] = {"orchestrator"};
  known[Named::Kind::kHost] = {"orchestrator", "clients"};
  for (const auto& host : plan.hosts) {
    const char* const process = host.kind == "gateway" ? "gateway:" : "node:";
    for (const char* const what : {process, "agent:", "host:"}) {
      known[Named::Kind::kProcess].insert(absl::StrCat(what, host.name));
    }
    known[Named::Kind::kHost].insert(host.name);
    known[Named::Kind::kHost].insert(absl::StrCat("site:", host.site));
  }
  Problems problems(path);
  for (const Named& named : names) {
    if (known[named.kind].contains(named.text)) continue;
    problems.Add(named.place, absl::StrCat("the plan has no '", named.text, "': write ",
                                           absl::StrJoin(known[named.kind], ", ")));
  }
  return problems.InOrder();
}

std::string EndName(RunState state) {
  if (state == RUN_STATE_SUCCEEDED) return "succeeded";
  if (state == RUN_STATE_ROLLED_BACK) return "rolled_back";
  if (state == RUN_STATE_STOPPED) return "stopped";
  return state == RUN_STATE_UNKNOWN ? "unknown" : "not_ended";
}

WorldOptions ToWorldOptions(const Scenario& scenario,
                            std::shared_ptr<const orchestrator::Plan> plan, uint64_t seed) {
  WorldOptions options;
  options.plan = std::move(plan);
  options.seed = seed;
  options.workload = scenario.workload;
  options.faults = scenario.faults;
  options.failing_steps = scenario.failing_steps;
  return options;
}

std::string Unexpected(const Scenario& scenario, const WorldResult& result) {
  if (result.broken.has_value()) {
    return absl::StrCat("broken: ", result.broken->promise, ": ", result.broken->how);
  }
  const std::string end = EndName(result.state);
  if (!scenario.ends.contains(end)) {
    return absl::StrCat("it ended ", end, ", not ", absl::StrJoin(scenario.ends, " or "), ": ",
                        result.explanation);
  }
  if (result.longest_wait > scenario.wait_max) {
    return absl::StrCat("a write was answered after ", absl::FormatDuration(result.longest_wait));
  }
  return "";
}

}  // namespace simulation
