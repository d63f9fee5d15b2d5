// host.facts, host.compare.
#include "agents/drivers/host/drivers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agents/drivers/host/disk_speed.h"
#include "agents/drivers/host/drift.h"
#include "agents/drivers/host/machine.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/host.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace ledger_pb = ::hamisha::ledger::v1;
using hamisha::agent::v1::HostFacts;
using hamisha::agent::v1::Order;
using Result = ::hamisha::agent::v1::OrderResult;

// Neither leaves anything behind that a probe could find: it is simply done again.
Result DoAgain() { return Failed("it changes nothing and may be done again"); }

class FactsDriver final : public ActionDriver<action::HostFacts> {
 public:
  FactsDriver(NodeStub node, AgentProgram agent, base::FileSystem& files)
      : node_(std::move(node)), agent_(std::move(agent)), files_(files) {}

 protected:
  Result Check(OrderContext& /*order*/, const action::HostFacts& /*action*/) override {
    return Succeeded(
        "would read what the kernel and the ledger node say, and write 64 MiB beside "
        "the ledger's data, which are gone afterwards");
  }

  Result Apply(OrderContext& order, const action::HostFacts& /*action*/) override {
    const auto node = CallUntilAnswered<ledger_pb::NodeDescription>(
        order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
          return node_->Describe(client, ledger_pb::DescribeRequest(), response);
        });
    if (!node.ok()) return ReadError("asking the ledger node what it is", node.status());
    HostFacts facts;
    facts.set_host(order.order().key().host());
    facts.set_agent_version(agent_.version);
    facts.set_agent_sha256(agent_.sha256);
    *facts.mutable_node() = *node;
    if (const auto sha256 = ProgramSha256(node->pid()); sha256.ok()) {
      facts.set_ledger_sha256(*sha256);
    }
    ReadMachine(facts);
    const auto speed = MeasureDiskWrite(files_, order.clock(), DataFolderOf(*node));
    if (speed.ok()) facts.set_disk_write_bytes_per_s(*speed);
    if (!speed.ok()) facts.set_disk_problem(std::string(speed.status().message()));
    return ResultOf(std::move(facts));
  }

  Result Probe(OrderContext& /*order*/, const action::HostFacts& /*action*/) override {
    return DoAgain();
  }

 private:
  static Result ResultOf(HostFacts facts) {
    std::vector<std::string> told;
    Result result = Succeeded("");
    for (const auto& [name, value] : FactsOf(facts)) {
      (*result.mutable_facts())[name] = value;
      if (name == "ledger_version") told.push_back(absl::StrCat("hamisha-ledger ", value));
      if (name == "kernel_release") told.push_back(absl::StrCat("kernel ", value));
      if (name == "disk_space") told.push_back(value);
      if (name == "disk_write_speed") told.push_back(absl::StrCat("writes ", value));
    }
    if (!facts.disk_problem().empty()) {
      told.push_back(absl::StrCat("the disk's speed is not known: ", facts.disk_problem()));
    }
    result.set_message(absl::StrJoin(told, ", "));
    *result.mutable_host() = std::move(facts);
    return result;
  }

  const NodeStub node_;
  const AgentProgram agent_;
  base::FileSystem& files_;
};

// The host on a site that serves the shard of the order's host; "" without one.
std::string CounterpartOf(const Order& order, const std::string& site) {
  for (const auto& shard : order.shards()) {
    for (const auto& node : shard.nodes()) {
      if (node.site() == site && node.host() != order.key().host()) return node.host();
    }
  }
  return "";
}

const HostFacts* FactsOfHost(const Order& order, const std::string& host) {
  const auto found = std::find_if(order.hosts().begin(), order.hosts().end(),
                                  [&](const HostFacts& facts) { return facts.host() == host; });
  return found == order.hosts().end() ? nullptr : &*found;
}

class CompareDriver final : public ActionDriver<action::HostCompare> {
 protected:
  Result Check(OrderContext& order, const action::HostCompare& action) override {
    return Succeeded(absl::StrCat("would compare this server with ",
                                  CounterpartOf(order.order(), action.from())));
  }

  Result Apply(OrderContext& order, const action::HostCompare& action) override {
    const std::string self = order.order().key().host();
    const std::string other = CounterpartOf(order.order(), action.from());
    if (other.empty()) {
      return Failed(absl::StrCat("the shard has no other host on site '", action.from(),
                                 "': correct the inventory or the site's name"));
    }
    const HostFacts* const source = FactsOfHost(order.order(), other);
    const HostFacts* const target = FactsOfHost(order.order(), self);
    if (source == nullptr || target == nullptr) {
      return Failed(absl::StrCat("nothing is known of ", source == nullptr ? other : self,
                                 ": put a step host.facts for both sites before this one"));
    }
    return Judge(CompareHosts(*source, *target), other, self);
  }

  Result Probe(OrderContext& /*order*/, const action::HostCompare& /*action*/) override {
    return DoAgain();
  }

 private:
  static void AddObstacle(const Difference& difference, const std::string& source,
                          const std::string& target, Result& result) {
    auto& obstacle = *result.add_obstacles();
    obstacle.set_what(absl::StrCat("drift of ", difference.fact));
    obstacle.set_found(
        absl::StrCat(difference.source, " on ", source, ", ", difference.target, " on ", target));
    obstacle.set_limit(difference.rule);
    obstacle.set_to_do(difference.blocks ? absl::StrCat("make ", target, " like ", source)
                                         : std::string());
    obstacle.set_blocks(difference.blocks);
  }

  static Result Judge(const std::vector<Difference>& differences, const std::string& source,
                      const std::string& target) {
    Result result = Succeeded("");
    std::vector<std::string> blocking;
    std::vector<std::string> told;
    for (const Difference& difference : differences) {
      const std::string text = Describe(difference, source, target);
      (*result.mutable_facts())[difference.fact] =
          absl::StrCat(difference.blocks ? "blocks; " : "told; ", text);
      AddObstacle(difference, source, target, result);
      (difference.blocks ? blocking : told).push_back(absl::StrCat(difference.fact, ": ", text));
    }
    std::string message = absl::StrCat("as ", source, " in all that matters");
    if (!blocking.empty()) {
      result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
      result.set_refused(true);
      message =
          absl::StrCat("must not take over from ", source, ": ", absl::StrJoin(blocking, "; "));
    }
    if (!told.empty()) absl::StrAppend(&message, ". Only told: ", absl::StrJoin(told, "; "));
    result.set_message(message);
    return result;
  }
};

}  // namespace

void AddHostDrivers(const NodeStub& node, const AgentProgram& agent, base::FileSystem& files,
                    Drivers& drivers) {
  drivers.Add(std::make_unique<FactsDriver>(node, agent, files));
  drivers.Add(std::make_unique<CompareDriver>());
}

}  // namespace agents
