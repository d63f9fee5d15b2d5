// As agents/drivers/gateway, agents/drivers/probe and, of agents/drivers/host, what matters for
// the order of things.
#include "simulation/drivers_gateway.h"

#include <algorithm>
#include <set>

#include "absl/hash/hash.h"
#include "hamisha/action/v1/gateway.pb.h"
#include "hamisha/action/v1/host.pb.h"
#include "lab/load/random.h"
#include "simulation/certificates.h"

namespace simulation {
namespace {

namespace action = ::hamisha::action::v1;

constexpr uint64_t kCanaryMark = uint64_t{1} << 63;  // Ids that no client draws.

std::vector<uint32_t> ShardsOf(const OrderRun& run) {
  std::vector<uint32_t> shards;
  for (const auto& context : run.order().shards()) shards.push_back(context.shard());
  return shards;
}

// `act` is done by the gateway's process, once it is up.
void CallGateway(const Run& run, std::function<absl::Status()> act,
                 std::function<void(const absl::Status&)> then) {
  if (run->gateway() == nullptr) return run->Fail("this host has no gateway");
  run->Call(
      [run, act = std::move(act)](OrderRun::Reply reply) {
        if (!run->gateway()->life().is_up) return reply(absl::UnavailableError("it is down"));
        const absl::Status status = act();
        status.ok() ? reply(NodeAnswer{}) : reply(status);
      },
      [then = std::move(then)](const absl::StatusOr<NodeAnswer>& answer) {
        then(answer.status());
      });
}

struct Gates {
  size_t shards = 0;
  size_t holding = 0;
  uint64_t held_requests = 0;
};

Gates Sum(const OrderRun& run) {
  const std::vector<uint32_t> concerned = ShardsOf(run);
  Gates sum;
  for (const Gateway::Gate& gate : run.gateway()->Gates()) {
    if (std::count(concerned.begin(), concerned.end(), gate.shard) == 0) continue;
    ++sum.shards;
    sum.holding += gate.holding ? 1 : 0;
    sum.held_requests += gate.held_requests;
  }
  return sum;
}

void WithGates(const Run& run, std::function<void(const Gates&)> then) {
  const auto nothing = [] { return absl::OkStatus(); };
  CallGateway(run, nothing, [run, then = std::move(then)](const absl::Status& status) {
    status.ok() ? then(Sum(*run)) : run->EndRead(status);
  });
}

void AwaitReleased(const Run& run) {
  WithGates(run, [run](const Gates& gates) {
    if (gates.holding == 0 && gates.held_requests == 0) return run->Succeed("writes pass");
    run->Wait([run](bool in_time) {
      in_time ? AwaitReleased(run) : run->Unknown("not all kept writes were let go");
    });
  });
}

// What the newest seal certificate lets `node` open; 0 when that is not the node meant.
uint64_t EpochOf(const OrderRun& run, uint32_t shard, const std::string& node) {
  uint64_t sealed = 0;
  bool names_node = false;
  for (const auto& certificate : run.order().certificates()) {
    const auto statement = ReadSeal(certificate, shard);
    if (!statement.has_value() || statement->epoch() < sealed) continue;
    sealed = statement->epoch();
    names_node = statement->successor() == node;
  }
  return names_node ? sealed + 1 : 0;
}

std::vector<Gateway::Route> RoutesOf(const OrderRun& run) {
  action::GatewayRoute route;
  std::vector<Gateway::Route> routes;
  if (!route.ParseFromString(run.order().action().value())) return routes;
  for (const auto& context : run.order().shards()) {
    for (const auto& member : context.nodes()) {
      if (member.site() != route.to()) continue;
      routes.push_back(
          {context.shard(), member.node_id(), EpochOf(run, context.shard(), member.node_id())});
    }
  }
  return routes;
}

// Codes of transfers, and numbers beside them for what else is closed.
std::set<uint64_t> ClassesOf(const OrderRun& run) {
  action::GatewayRestrict restrict;
  std::set<uint64_t> classes;
  if (!restrict.ParseFromString(run.order().action().value())) return classes;
  if (restrict.new_accounts()) classes.insert(uint64_t{1} << 32);
  if (restrict.balance_limits()) classes.insert(uint64_t{2} << 32);
  classes.insert(restrict.transfer_codes().begin(), restrict.transfer_codes().end());
  return classes;
}

void Close(const Run& run, std::function<std::set<uint64_t>(std::set<uint64_t>)> change) {
  CallGateway(
      run,
      [run, change = std::move(change)] {
        run->gateway()->Close(change(run->gateway()->closed()));
        return absl::OkStatus();
      },
      [run](const absl::Status& status) {
        status.ok() ? run->Succeed("closed so") : run->EndMutation(status);
      });
}

// One write there and one back on every shard, one after the other.
void FlyCanary(const Run& run, uint32_t flight) {
  const std::vector<uint32_t> shards = ShardsOf(*run);
  if (flight == 2 * shards.size()) return run->Succeed("transfers went there and back");
  const uint32_t shard = shards[flight / 2];
  uint64_t id = flight;
  for (const std::string* part : {&run->order().key().step(), &run->order().key().host()}) {
    for (const char letter : *part) id = lab::Mix(id ^ static_cast<uint8_t>(letter));
  }
  id |= kCanaryMark;
  run->Call(
      [run, shard, id](OrderRun::Reply reply) {
        if (!run->gateway()->life().is_up) return reply(absl::UnavailableError("it is down"));
        run->gateway()->Write(shard, id,
                              [reply = std::move(reply)](const absl::Status& status) mutable {
                                if (status.ok()) return reply(NodeAnswer{});
                                reply(absl::UnavailableError("try again"));
                              });
      },
      [run, shard, id, flight](const absl::StatusOr<NodeAnswer>& answer) {
        if (!answer.ok()) return run->EndRead(answer.status());
        run->environment().promises.OnAcknowledged(shard, id);
        FlyCanary(run, flight + 1);
      });
}

}  // namespace

void ApplyHold(const Run& run) {
  action::GatewayHold hold;
  if (!hold.ParseFromString(run->order().action().value())) return run->Fail("unreadable");
  const absl::Duration max_hold =
      absl::Seconds(hold.max_hold().seconds()) + absl::Nanoseconds(hold.max_hold().nanos());
  CallGateway(
      run, [run, max_hold] { return run->gateway()->Hold(ShardsOf(*run), max_hold); },
      [run](const absl::Status& status) {
        status.ok() ? run->Succeed("held") : run->EndMutation(status);
      });
}

void ProbeHold(const Run& run) {
  WithGates(run, [run](const Gates& gates) {
    if (gates.shards > 0 && gates.holding == gates.shards) return run->Succeed("held");
    gates.holding == 0 ? run->Fail("not held") : run->Unknown("held in part");
  });
}

void ApplyRelease(const Run& run) {
  CallGateway(
      run, [run] { return run->gateway()->Release(ShardsOf(*run)); },
      [run](const absl::Status& status) {
        status.ok() ? AwaitReleased(run) : run->EndMutation(status);
      });
}

void ProbeRelease(const Run& run) {
  WithGates(run, [run](const Gates& gates) {
    if (gates.holding == 0 && gates.held_requests == 0) return run->Succeed("writes pass");
    gates.shards > 0 && gates.holding == gates.shards ? run->Fail("held")
                                                      : run->Unknown("released in part");
  });
}

void ApplyRoute(const Run& run) {
  if (RoutesOf(*run).empty()) return run->Fail("no shards to route");
  CallGateway(
      run, [run] { return run->gateway()->SetRoutes(RoutesOf(*run)); },
      [run](const absl::Status& status) {
        status.ok() ? run->Succeed("routed") : run->EndMutation(status);
      });
}

void ProbeRoute(const Run& run) {
  WithGates(run, [run](const Gates&) {
    size_t there = 0;
    const std::vector<Gateway::Route> routes = RoutesOf(*run);
    for (const Gateway::Gate& gate : run->gateway()->Gates()) {
      there += static_cast<size_t>(
          std::count_if(routes.begin(), routes.end(), [&](const Gateway::Route& route) {
            return route.shard == gate.shard && route.node == gate.node;
          }));
    }
    if (there == routes.size()) return run->Succeed("routed");
    there == 0 ? run->Fail("not routed") : run->Unknown("routed in part");
  });
}

void ApplyRestrict(const Run& run) {
  Close(run, [run](std::set<uint64_t> closed) {
    closed.merge(ClassesOf(*run));
    return closed;
  });
}

void UndoRestrict(const Run& run) {
  Close(run, [run](std::set<uint64_t> closed) {
    for (const uint64_t one : ClassesOf(*run)) closed.erase(one);
    return closed;
  });
}

void ProbeRestrict(const Run& run) {
  WithGates(run, [run](const Gates&) {
    const std::set<uint64_t> wanted = ClassesOf(*run);
    const std::set<uint64_t>& closed = run->gateway()->closed();
    const auto there = std::count_if(wanted.begin(), wanted.end(),
                                     [&](uint64_t one) { return closed.contains(one); });
    if (static_cast<size_t>(there) == wanted.size()) return run->Succeed("closed");
    there == 0 ? run->Fail("open") : run->Unknown("closed in part");
  });
}

void ApplyReopen(const Run& run) {
  Close(run, [](const std::set<uint64_t>&) { return std::set<uint64_t>(); });
}

void ProbeReopen(const Run& run) {
  WithGates(run, [run](const Gates&) {
    run->gateway()->closed().empty() ? run->Succeed("open") : run->Fail("closed");
  });
}

void ApplyCanary(const Run& run) {
  if (run->gateway() == nullptr) return run->Fail("this host has no gateway");
  FlyCanary(run, 0);
}

void ApplyHostFacts(const Run& run) {
  OrderRun::Result result;
  result.set_outcome(hamisha::agent::v1::OUTCOME_SUCCEEDED);
  result.mutable_host()->set_host(run->order().key().host());
  run->Finish(std::move(result));
}

void ApplyHostCompare(const Run& run) {
  const auto is_known = [&](const std::string& host) {
    return std::any_of(run->order().hosts().begin(), run->order().hosts().end(),
                       [&](const auto& facts) { return facts.host() == host; });
  };
  action::HostCompare compare;
  if (!compare.ParseFromString(run->order().action().value())) return run->Fail("unreadable");
  const std::string from = NodeOnSite(*run, compare.from());
  if (is_known(from) && is_known(run->order().key().host())) return run->Succeed("alike");
  run->Fail("nothing is known of one of the two");
}

}  // namespace simulation
