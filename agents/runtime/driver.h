#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "agents/runtime/order_context.h"
#include "google/protobuf/descriptor.h"
#include "hamisha/action/v1/options.pb.h"
#include "hamisha/agent/v1/agent.pb.h"

namespace agents {

// A result without its key, which the runtime fills in.
inline hamisha::agent::v1::OrderResult ResultOf(hamisha::agent::v1::Outcome outcome,
                                                absl::string_view message) {
  hamisha::agent::v1::OrderResult result;
  result.set_outcome(outcome);
  result.set_message(std::string(message));
  return result;
}
inline hamisha::agent::v1::OrderResult Succeeded(absl::string_view message) {
  return ResultOf(hamisha::agent::v1::OUTCOME_SUCCEEDED, message);
}
// The way back has nothing to do on this host: that proves nothing of it.
inline hamisha::agent::v1::OrderResult NothingToDo(absl::string_view message) {
  hamisha::agent::v1::OrderResult result = Succeeded(message);
  result.set_nothing_to_do(true);
  return result;
}
// The effect is certainly not there, and never will be.
inline hamisha::agent::v1::OrderResult Failed(absl::string_view message) {
  return ResultOf(hamisha::agent::v1::OUTCOME_FAILED, message);
}
inline hamisha::agent::v1::OrderResult Unknown(absl::string_view message) {
  return ResultOf(hamisha::agent::v1::OUTCOME_UNKNOWN, message);
}

// Executes one action. Shared by all orders of that action: Run() is called on any thread, also at
// the same time for different orders, and returns by the order's timeout.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual const google::protobuf::Descriptor& action() const = 0;
  virtual hamisha::agent::v1::OrderResult Run(OrderContext& context) = 0;

  // "ledger.seal".
  std::string name() const {
    return action().options().GetExtension(hamisha::action::v1::action).name();
  }
};

// The usual driver: one function a mode. `Action` is a message of hamisha.action.v1.
template <typename Action>
class ActionDriver : public Driver {
 public:
  using Result = hamisha::agent::v1::OrderResult;

  const google::protobuf::Descriptor& action() const final { return *Action::descriptor(); }

  Result Run(OrderContext& context) final {
    Action action;
    if (!context.order().action().UnpackTo(&action)) {
      return Failed(absl::StrCat("the fields of ", name(),
                                 " cannot be read: orchestrator and agent differ in version"));
    }
    switch (context.order().mode()) {
      case hamisha::agent::v1::MODE_APPLY:
      case hamisha::agent::v1::MODE_BACK: return Apply(context, action);
      case hamisha::agent::v1::MODE_UNDO: return Undo(context, action);
      case hamisha::agent::v1::MODE_PROBE: return Probe(context, action);
      case hamisha::agent::v1::MODE_CHECK: return Check(context, action);
      case hamisha::agent::v1::MODE_UNSPECIFIED:
      case hamisha::agent::v1::Mode_INT_MIN_SENTINEL_DO_NOT_USE_:
      case hamisha::agent::v1::Mode_INT_MAX_SENTINEL_DO_NOT_USE_: break;
    }
    return Failed("the order has no mode: this is a bug of the orchestrator");
  }

 protected:
  // Changes nothing: says what Apply would change.
  virtual Result Check(OrderContext& context, const Action& action) = 0;
  // Makes it so. Also on the way back: context.back().
  virtual Result Apply(OrderContext& context, const Action& action) = 0;
  // Takes back what Apply did; by default there is nothing, or the playbook must say how.
  virtual Result Undo(OrderContext& /*context*/, const Action& /*action*/) {
    if (!this->action().options().GetExtension(hamisha::action::v1::action).mutates()) {
      return NothingToDo("nothing to undo: it changed nothing");
    }
    return Failed(absl::StrCat(name(), " has no undo of its own: say `rollback:` in the playbook"));
  }
  // Changes nothing: is the effect there now?
  virtual Result Probe(OrderContext& context, const Action& action) = 0;
};

// The drivers of an agent, by the full name of their action's message.
class Drivers {
 public:
  void Add(std::unique_ptr<Driver> driver) {
    const std::string type = driver->action().full_name();
    by_type_[type] = std::move(driver);
  }
  // The one for an Any's type URL; nullptr without one.
  Driver* Find(const std::string& type_url) const {
    const auto found = by_type_.find(type_url.substr(type_url.rfind('/') + 1));
    return found == by_type_.end() ? nullptr : found->second.get();
  }
  const std::map<std::string, std::unique_ptr<Driver>>& by_type() const { return by_type_; }

 private:
  std::map<std::string, std::unique_ptr<Driver>> by_type_;
};

}  // namespace agents
