#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "orchestrator/engine/deadlines.h"
#include "orchestrator/engine/run.h"

namespace orchestrator {

// An order that was sent and has not been answered.
struct OpenOrder {
  hamisha::agent::v1::Order order;
  Place place;
  bool probe = false;
  uint32_t attempt = 0;  // Of the action that was sent, or is asked about.
};

struct AnsweredOrder {
  Place place;
  bool probe = false;
  uint32_t attempt = 0;
  bool awaited = false;  // False: it had been given up, and answers late.
};

// The orders of a run that have no answer yet. An order is awaited until it is given up; a late
// answer is then still recognized, once. There may be very many: none is searched for among all.
class OrderBook {
 public:
  using Key = std::tuple<std::string, std::string, uint32_t>;  // Step, host, attempt.

  void Add(OpenOrder order, absl::Time deadline);
  bool Expects(const hamisha::agent::v1::OrderKey& key) const { return PlaceOf(key).has_value(); }
  // Nothing when such an order was never sent, or has been answered.
  std::optional<Place> PlaceOf(const hamisha::agent::v1::OrderKey& key) const;
  // Forgets the order; nothing when it was never sent, or has been answered.
  std::optional<AnsweredOrder> Answer(const hamisha::agent::v1::OrderKey& key);
  // Stops waiting for what is out at `place`, which is on `host`, or everywhere. It is never sent
  // again.
  void GiveUp(const Place& place, const std::string& host);
  void GiveUpAll();

  // Awaited orders whose deadline has come, in order of their keys; they are given up.
  std::vector<AnsweredOrder> TakeDue(absl::Time now);
  // All deadlines count again from `now`.
  void RestartDeadlines(absl::Time now);
  absl::Time NextDeadline() const { return deadlines_.Next(); }  // InfiniteFuture without any.

  // Awaited orders, in order of their keys.
  const std::map<Key, OpenOrder>& awaited() const { return awaited_; }
  // Those of one host, likewise.
  std::vector<const OpenOrder*> AwaitedOf(const std::string& host) const;

 private:
  using Awaited = std::map<Key, OpenOrder>;

  std::vector<Key> KeysOf(const std::string& host) const;
  // The order is not awaited any more.
  OpenOrder Take(Awaited::iterator order);

  Awaited awaited_;
  std::map<std::string, std::set<Key>> by_host_;  // Of what is awaited.
  Deadlines<Key> deadlines_;                      // Likewise.
  std::map<Key, AnsweredOrder> late_;
};

// How long an order may stay unanswered: what it may take, and transport.
absl::Duration PatienceFor(const hamisha::agent::v1::Order& order);

}  // namespace orchestrator
