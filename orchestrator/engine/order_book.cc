#include "orchestrator/engine/order_book.h"

#include <algorithm>
#include <utility>

#include "base/invariant.h"

namespace orchestrator {
namespace {

constexpr absl::Duration kTransportGrace = absl::Seconds(3);

OrderBook::Key KeyOf(const hamisha::agent::v1::OrderKey& key) {
  return {key.step(), key.host(), key.attempt()};
}

AnsweredOrder Late(const OpenOrder& open) {
  return {.place = open.place, .probe = open.probe, .attempt = open.attempt, .awaited = false};
}

}  // namespace

absl::Duration PatienceFor(const hamisha::agent::v1::Order& order) {
  return absl::Seconds(order.timeout().seconds()) + absl::Nanoseconds(order.timeout().nanos()) +
         kTransportGrace;
}

void OrderBook::Add(OpenOrder order) {
  const Key key = KeyOf(order.order.key());
  const bool is_new = !late_.contains(key) && awaited_.emplace(key, std::move(order)).second;
  INVARIANT(is_new);  // A key names one order.
}

bool OrderBook::Expects(const hamisha::agent::v1::OrderKey& key) const {
  return awaited_.contains(KeyOf(key)) || late_.contains(KeyOf(key));
}

std::optional<AnsweredOrder> OrderBook::Answer(const hamisha::agent::v1::OrderKey& key) {
  std::optional<AnsweredOrder> answered;
  if (const auto found = awaited_.find(KeyOf(key)); found != awaited_.end()) {
    answered = Late(found->second);
    answered->awaited = true;
    awaited_.erase(found);
  } else if (const auto late = late_.find(KeyOf(key)); late != late_.end()) {
    answered = late->second;
    late_.erase(late);
  }
  return answered;
}

void OrderBook::GiveUp(const Place& place) {
  for (auto it = awaited_.begin(); it != awaited_.end();) {
    if (it->second.place == place) {
      late_.emplace(it->first, Late(it->second));
      it = awaited_.erase(it);
    } else {
      ++it;
    }
  }
}

void OrderBook::GiveUpAll() {
  for (const auto& [key, open] : awaited_) late_.emplace(key, Late(open));
  awaited_.clear();
}

std::vector<AnsweredOrder> OrderBook::TakeDue(absl::Time now) {
  std::vector<AnsweredOrder> due;
  for (auto it = awaited_.begin(); it != awaited_.end();) {
    if (it->second.deadline > now) {
      ++it;
      continue;
    }
    due.push_back(Late(it->second));
    late_.emplace(it->first, Late(it->second));
    it = awaited_.erase(it);
  }
  return due;
}

void OrderBook::RestartDeadlines(absl::Time now) {
  for (auto& [key, open] : awaited_) open.deadline = now + PatienceFor(open.order);
}

absl::Time OrderBook::NextDeadline() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [key, open] : awaited_) next = std::min(next, open.deadline);
  return next;
}

}  // namespace orchestrator
