// gateway.hold, gateway.route, gateway.release.
#include "agents/drivers/gateway/drivers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agents/drivers/gateway/restrict.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/gateway.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace gateway_pb = ::hamisha::ledger::v1;
namespace pb = ::hamisha::agent::v1;
using Result = pb::OrderResult;
using GatewayStub = std::shared_ptr<gateway_pb::Gateway::StubInterface>;
using GatewayStatus = gateway_pb::GatewayStatus;

constexpr absl::Duration kPollPause = absl::Milliseconds(5);
constexpr char kAsking[] = "asking the gateway";

absl::StatusOr<GatewayStatus> StatusOf(const GatewayStub& gateway, OrderContext& order) {
  return CallUntilAnswered<GatewayStatus>(
      order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
        return gateway->GetGatewayStatus(client, gateway_pb::GetGatewayStatusRequest(), response);
      });
}

Result UnknownFrom(const absl::Status& status) {
  return Unknown(ReadError(kAsking, status).message());
}

struct Gates {
  uint64_t shards = 0;
  uint64_t holding = 0;
  uint64_t held_requests = 0;
  uint64_t held_bytes = 0;
  uint64_t in_flight = 0;
  absl::Duration held_longest;
};

// Of the order's shards; of all when it names none.
bool Concerns(const pb::Order& order, uint32_t shard) {
  return order.shards().empty() ||
         std::any_of(order.shards().begin(), order.shards().end(),
                     [shard](const pb::ShardContext& context) { return context.shard() == shard; });
}

Gates Sum(const pb::Order& order, const GatewayStatus& status) {
  Gates gates;
  for (const gateway_pb::ShardGate& gate : status.shards()) {
    if (!Concerns(order, gate.route().shard())) continue;
    ++gates.shards;
    if (gate.holding()) ++gates.holding;
    gates.held_requests += gate.held_requests();
    gates.held_bytes += gate.held_bytes();
    gates.in_flight += gate.in_flight();
    gates.held_longest =
        std::max(gates.held_longest, absl::Seconds(gate.held_longest().seconds()) +
                                         absl::Nanoseconds(gate.held_longest().nanos()));
  }
  return gates;
}

void AddFacts(const Gates& gates, Result& result) {
  auto& facts = *result.mutable_facts();
  facts["shards"] = absl::StrCat(gates.shards);
  facts["held_requests"] = absl::StrCat(gates.held_requests);
  facts["held_bytes"] = absl::StrCat(gates.held_bytes);
  facts["held_longest_ms"] = absl::StrCat(absl::ToInt64Milliseconds(gates.held_longest));
  facts["in_flight"] = absl::StrCat(gates.in_flight);
}

template <typename Request>
void AddShards(const pb::Order& order, Request& request) {
  for (const pb::ShardContext& context : order.shards()) request.add_shards(context.shard());
}

std::string HoldingText(const Gates& gates) {
  return absl::StrCat(gates.holding, " of ", gates.shards, " shards are held, ",
                      WithThousands(gates.held_requests), " writes kept");
}

// Lets writes go, and waits until none is kept any more.
Result Release(const GatewayStub& gateway, OrderContext& order) {
  const auto before = StatusOf(gateway, order);  // After it, nothing tells how long they waited.
  if (!before.ok()) return ReadError(kAsking, before.status());
  const Gates kept = Sum(order.order(), *before);
  gateway_pb::ReleaseRequest request;
  AddShards(order.order(), request);
  auto status = CallUntilAnswered<GatewayStatus>(
      order, OrderContext::EndsOn::kStop,
      [&](auto* client, auto* response) { return gateway->Release(client, request, response); });
  if (!status.ok()) return MutationError("releasing writes", status.status());
  while (true) {
    if (status.ok()) {
      const Gates now = Sum(order.order(), *status);
      if (now.holding == 0 && now.held_requests == 0) {
        Result result = Succeeded(absl::StrCat(
            "writes pass; ", WithThousands(kept.held_requests), " were kept, the longest for ",
            absl::ToInt64Milliseconds(kept.held_longest), " ms"));
        AddFacts(kept, result);
        result.set_nothing_to_do(kept.holding == 0 && kept.held_requests == 0);
        return result;
      }
    }
    if (!order.Wait(kPollPause)) break;
    status = StatusOf(gateway, order);
  }
  return Unknown(
      "released, but not all kept writes were let go within the step's timeout: see that the node "
      "that the gateway routes to accepts writes");
}

