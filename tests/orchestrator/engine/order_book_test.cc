#include "orchestrator/engine/order_book.h"

#include <catch2/catch.hpp>

namespace orchestrator {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

OpenOrder OrderFor(const std::string& step, const std::string& host, const Place& place) {
  OpenOrder open;
  open.order.mutable_key()->set_step(step);
  open.order.mutable_key()->set_host(host);
  open.order.mutable_key()->set_attempt(1);
  open.order.mutable_timeout()->set_seconds(10);
  open.place = place;
  return open;
}

// Steps "a" and "b" on hosts "x" and "y".
OrderBook FourOrders() {
  OrderBook book;
  book.Add(OrderFor("b", "x", {.step = 1, .back = -1, .host = 0}), At(4));
  book.Add(OrderFor("b", "y", {.step = 1, .back = -1, .host = 1}), At(3));
  book.Add(OrderFor("a", "x", {.step = 0, .back = -1, .host = 0}), At(2));
  book.Add(OrderFor("a", "y", {.step = 0, .back = -1, .host = 1}), At(1));
  return book;
}

std::vector<std::string> StepsOf(const OrderBook& book, const std::string& host) {
  std::vector<std::string> steps;
  for (const OpenOrder* open : book.AwaitedOf(host)) {
    CHECK(open->order.key().host() == host);
    steps.push_back(open->order.key().step());
  }
  return steps;
}

TEST_CASE("a host's awaited orders come in order of their keys", "[engine]") {
  CHECK(StepsOf(FourOrders(), "x") == std::vector<std::string>{"a", "b"});
  CHECK(StepsOf(FourOrders(), "unheard of").empty());
}

TEST_CASE("an answered order is not awaited, and its deadline is gone", "[engine]") {
  OrderBook book = FourOrders();
  CHECK(book.NextDeadline() == At(1));
  const auto answered = book.Answer(OrderFor("a", "y", {}).order.key());
  REQUIRE(answered.has_value());
  CHECK(answered->awaited);
  CHECK(StepsOf(book, "y") == std::vector<std::string>{"b"});
  CHECK(book.NextDeadline() == At(2));
}

TEST_CASE("orders that are due are given up in order of their keys", "[engine]") {
  OrderBook book = FourOrders();
  const std::vector<AnsweredOrder> due = book.TakeDue(At(3));
  REQUIRE(due.size() == 3);
  CHECK(due[0].place == Place{.step = 0, .back = -1, .host = 0});
  CHECK(due[1].place == Place{.step = 0, .back = -1, .host = 1});
  CHECK(due[2].place == Place{.step = 1, .back = -1, .host = 1});
  CHECK(book.NextDeadline() == At(4));
  CHECK(StepsOf(book, "y").empty());
}

TEST_CASE("giving up a place leaves the host's other orders", "[engine]") {
  OrderBook book = FourOrders();
  book.GiveUp({.step = 0, .back = -1, .host = 0}, "x");
  CHECK(StepsOf(book, "x") == std::vector<std::string>{"b"});
  CHECK(StepsOf(book, "y") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("an order that was given up is answered once, late", "[engine]") {
  OrderBook book = FourOrders();
  book.GiveUp({.step = 0, .back = -1, .host = 0}, "x");
  const auto key = OrderFor("a", "x", {}).order.key();
  const auto late = book.Answer(key);
  REQUIRE(late.has_value());
  CHECK_FALSE(late->awaited);
  CHECK_FALSE(book.Expects(key));
}

TEST_CASE("a new term gives every order its full time again", "[engine]") {
  OrderBook book = FourOrders();
  book.RestartDeadlines(At(100));
  CHECK(book.NextDeadline() == At(100) + PatienceFor(OrderFor("a", "x", {}).order));
  CHECK(book.TakeDue(At(100)).empty());
}

}  // namespace
}  // namespace orchestrator
