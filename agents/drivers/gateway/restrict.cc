#include "agents/drivers/gateway/restrict.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agents/runtime/call.h"
#include "hamisha/action/v1/gateway.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
namespace gateway_pb = ::hamisha::ledger::v1;
using Result = hamisha::agent::v1::OrderResult;
using GatewayStub = std::shared_ptr<gateway_pb::Gateway::StubInterface>;
using GatewayStatus = gateway_pb::GatewayStatus;
using gateway_pb::Restriction;

constexpr char kAsking[] = "asking the gateway";

Restriction ClassesOf(const action::GatewayRestrict& restrict) {
  Restriction classes;
  classes.set_new_accounts(restrict.new_accounts());
  classes.set_balance_limits(restrict.balance_limits());
  *classes.mutable_transfer_codes() = restrict.transfer_codes();
  return classes;
}

bool IsNothing(const Restriction& closed) {
  return !closed.new_accounts() && !closed.balance_limits() && closed.transfer_codes().empty();
}

std::string ToText(const Restriction& closed) {
  std::vector<std::string> classes;
  if (closed.new_accounts()) classes.push_back("new accounts");
  if (closed.balance_limits()) classes.push_back("balance limits");
  if (!closed.transfer_codes().empty()) {
    classes.push_back(
        absl::StrCat("transfers of code ", absl::StrJoin(closed.transfer_codes(), ", ")));
  }
  return classes.empty() ? "nothing is closed"
                         : absl::StrCat("closed: ", absl::StrJoin(classes, ", "));
}

bool HasCode(const Restriction& closed, uint32_t code) {
  return std::find(closed.transfer_codes().begin(), closed.transfer_codes().end(), code) !=
         closed.transfer_codes().end();
}

// How many of the classes that `wanted` names are closed; of `all`.
struct Share {
  int closed = 0;
  int all = 0;
};
Share CountClosed(const Restriction& wanted, const Restriction& closed) {
  Share share;
  const auto add = [&](bool is_wanted, bool is_closed) {
    share.all += is_wanted ? 1 : 0;
    share.closed += is_wanted && is_closed ? 1 : 0;
  };
  add(wanted.new_accounts(), closed.new_accounts());
  add(wanted.balance_limits(), closed.balance_limits());
  for (const uint32_t code : wanted.transfer_codes()) add(true, HasCode(closed, code));
  return share;
}

absl::StatusOr<GatewayStatus> StatusOf(const GatewayStub& gateway, OrderContext& order) {
  return CallUntilAnswered<GatewayStatus>(
      order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
        return gateway->GetGatewayStatus(client, gateway_pb::GetGatewayStatusRequest(), response);
      });
}

Result Tell(const GatewayStub& gateway, OrderContext& order,
            const gateway_pb::RestrictRequest& request) {
  const auto status = CallUntilAnswered<GatewayStatus>(
      order, OrderContext::EndsOn::kStop,
      [&](auto* client, auto* response) { return gateway->Restrict(client, request, response); });
  if (!status.ok()) return MutationError("restricting writes", status.status());
  return Succeeded(ToText(status->closed()));
}

class RestrictDriver final : public ActionDriver<action::GatewayRestrict> {
 public:
  explicit RestrictDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayRestrict& restrict) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return ReadError(kAsking, status.status());
    return Succeeded(absl::StrCat("would add to it: ", ToText(ClassesOf(restrict)), "; now ",
                                  ToText(status->closed())));
  }

  Result Apply(OrderContext& order, const action::GatewayRestrict& restrict) override {
    gateway_pb::RestrictRequest request;
    *request.mutable_close() = ClassesOf(restrict);
    if (IsNothing(request.close())) return Failed("it names no class of writes to close");
    return Tell(gateway_, order, request);
  }

  Result Undo(OrderContext& order, const action::GatewayRestrict& restrict) override {
    gateway_pb::RestrictRequest request;
    *request.mutable_open() = ClassesOf(restrict);
    return Tell(gateway_, order, request);
  }

  Result Probe(OrderContext& order, const action::GatewayRestrict& restrict) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return Unknown(ReadError(kAsking, status.status()).message());
    const Share share = CountClosed(ClassesOf(restrict), status->closed());
    const std::string text = ToText(status->closed());
    if (share.closed == share.all) return Succeeded(text);
    return share.closed == 0 ? Failed(text) : Unknown(text);
  }

 private:
  const GatewayStub gateway_;
};

class ReopenDriver final : public ActionDriver<action::GatewayReopen> {
 public:
  explicit ReopenDriver(GatewayStub gateway) : gateway_(std::move(gateway)) {}

 protected:
  Result Check(OrderContext& order, const action::GatewayReopen& /*reopen*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return ReadError(kAsking, status.status());
    return Succeeded(absl::StrCat("would open all; now ", ToText(status->closed())));
  }

  Result Apply(OrderContext& order, const action::GatewayReopen& /*reopen*/) override {
    gateway_pb::RestrictRequest request;
    request.set_open_all(true);
    return Tell(gateway_, order, request);
  }

  Result Probe(OrderContext& order, const action::GatewayReopen& /*reopen*/) override {
    const auto status = StatusOf(gateway_, order);
    if (!status.ok()) return Unknown(ReadError(kAsking, status.status()).message());
    return IsNothing(status->closed()) ? Succeeded(ToText(status->closed()))
                                       : Failed(ToText(status->closed()));
  }

 private:
  const GatewayStub gateway_;
};

}  // namespace

void AddRestrictDrivers(const GatewayStub& gateway, Drivers& drivers) {
  drivers.Add(std::make_unique<RestrictDriver>(gateway));
  drivers.Add(std::make_unique<ReopenDriver>(gateway));
}

}  // namespace agents
