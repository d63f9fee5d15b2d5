// As agents/drivers/readiness, of what there is here: who writes, who follows, who holds.
#include <algorithm>

#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/ledger.pb.h"
#include "simulation/drivers_gateway.h"

namespace simulation {
namespace {

namespace action = ::hamisha::action::v1;

constexpr uint64_t kNearRecords = 2;

void Refuse(const Run& run, const std::string& why) {
  OrderRun::Result result;
  result.set_outcome(hamisha::agent::v1::OUTCOME_FAILED);
  result.set_message(why);
  result.set_refused(true);
  run->Finish(std::move(result));
}

// What is in the way on the node that writes, or is to write; "" when nothing is.
std::string ObstacleOf(const NodeStatus& status, bool writes, const std::string& from) {
  if (!status.fault.empty()) return status.fault;
  const bool is_primary = status.role == ledger::Role::kPrimary;
  if (writes) return is_primary ? "" : "it does not write";
  if (is_primary) return "it writes already";
  if (status.following != from || !status.connected) return "it does not follow the source";
  return status.position + kNearRecords < status.source_position ? "it lags" : "";
}

}  // namespace

void ApplyLedgerReadiness(const Run& run) {
  run->WithStatus([run](const NodeStatus& status) {
    action::LedgerReadiness wanted;
    if (!wanted.ParseFromString(run->order().action().value())) return run->Fail("unreadable");
    const std::string from = NodeOnSite(*run, wanted.from());
    const std::string obstacle = ObstacleOf(status, run->node()->place().id == from, from);
    obstacle.empty() ? run->Succeed("nothing is in the way") : Refuse(run, obstacle);
  });
}

void ApplyGatewayReadiness(const Run& run) {
  if (run->gateway() == nullptr) return run->Fail("this host has no gateway");
  run->Call(
      [run](OrderRun::Reply reply) {
        if (!run->gateway()->life().is_up) return reply(absl::UnavailableError("it is down"));
        reply(NodeAnswer{});
      },
      [run](const absl::StatusOr<NodeAnswer>& answer) {
        if (!answer.ok()) return run->EndRead(answer.status());
        action::GatewayReadiness wanted;
        if (!wanted.ParseFromString(run->order().action().value())) return run->Fail("unreadable");
        for (const auto& context : run->order().shards()) {
          const std::vector<Gateway::Gate> gates = run->gateway()->Gates();
          const auto gate = std::find_if(gates.begin(), gates.end(), [&](const auto& one) {
            return one.shard == context.shard();
          });
          if (gate == gates.end() || gate->holding) return Refuse(run, "it holds writes");
          const auto source =
              std::find_if(context.nodes().begin(), context.nodes().end(),
                           [&](const auto& node) { return node.site() == wanted.from(); });
          if (source == context.nodes().end() || source->node_id() != gate->node) {
            return Refuse(run, "it routes elsewhere");
          }
        }
        run->Succeed("it routes to the source, and holds nothing");
      });
}

}  // namespace simulation
