// The playbook that `hamisha preflight` runs.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/host.pb.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "orchestrator/cli/preflight.h"

namespace orchestrator {
namespace {

namespace action = hamisha::action::v1;
namespace pb = google::protobuf;
using nlohmann::json;

constexpr absl::Duration kReadinessTimeout = absl::Seconds(20);

// The fields that are set, as a playbook writes them.
json WithOf(const pb::Message& message) {
  json with = json::object();
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* const field : fields) {
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
      with[field->name()] = reflection.GetString(message, field);
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT64) {
      with[field->name()] = reflection.GetUInt64(message, field);
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL) {
      with[field->name()] = reflection.GetBool(message, field);
    } else if (field->message_type() == pb::Duration::descriptor()) {
      pb::Duration duration;
      duration.CopyFrom(reflection.GetMessage(message, field));
      with[field->name()] =
          absl::StrCat(duration.seconds() * 1'000'000 + duration.nanos() / 1'000, "us");
    }
  }
  return with;
}

class Writer {
 public:
  Writer(const Plan& plan, const std::set<std::string>& connected)
      : plan_(plan), connected_(connected) {}

  std::string Write() {
    std::vector<std::string> before = WriteReadiness();
    std::vector<std::string> facts;
    for (const PlannedStep& step : plan_.steps) {
      if (step.apply.action != "host.facts") continue;
      Add(step.apply, action::HostFacts(), Connected(step.apply), before, &facts);
    }
    for (const PlannedStep& step : plan_.steps) {
      action::HostCompare compare;
      if (!step.apply.message.UnpackTo(&compare)) continue;
      Add(step.apply, compare, Comparable(step.apply, compare.from()), facts, nullptr);
    }
    if (steps_.empty()) return "";
    return absl::StrCat(
        "apiVersion: hamisha/v1\nkind: Playbook\n"
        "metadata: {name: preflight, description: Looks for what would block a freeze}\n"
        "phases:\n  - name: check\n    on_failure: continue\n    steps:\n",
        steps_);
  }

 private:
  // As the plan's own steps want it, else as its first seal needs it. Before the disks are tried.
  std::vector<std::string> WriteReadiness() {
    std::vector<std::string> written;
    for (const PlannedStep& step : plan_.steps) {
      action::LedgerReadiness ledger;
      if (step.apply.message.UnpackTo(&ledger)) {
        ledger.set_replicas_may_be_missing(true);
        Add(step.apply, ledger, Connected(step.apply), {}, &written);
      }
      action::GatewayReadiness gateway;
      if (step.apply.message.UnpackTo(&gateway)) {
        Add(step.apply, gateway, Connected(step.apply), {}, &written);
      }
    }
    const auto seal = std::find_if(plan_.steps.begin(), plan_.steps.end(), [](const auto& step) {
      return step.apply.action == "ledger.seal";
    });
    if (!written.empty() || seal == plan_.steps.end()) return written;
    return WriteReadinessFor(seal->apply);
  }

  std::vector<std::string> WriteReadinessFor(const PlannedAction& seal) {
    action::LedgerSeal with;
    seal.message.UnpackTo(&with);
    const std::string from = plan_.hosts[seal.hosts.front()].site;
    PlannedAction ledgers = OfKind("ledger", {from, with.to()});
    ledgers.action = "ledger.readiness";
    action::LedgerReadiness ledger;
    ledger.set_from(from);
    ledger.set_to(with.to());
    ledger.set_replicas_may_be_missing(true);
    PlannedAction gateways = OfKind("gateway", {});
    gateways.action = "gateway.readiness";
    action::GatewayReadiness gateway;
    gateway.set_from(from);
    std::vector<std::string> written;
    Add(ledgers, ledger, Connected(ledgers), {}, &written);
    Add(gateways, gateway, Connected(gateways), {}, &written);
    return written;
  }

  // Of these sites; of all when none is named.
  PlannedAction OfKind(const std::string& kind, const std::set<std::string>& sites) const {
    PlannedAction planned;
    planned.timeout = kReadinessTimeout;
    for (uint32_t host = 0; host < plan_.hosts.size(); ++host) {
      const bool is_there = sites.empty() || sites.contains(plan_.hosts[host].site);
      if (plan_.hosts[host].kind == kind && is_there) planned.hosts.push_back(host);
    }
    return planned;
  }

  std::vector<std::string> Connected(const PlannedAction& planned) const {
    std::vector<std::string> hosts;
    for (const uint32_t host : planned.hosts) {
      const std::string& name = plan_.hosts[host].name;
      if (connected_.contains(name)) hosts.push_back(name);
    }
    return hosts;
  }

  // Those whose shard's host on the other site can be asked, too.
  std::vector<std::string> Comparable(const PlannedAction& planned, const std::string& from) const {
    std::vector<std::string> hosts;
    for (const std::string& name : Connected(planned)) {
      const auto is_asked = [&](const auto& shard) {
        const auto has = [&](auto is) {
          return std::any_of(shard.nodes().begin(), shard.nodes().end(), is);
        };
        return has([&](const auto& node) { return node.host() == name; }) &&
               has([&](const auto& node) {
                 return node.site() == from && connected_.contains(node.host());
               });
      };
      if (std::any_of(plan_.shards.begin(), plan_.shards.end(), is_asked)) hosts.push_back(name);
    }
    return hosts;
  }

  // Nothing without hosts, and what is asked already is not asked again. The step's id is added to
  // `ids`. JSON is YAML too, and quotes whatever
  // names need it.
  void Add(const PlannedAction& planned, const pb::Message& with,
           const std::vector<std::string>& hosts, const std::vector<std::string>& needs,
           std::vector<std::string>* ids) {
    if (hosts.empty()) return;
    const std::string asked = absl::StrCat(planned.action, json(hosts).dump(), WithOf(with).dump());
    if (!asked_.insert(asked).second) return;
    const std::string id = absl::StrCat("check_", ++written_);
    if (ids != nullptr) ids->push_back(id);
    absl::StrAppend(&steps_, "      - {id: ", id, ", action: ", planned.action,
                    ", hosts: ", json(hosts).dump(), ", needs: ", json(needs).dump(),
                    ", with: ", WithOf(with).dump(),
                    ", timeout: ", absl::ToInt64Milliseconds(planned.timeout), "ms}\n");
  }

  const Plan& plan_;
  const std::set<std::string>& connected_;
  std::string steps_;
  std::set<std::string> asked_;
  int written_ = 0;
};

}  // namespace

std::string PreflightPlaybook(const Plan& plan, const std::set<std::string>& connected) {
  return Writer(plan, connected).Write();
}

}  // namespace orchestrator
