#include "lab/rehearsal/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "orchestrator/engine/cutovers.h"

namespace lab {
namespace {

namespace api = hamisha::orchestrator::v1;
namespace ledger_api = hamisha::ledger::v1;

constexpr int kExitOk = 0;
constexpr int kExitError = 1;
constexpr int kExitRefused = 3;
constexpr int kExitMismatch = 5;
constexpr int kExitRolledBack = 6;
constexpr int kExitUnknown = 7;

// The newest of the shard's seals that one of the sources signed: that is what was compared.
std::optional<ledger_api::SealStatement> SealOf(const api::RunView& run, uint32_t shard,
                                                const std::string& epoch) {
  std::optional<ledger_api::SealStatement> newest;
  for (const ledger_api::Signed& certificate : run.certificates()) {
    ledger_api::SealStatement statement;
    if (certificate.type() != "hamisha.seal.v1" ||
        !statement.ParseFromString(certificate.payload()) || statement.shard() != shard) {
      continue;
    }
    if (!epoch.empty() && absl::StrCat(statement.epoch()) != epoch) continue;
    if (!newest || newest->epoch() < statement.epoch()) newest = statement;
  }
  return newest;
}

std::string Fact(const api::HostView& host, const char* name) {
  const auto found = host.facts().find(name);
  return found == host.facts().end() ? "" : found->second;
}

// Compares what the comparing node found itself with what was sealed, or with what the other side
// answered to a challenge before.
void JudgeRoots(const api::RunView& run, ShardResult& result) {
  if (const auto seal = SealOf(run, result.shard, "")) {
    result.state_root = base::ToHex(absl::string_view(seal->state_root()));
  }
  for (const api::StepView& step : run.steps()) {
    if (step.back() || step.action() != "ledger.challenge") continue;
    for (const api::HostView& host : step.hosts()) {
      if (Fact(host, "shard") != absl::StrCat(result.shard)) continue;
      result.root_equal = Fact(host, "digest") == Fact(host, "digest_there");
    }
  }
  for (const api::StepView& step : run.steps()) {
    if (step.back() || step.action() != "ledger.compare") continue;
    for (const api::HostView& host : step.hosts()) {
      if (Fact(host, "shard") != absl::StrCat(result.shard)) continue;
      const std::string found = Fact(host, "state_root");
      const auto seal = SealOf(run, result.shard, Fact(host, "epoch"));
      if (found.empty() || !seal) continue;
      result.state_root = base::ToHex(absl::string_view(seal->state_root()));
      result.root_equal = host.state() == "succeeded" && found == result.state_root;
    }
  }
}

}  // namespace

absl::StatusOr<CheckResult> ParseCheck(const std::string& json) {
  const auto root = nlohmann::json::parse(json, nullptr, false);
  CheckResult check;
  if (!root.is_object()) {
    return absl::InvalidArgumentError("the checker's result is not a JSON object");
  }
  const auto required = {std::make_pair("acknowledged", &check.acknowledged),
                         std::make_pair("lost", &check.lost),
                         std::make_pair("duplicated", &check.duplicated),
                         std::make_pair("wrong_balances", &check.wrong_balances),
                         std::make_pair("refused_found", &check.refused_found),
                         std::make_pair("client_errors", &check.client_errors)};
  for (const auto& [name, value] : required) {
    if (!root.contains(name) || !root[name].is_number_unsigned()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the checker's result has no count '", name, "': ", json));
    }
    *value = root[name].get<uint64_t>();
  }
  check.write_pause_ms = root.value("write_pause_ms", 0.0);
  const bool counted =
      check.lost + check.duplicated + check.wrong_balances + check.refused_found > 0;
  check.sound = counted || root.value("holds", true);
  const auto latency = root.value("latency_ms", nlohmann::json::object());
  check.latency_p50_ms = latency.value("p50", 0.0);
  check.latency_p99_ms = latency.value("p99", 0.0);
  check.latency_max_ms = latency.value("max", 0.0);
  return check;
}

ShardResult JudgeShard(const api::RunView& run, uint32_t shard,
                       const std::vector<ledger_api::NodeStatus>& nodes) {
  ShardResult result;
  result.shard = shard;
  const ledger_api::NodeStatus* writer = nullptr;
  for (const ledger_api::NodeStatus& node : nodes) {
    if (node.shard() != shard || node.role() != ledger_api::ROLE_PRIMARY) continue;
    if (writer == nullptr || writer->epoch() < node.epoch()) writer = &node;
  }
  JudgeRoots(run, result);
  for (const ledger_api::NodeStatus& node : nodes) {
    if (node.shard() == shard && node.state_differs()) result.root_equal = false;
  }
  if (writer == nullptr) return result;
  result.writer = writer->node_id();
  result.writer_site = result.writer.substr(0, result.writer.rfind('-'));
  result.epoch = writer->epoch();
  result.position = writer->position();
  for (const ledger_api::NodeStatus& node : nodes) {
    if (node.shard() != shard || node.following() != result.writer) continue;
    result.follower = node.node_id();
    result.logs_equal =
        node.position() == writer->position() && node.log_hash() == writer->log_hash();
  }
  return result;
}

std::vector<std::string> Complaints(const RehearsalResult& result) {
  std::vector<std::string> complaints;
  const auto count = [&](uint64_t number, const char* what) {
    if (number > 0) complaints.push_back(absl::StrCat(number, " ", what));
  };
  count(result.check.lost, "acknowledged transfers are LOST");
  count(result.check.duplicated, "movements of money happened TWICE");
  count(result.check.wrong_balances, "accounts have WRONG BALANCES");
  count(result.check.refused_found, "refused transfers are THERE");
  if (!result.check.sound)
    complaints.emplace_back("the checker is not content: see load/check.json");
  for (const std::string& violation : result.violations) {
    complaints.push_back(absl::StrCat("TWO WRITERS: ", violation));
  }
  for (const std::string& end : result.unexpected_ends) {
    complaints.push_back(absl::StrCat("a process fell over: ", end));
  }
  for (const std::string& fault : result.faults_never) {
    complaints.push_back(absl::StrCat("a fault's moment never came: ", fault));
  }
  for (const std::string& undo : result.undos_missing) {
    complaints.push_back(absl::StrCat("a way back is NOT PROVED: ", undo));
  }
  const bool succeeded = result.run.state() == api::RUN_STATE_SUCCEEDED;
  if (succeeded) count(result.check.client_errors, "client errors");
  for (const ShardResult& shard : result.shards) {
    const bool broken =
        succeeded && (shard.writer_site != "target" || !shard.root_equal.value_or(false) ||
                      (!shard.follower.empty() && !shard.logs_equal));
    if (broken) {
      complaints.push_back(
          absl::StrCat("shard ", shard.shard, ": the run succeeded, but the nodes say otherwise"));
    }
  }
  return complaints;
}

int ExitCode(const RehearsalResult& result) {
  if (!Complaints(result).empty()) return kExitError;
  const api::RunState state = result.run.state();
  if (state == api::RUN_STATE_SUCCEEDED) {
    const auto& certificates = result.run.certificates();
    return orchestrator::CutoverContradictions({certificates.begin(), certificates.end()}).empty()
               ? kExitOk
               : kExitMismatch;
  }
  // Going back is what was asked for.
  if (state == api::RUN_STATE_ROLLED_BACK && result.coverage.has_value()) return kExitOk;
  if (state == api::RUN_STATE_ROLLED_BACK) return kExitRolledBack;
  if (state == api::RUN_STATE_STOPPED && result.run.refused()) return kExitRefused;
  if (state == api::RUN_STATE_STOPPED) return result.run.mismatch() ? kExitMismatch : kExitError;
  return kExitUnknown;
}

}  // namespace lab
