#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "simulation/environment.h"
#include "simulation/gateway.h"
#include "simulation/ledger_node.h"

namespace simulation {

// How the drivers of a world behave.
struct DriverTraits {
  // How long an order takes beside what it waits for.
  std::function<absl::Duration(const hamisha::agent::v1::Order&, Dice&)> work;
  std::set<std::string> failing;  // Steps that fail on every host.
  bool tells_facts = false;       // Where the plan looks at some.
};

// One order that a driver executes: asks the host's own server, waits, and answers once.
class OrderRun : public std::enable_shared_from_this<OrderRun> {
 public:
  using Order = hamisha::agent::v1::Order;
  using Result = hamisha::agent::v1::OrderResult;
  using Reply = LedgerNode::Reply;
  using Ask = std::function<void(Reply)>;
  using Then = absl::AnyInvocable<void(absl::StatusOr<NodeAnswer>)>;

  struct Server {
    const Life* agent;  // Whose death ends this.
    HostIndex host;
    LedgerNode* node;  // Null without one.
    Gateway* gateway;  // Likewise.
  };
  OrderRun(Environment& environment, const DriverTraits& traits, Server server, Order order,
           std::function<void(Result)> done)
      : environment_(environment),
        traits_(traits),
        server_(server),
        order_(std::move(order)),
        life_(server.agent->number),
        done_(std::move(done)) {}

  void Begin();
  // Ends what only waits.
  void Cancel();
  // Nobody waits for it any more. What it would have gone on with is itself, and would keep it.
  void Drop();

  const Order& order() const { return order_; }
  bool back() const { return order_.mode() == hamisha::agent::v1::MODE_BACK; }
  bool cancelled() const { return is_cancelled_; }
  LedgerNode* node() const { return server_.node; }
  Gateway* gateway() const { return server_.gateway; }
  Environment& environment() { return environment_; }

  // Asks until there is an answer, or the order's timeout has passed.
  void Call(Ask ask, Then then);
  void CallNode(NodeRequest request, Then then);
  // `then` is given the node's status; without an answer the order ends as the mode wants.
  void WithStatus(std::function<void(const NodeStatus&)> then);
  // Until something may have changed. False when the order is past its timeout, or cancelled.
  void Wait(std::function<void(bool)> then);

  void Succeed(const char* message);
  void Succeed(const char* message, const hamisha::ledger::v1::Signed& certificate);
  void Fail(const std::string& message, bool mismatch = false);
  void Unknown(const std::string& message);
  // What an error of a call means: of one that changes something, and of one that only reads.
  void EndMutation(const absl::Status& status);
  void EndRead(const absl::Status& status);
  void Finish(Result result);

 private:
  void Attempt(uint64_t call);
  void Answered(uint64_t call, absl::StatusOr<NodeAnswer> answer);
  void PastDeadline();
  bool IsAlive() const { return server_.agent->number == life_; }
  absl::Duration Loopback() { return environment_.network.DrawDelay(server_.host, server_.host); }

  Environment& environment_;
  const DriverTraits& traits_;
  const Server server_;
  const Order order_;
  const uint32_t life_;  // Of the agent.
  const std::function<void(Result)> done_;
  absl::Duration deadline_;
  bool is_cancelled_ = false;
  bool is_done_ = false;
  uint64_t call_ = 0;  // The one that is out; others are late.
  Ask ask_;
  Then then_;
  std::function<void(bool)> waiting_;
  absl::Duration wait_ = absl::ZeroDuration();
};

// The actions that there are drivers for, by their messages' full names.
const std::set<std::string>& DriverActions();

// What drivers do, restated: agents/drivers acts through gRPC and in threads, this against the
// simulated servers. One function a mode, as there.
void RunDriver(const std::shared_ptr<OrderRun>& run);

}  // namespace simulation
