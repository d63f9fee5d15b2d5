#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "orchestrator/engine/run.h"

namespace orchestrator {

// An order that was sent and has not been answered.
struct OpenOrder {
  hamisha::agent::v1::Order order;
  Place place;
  bool probe = false;
  uint32_t attempt = 0;  // Of the action that was sent, or is asked about.
  absl::Time deadline;
};

struct AnsweredOrder {
  Place place;
  bool probe = false;
  uint32_t attempt = 0;
  bool awaited = false;  // False: it had been given up, and answers late.
};

// The orders of a run that have no answer yet. An order is awaited until it is given up; a late
// answer is then still recognized, once.
class OrderBook {
 public:
  using Key = std::tuple<std::string, std::string, uint32_t>;  // Step, host, attempt.

  void Add(OpenOrder order);
  bool Expects(const hamisha::agent::v1::OrderKey& key) const;
  // Forgets the order; nothing when it was never sent, or has been answered.
  std::optional<AnsweredOrder> Answer(const hamisha::agent::v1::OrderKey& key);
  // Stops waiting for what is out at `place`, or everywhere. It is never sent again.
  void GiveUp(const Place& place);
  void GiveUpAll();

  // Awaited orders whose deadline has come, in order of their keys; they are given up.
  std::vector<AnsweredOrder> TakeDue(absl::Time now);
  // All deadlines count again from `now`.
  void RestartDeadlines(absl::Time now);
  absl::Time NextDeadline() const;  // InfiniteFuture without any.

  // Awaited orders, in order of their keys.
  const std::map<Key, OpenOrder>& awaited() const { return awaited_; }

 private:
  std::map<Key, OpenOrder> awaited_;
  std::map<Key, AnsweredOrder> late_;
};

// How long an order may stay unanswered: what it may take, and transport.
absl::Duration PatienceFor(const hamisha::agent::v1::Order& order);

}  // namespace orchestrator
