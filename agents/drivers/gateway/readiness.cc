// gateway.readiness.
#include <string>
#include <utility>

#include "agents/drivers/gateway/drivers.h"
#include "agents/drivers/readiness/asking.h"
#include "agents/drivers/readiness/gateway.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/gateway.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace gateway_pb = ::hamisha::ledger::v1;
using Result = ::hamisha::agent::v1::OrderResult;
using GatewayStub = std::shared_ptr<gateway_pb::Gateway::StubInterface>;

constexpr absl::Duration kClockMax = absl::Seconds(1);

class ReadinessDriver final : public ActionDriver<action::GatewayReadiness> {
 public:
  explicit ReadinessDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayReadiness& wanted) override {
    return Apply(order, wanted);
  }

  Result Apply(OrderContext& order, const action::GatewayReadiness& wanted) override {
    const auto status = AskPatiently<gateway_pb::GatewayStatus>(order, [&](auto* client,
                                                                           auto* response) {
      return gateway_->GetGatewayStatus(client, gateway_pb::GetGatewayStatusRequest(), response);
    });
    if (!status.ok()) return Silent("gateway", status.status());
    Result result = ResultOf(ObstaclesOf(wanted, order.order(), *status));
    for (const auto& [name, value] : FactsOf(*status)) (*result.mutable_facts())[name] = value;
    SetClockLimit(OrElse(wanted.max_clock_offset(), kClockMax), result);
    return result;
  }

  Result Probe(OrderContext& /*order*/, const action::GatewayReadiness& /*wanted*/) override {
    return Failed("it changes nothing and may be done again");
  }

 private:
  const GatewayStub gateway_;
};

}  // namespace

void AddGatewayReadinessDriver(const GatewayStub& gateway, Drivers& drivers) {
  drivers.Add(std::make_unique<ReadinessDriver>(gateway));
}

}  // namespace agents
