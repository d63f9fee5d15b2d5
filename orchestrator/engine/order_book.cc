#include "orchestrator/engine/order_book.h"

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

void OrderBook::Add(OpenOrder order, absl::Time deadline) {
  const Key key = KeyOf(order.order.key());
  const bool is_new = !late_.contains(key) && awaited_.emplace(key, std::move(order)).second;
  INVARIANT(is_new);  // A key names one order.
  by_host_[std::get<1>(key)].insert(key);
  deadlines_.Set(key, deadline);
}

std::optional<Place> OrderBook::PlaceOf(const hamisha::agent::v1::OrderKey& key) const {
  if (const auto open = awaited_.find(KeyOf(key)); open != awaited_.end()) {
    return open->second.place;
  }
  if (const auto late = late_.find(KeyOf(key)); late != late_.end()) return late->second.place;
  return std::nullopt;
}

std::optional<AnsweredOrder> OrderBook::Answer(const hamisha::agent::v1::OrderKey& key) {
  std::optional<AnsweredOrder> answered;
  if (const auto found = awaited_.find(KeyOf(key)); found != awaited_.end()) {
    answered = Late(Take(found));
    answered->awaited = true;
  } else if (const auto late = late_.find(KeyOf(key)); late != late_.end()) {
    answered = late->second;
    late_.erase(late);
  }
  return answered;
}

std::vector<OrderBook::Key> OrderBook::KeysOf(const std::string& host) const {
  const auto found = by_host_.find(host);
  if (found == by_host_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<const OpenOrder*> OrderBook::AwaitedOf(const std::string& host) const {
  std::vector<const OpenOrder*> orders;
  for (const Key& key : KeysOf(host)) orders.push_back(&awaited_.at(key));
  return orders;
}

OpenOrder OrderBook::Take(Awaited::iterator order) {
  const auto host = by_host_.find(std::get<1>(order->first));
  host->second.erase(order->first);
  if (host->second.empty()) by_host_.erase(host);
  deadlines_.Erase(order->first);
  return std::move(awaited_.extract(order).mapped());
}

void OrderBook::GiveUp(const Place& place, const std::string& host) {
  for (const Key& key : KeysOf(host)) {
    const auto order = awaited_.find(key);
    if (order->second.place == place) late_.emplace(key, Late(Take(order)));
  }
}

void OrderBook::GiveUpAll() {
  for (const auto& [key, open] : awaited_) late_.emplace(key, Late(open));
  awaited_.clear();
  by_host_.clear();
  deadlines_.Clear();
}

std::vector<AnsweredOrder> OrderBook::TakeDue(absl::Time now) {
  std::vector<AnsweredOrder> due;
  for (const Key& key : deadlines_.TakeDue(now)) {
    due.push_back(Late(Take(awaited_.find(key))));
    late_.emplace(key, due.back());
  }
  return due;
}

void OrderBook::RestartDeadlines(absl::Time now) {
  for (const auto& [key, open] : awaited_) deadlines_.Set(key, now + PatienceFor(open.order));
}

}  // namespace orchestrator