class HoldDriver final : public ActionDriver<action::GatewayHold> {
 public:
  explicit HoldDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayHold& /*hold*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return ReadError(kAsking, status.status());
    return Succeeded(absl::StrCat("would hold writes; ", HoldingText(Sum(order.order(), *status))));
  }

  Result Apply(OrderContext& order, const action::GatewayHold& hold) override {
    gateway_pb::HoldRequest request;
    AddShards(order.order(), request);
    *request.mutable_bounds()->mutable_max_hold() = hold.max_hold();
    request.mutable_bounds()->set_max_requests(hold.max_requests());
    request.mutable_bounds()->set_max_bytes(hold.max_bytes());
    bool was_so = false;
    if (order.back()) {
      const auto before = StatusOf(gateway_, order);
      if (!before.ok()) return ReadError(kAsking, before.status());
      const Gates gates = Sum(order.order(), *before);
      was_so = gates.shards > 0 && gates.holding == gates.shards;
    }
    const auto status = CallUntilAnswered<GatewayStatus>(
        order, OrderContext::EndsOn::kStop,
        [&](auto* client, auto* response) { return gateway_->Hold(client, request, response); });
    if (!status.ok()) return MutationError("holding writes", status.status());
    const Gates gates = Sum(order.order(), *status);
    Result result = Succeeded(HoldingText(gates));
    AddFacts(gates, result);
    result.set_nothing_to_do(was_so);
    return result;
  }

  Result Undo(OrderContext& order, const action::GatewayHold& /*hold*/) override {
    return Release(gateway_, order);
  }

  Result Probe(OrderContext& order, const action::GatewayHold& /*hold*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return UnknownFrom(status.status());
    const Gates gates = Sum(order.order(), *status);
    if (gates.shards > 0 && gates.holding == gates.shards) return Succeeded(HoldingText(gates));
    return gates.holding == 0 ? Failed(HoldingText(gates)) : Unknown(HoldingText(gates));
  }

 private:
  const GatewayStub gateway_;
};

class RouteDriver final : public ActionDriver<action::GatewayRoute> {
 public:
  explicit RouteDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayRoute& route) override {
    const auto request = RequestOf(order.order(), route.to());
    if (!request.ok()) return Failed(request.status().message());
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return ReadError(kAsking, status.status());
    return Succeeded(absl::StrCat("would route ", Text(*request)));
  }

  Result Apply(OrderContext& order, const action::GatewayRoute& route) override {
    const auto request = RequestOf(order.order(), route.to());
    if (!request.ok()) return Failed(request.status().message());
    bool was_so = false;
    if (order.back()) {
      const auto before = StatusOf(gateway_, order);
      if (!before.ok()) return ReadError(kAsking, before.status());
      was_so = RoutedThere(*request, *before) == request->routes_size();
    }
    const auto status = CallUntilAnswered<GatewayStatus>(
        order, OrderContext::EndsOn::kStop,
        [&](auto* client, auto* response) { return gateway_->Route(client, *request, response); });
    if (!status.ok()) return MutationError("routing", status.status());
    Result result = Succeeded(absl::StrCat("routes ", Text(*request)));
    AddFacts(Sum(order.order(), *status), result);
    result.set_nothing_to_do(was_so);
    return result;
  }

  Result Probe(OrderContext& order, const action::GatewayRoute& route) override {
    const auto request = RequestOf(order.order(), route.to());
    if (!request.ok()) return Unknown(request.status().message());
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return UnknownFrom(status.status());
    const int there = RoutedThere(*request, *status);
    const std::string text =
        absl::StrCat(there, " of ", request->routes_size(), " shards are routed to ", route.to());
    if (there == request->routes_size()) return Succeeded(text);
    return there == 0 ? Failed(text) : Unknown(text);
  }

 private:
  // How many of the wanted routes are in force.
  static int RoutedThere(const gateway_pb::RouteRequest& request, const GatewayStatus& status) {
    int there = 0;
    for (const gateway_pb::ShardRoute& wanted : request.routes()) {
      for (const gateway_pb::ShardGate& gate : status.shards()) {
        const bool same =
            gate.route().shard() == wanted.shard() && gate.route().node_id() == wanted.node_id();
        there += same ? 1 : 0;
      }
    }
    return there;
  }

  static absl::StatusOr<gateway_pb::RouteRequest> RequestOf(const pb::Order& order,
                                                            const std::string& site) {
    gateway_pb::RouteRequest request;
    for (const pb::ShardContext& context : order.shards()) {
      const auto node =
          std::find_if(context.nodes().begin(), context.nodes().end(),
                       [&site](const pb::ShardNode& member) { return member.site() == site; });
      if (node == context.nodes().end()) {
        return absl::FailedPreconditionError(
            absl::StrCat("shard ", context.shard(), " has no node on site '", site,
                         "': correct the inventory or the site's name"));
      }
      gateway_pb::ShardRoute& route = *request.add_routes();
      route.set_shard(context.shard());
      route.set_node_id(node->node_id());
      route.set_epoch(EpochOf(order, context.shard(), node->node_id()));
    }
    if (request.routes().empty()) {
      return absl::FailedPreconditionError(
          "the order names no shards to route: correct the inventory");
    }
    return request;
  }

  // What the newest seal certificate lets `node` open; 0 when that is not the node meant.
  static uint64_t EpochOf(const pb::Order& order, uint32_t shard, const std::string& node) {
    uint64_t sealed = 0;
    bool names_node = false;
    for (const gateway_pb::Signed& certificate : order.certificates()) {
      gateway_pb::SealStatement statement;
      if (certificate.type() != "hamisha.seal.v1" ||
          !statement.ParseFromString(certificate.payload()) || statement.shard() != shard ||
          statement.epoch() < sealed) {
        continue;
      }
      sealed = statement.epoch();
      names_node = statement.successor() == node;
    }
    return names_node ? sealed + 1 : 0;
  }

  static std::string Text(const gateway_pb::RouteRequest& request) {
    return absl::StrJoin(request.routes(), ", ",
                         [](std::string* out, const gateway_pb::ShardRoute& route) {
                           absl::StrAppend(out, "shard ", route.shard(), " to ", route.node_id());
                         });
  }

  const GatewayStub gateway_;
};

class ReleaseDriver final : public ActionDriver<action::GatewayRelease> {
 public:
  explicit ReleaseDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayRelease& /*release*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return ReadError(kAsking, status.status());
    return Succeeded(
        absl::StrCat("would let writes pass; ", HoldingText(Sum(order.order(), *status))));
  }

  Result Apply(OrderContext& order, const action::GatewayRelease& /*release*/) override {
    return Release(gateway_, order);
  }

  Result Probe(OrderContext& order, const action::GatewayRelease& /*release*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return UnknownFrom(status.status());
    const Gates gates = Sum(order.order(), *status);
    if (gates.holding == 0 && gates.held_requests == 0) return Succeeded(HoldingText(gates));
    // Partly released is not released, and not held either.
    return gates.shards > 0 && gates.holding == gates.shards ? Failed(HoldingText(gates))
                                                             : Unknown(HoldingText(gates));
  }

 private:
  const GatewayStub gateway_;
};

}  // namespace

void AddGatewayDrivers(const GatewayStub& gateway, Drivers& drivers) {
  drivers.Add(std::make_unique<HoldDriver>(gateway));
  drivers.Add(std::make_unique<RouteDriver>(gateway));
  drivers.Add(std::make_unique<ReleaseDriver>(gateway));
  AddRestrictDrivers(gateway, drivers);
  AddGatewayReadinessDriver(gateway, drivers);
}

}  // namespace agents
