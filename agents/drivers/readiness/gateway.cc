#include "agents/drivers/readiness/gateway.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agents/runtime/call.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace gateway_pb = ::hamisha::ledger::v1;
namespace pb = ::hamisha::agent::v1;

constexpr uint64_t kInFlightMax = 10'000;

// The shard's node on a site; "" without one.
std::string NodeOn(const pb::ShardContext& shard, const std::string& site) {
  for (const pb::ShardNode& node : shard.nodes()) {
    if (node.site() == site) return node.node_id();
  }
  return "";
}

void CheckShard(const pb::ShardContext& shard, const std::string& from,
                const gateway_pb::ShardGate& gate, Obstacles& found) {
  const std::string name = absl::StrCat("shard ", shard.shard());
  if (gate.holding() || gate.held_requests() > 0) {
    found.Blocks("leftover",
                 absl::StrCat(name, " is held, ", WithThousands(gate.held_requests()),
                              " writes wait, the longest for ",
                              DurationText(ToDuration(gate.held_longest()))),
                 "", "take the run that began it back (hamisha rollback RUN), which lets them go");
  }
  if (const std::string node = NodeOn(shard, from); gate.route().node_id() != node) {
    found.Blocks("route",
                 absl::StrCat(name, " is routed to ", gate.route().node_id(), ", not to ", node),
                 "",
                 "an earlier run left this, or the shard has moved already: take that run back "
                 "(hamisha rollback RUN), or correct `from`");
  }
}

}  // namespace

std::vector<pb::Obstacle> ObstaclesOf(const action::GatewayReadiness& wanted,
                                      const pb::Order& order,
                                      const gateway_pb::GatewayStatus& status) {
  Obstacles found;
  uint64_t in_flight = 0;
  for (const pb::ShardContext& shard : order.shards()) {
    const auto gate =
        std::find_if(status.shards().begin(), status.shards().end(),
                     [&](const auto& it) { return it.route().shard() == shard.shard(); });
    if (gate == status.shards().end()) {
      found.Blocks("route", absl::StrCat("shard ", shard.shard(), " is not known"), "",
                   "add its nodes to the gateway's configuration");
      continue;
    }
    CheckShard(shard, wanted.from(), *gate, found);
    in_flight += gate->in_flight();
  }
  if (const auto& closed = status.closed();
      closed.new_accounts() || closed.balance_limits() || closed.transfer_codes_size() > 0) {
    found.Told("restricted", "classes of writes are closed", "",
               "nothing, when this run has closed them; else gateway.reopen");
  }
  const uint64_t limit = wanted.max_in_flight() == 0 ? kInFlightMax : wanted.max_in_flight();
  if (in_flight > limit) {
    found.Blocks("in_flight", absl::StrCat(WithThousands(in_flight), " writes without an answer"),
                 absl::StrCat("at most ", WithThousands(limit)),
                 "the ledgers do not keep up with the clients: wait for a quieter hour");
  }
  return found.all();
}

std::map<std::string, std::string> FactsOf(const gateway_pb::GatewayStatus& status) {
  uint64_t held = 0;
  uint64_t in_flight = 0;
  uint64_t epoch = 0;
  for (const gateway_pb::ShardGate& gate : status.shards()) {
    held += gate.held_requests();
    in_flight += gate.in_flight();
    epoch = std::max(epoch, gate.route().epoch());
  }
  return {{"shards", absl::StrCat(status.shards_size())},
          {"held_requests", absl::StrCat(held)},
          {"in_flight", absl::StrCat(in_flight)},
          {"route_epoch", absl::StrCat(epoch)}};
}

}  // namespace agents
