// ledger.readiness.
#include <string>
#include <utility>

#include "agents/drivers/host/machine.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/drivers/ledger/node_control.h"
#include "agents/drivers/readiness/asking.h"
#include "agents/drivers/readiness/ledger.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/ledger.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
using Result = ::hamisha::agent::v1::OrderResult;

constexpr int kTryFollowTimeoutS = 5;
constexpr absl::Duration kTryFollowPatience = absl::Seconds(6);
constexpr absl::Duration kClockMax = absl::Seconds(1);

class ReadinessDriver final : public ActionDriver<action::LedgerReadiness> {
 public:
  explicit ReadinessDriver(NodeStub node) : node_(std::move(node)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerReadiness& wanted) override {
    return Apply(order, wanted);
  }

  Result Apply(OrderContext& order, const action::LedgerReadiness& wanted) override {
    const auto status =
        AskPatiently<ledger_pb::NodeStatus>(order, [&](auto* client, auto* response) {
          return node_->GetStatus(client, ledger_pb::GetStatusRequest(), response);
        });
    if (!status.ok()) return Silent("ledger_node", status.status());
    const auto from = NodeOnSite(order.order(), status->shard(), wanted.from());
    if (!from.ok()) return Failed(from.status().message());
    const auto to = NodeOnSite(order.order(), status->shard(), wanted.to());
    if (!to.ok()) return Failed(to.status().message());
    LedgerSituation situation = {
        .status = *status, .machine = {}, .from = *from, .to = *to, .reverse = {}};
    const auto description =
        AskPatiently<ledger_pb::NodeDescription>(order, [&](auto* client, auto* response) {
          return node_->Describe(client, ledger_pb::DescribeRequest(), response);
        });
    if (description.ok()) {
      *situation.machine.mutable_node() = *description;
      ReadClockAndDisk(situation.machine);
    }
    if (status->node_id() == *from) situation.reverse = TryReverse(order, *to);
    Result result = ResultOf(ObstaclesOf(wanted, situation));
    for (const auto& [name, value] : FactsOf(situation)) (*result.mutable_facts())[name] = value;
    SetClockLimit(OrElse(wanted.max_clock_offset(), kClockMax), result);
    return result;
  }

  Result Probe(OrderContext& /*order*/, const action::LedgerReadiness& /*wanted*/) override {
    return Failed("it changes nothing and may be done again");
  }

 private:
  absl::StatusOr<ledger_pb::TryFollowResponse> TryReverse(OrderContext& order,
                                                          const std::string& to) {
    ledger_pb::TryFollowRequest request;
    request.set_node_id(to);
    request.mutable_timeout()->set_seconds(kTryFollowTimeoutS);
    return Call<ledger_pb::TryFollowResponse>(
        order, OrderContext::EndsOn::kCancel, kTryFollowPatience,
        [&](auto* client, auto* response) { return node_->TryFollow(client, request, response); });
  }

  const NodeStub node_;
};

}  // namespace

void AddReadinessDriver(const NodeStub& node, Drivers& drivers) {
  drivers.Add(std::make_unique<ReadinessDriver>(node));
}

}  // namespace agents
