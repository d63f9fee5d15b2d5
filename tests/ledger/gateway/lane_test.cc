#include "ledger/gateway/lane.h"

#include <catch2/catch.hpp>

#include "tests/ledger/gateway/lane_driver.h"

namespace ledger {
namespace {

using Ids = std::vector<uint64_t>;

TEST_CASE("writes pass at once, many at a time", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Write({12});
  REQUIRE(lane.sent.size() == 2);
  CHECK(lane.sent[0].node_id == "source");
  CHECK(lane.sent[1].ids == Ids{12});
  lane.Answer(lane.sent[1].call, {{0, 54}});
  lane.Answer(lane.sent[0].call);
  CHECK(lane.Outcome(1) == "ok");
  CHECK(lane.Outcome(2) == "ok 0:54");
  CHECK(lane.lane.NextTick() == absl::InfiniteDuration());
}

TEST_CASE("held writes leave in order of arrival, joined, and new ones behind them",
          "[gateway][lane]") {
  LaneDriver lane;
  lane.Hold();
  lane.Write({11});
  lane.Write({12, 13});
  lane.Write({14});
  CHECK(lane.sent.empty());
  CHECK(lane.lane.Status(lane.now).held_requests == 3);

  lane.Route("target", 2);
  CHECK(lane.sent.empty());
  lane.Release();
  REQUIRE(lane.sent.size() == 1);
  CHECK(lane.sent[0].node_id == "target");
  CHECK(lane.sent[0].epoch == 2);
  CHECK(lane.sent[0].ids == Ids{11, 12, 13, 14});

  lane.Write({15});
  CHECK(lane.sent.size() == 1);  // One call at a time while draining.
  lane.Answer(lane.sent[0].call, {{0, 54}, {2, 55}}, 2);
  CHECK(lane.Outcome(1) == "ok 0:54");
  CHECK(lane.Outcome(2) == "ok 1:55");
  CHECK(lane.Outcome(3) == "ok");
  REQUIRE(lane.sent.size() == 2);
  CHECK(lane.sent[1].ids == Ids{15});
  lane.Answer(lane.sent[1].call, {}, 2);

  lane.Write({16});
  lane.Write({17});
  CHECK(lane.sent.size() == 4);  // Passing again.
}

TEST_CASE("what must not be joined is not", "[gateway][lane]") {
  LaneDriver lane;
  lane.Hold();
  SECTION("a request that leaves a chain open would swallow the next one's events") {
    lane.Write({11, -12});
    lane.Write({13});
  }
  SECTION("a call has at most 8,190 events") {
    std::vector<int64_t> ids(8'190);
    for (size_t index = 0; index < ids.size(); ++index)
      ids[index] = static_cast<int64_t>(index) + 1;
    lane.Write(ids);
    lane.Write({9'000});
  }
  SECTION("accounts and transfers are different calls") {
    pb::CreateAccountsRequest accounts;
    accounts.add_accounts();
    lane.Write({11});
    CHECK(lane.lane.WriteArrived(2, accounts, lane.now).empty());
    lane.newest = 2;
  }
  lane.Release();
  REQUIRE(lane.sent.size() == 1);
  const LaneEffects next =
      lane.lane.CallEnded(lane.sent[0].call, {.outcome = CallOutcome::kAnswered}, lane.now);
  REQUIRE(next.size() == 2);
  CHECK(std::holds_alternative<AnswerWrite>(next[0]));
  CHECK(EventCount(*std::get<SendCall>(next[1]).batch) == 1);
}

TEST_CASE("a write that a sealed node sent back goes before later ones", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Write({12});
  lane.Hold();
  lane.Write({13});
  lane.Fail(lane.sent[1].call, CallOutcome::kNotExecuted);
  lane.Fail(lane.sent[0].call, CallOutcome::kNotExecuted);
  lane.Advance(absl::Seconds(1));
  CHECK(lane.sent.size() == 2);
  lane.Route("target", 2);
  lane.Release();
  REQUIRE(lane.sent.size() == 3);
  CHECK(lane.sent[2].ids == Ids{11, 12, 13});
  lane.Answer(lane.sent[2].call, {{0, 46}}, 2);
  CHECK(lane.Outcome(1) == "ok 0:46");  // It was not executed before: the client's own repeat.
}

TEST_CASE("a write whose connection broke is repeated and its success is one answer",
          "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Write({-12, 13});
  lane.Fail(lane.sent[0].call, CallOutcome::kMaybeExecuted);
  lane.Fail(lane.sent[1].call, CallOutcome::kMaybeExecuted);
  lane.Write({14});
  CHECK(lane.sent.size() == 2);
  lane.Advance(absl::Milliseconds(49));
  CHECK(lane.sent.size() == 2);
  lane.Advance(absl::Milliseconds(1));
  REQUIRE(lane.sent.size() == 3);
  CHECK(lane.sent[2].ids == Ids{11, 12, 13, 14});
  lane.Answer(lane.sent[2].call, {{0, 46}, {1, 46}, {2, 1}, {3, 46}});
  CHECK(lane.Outcome(1) == "ok");
  CHECK(lane.Outcome(2) == "ok");
  CHECK(lane.Outcome(3) == "ok 0:46");
}

TEST_CASE("a call that hangs on the old node is cancelled and goes first on the new route",
          "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Hold();
  lane.Write({12});
  const bool route_first = GENERATE(true, false);
  CAPTURE(route_first);
  lane.Route("target", 2);
  CHECK(lane.cancelled == std::vector<CallId>{lane.sent[0].call});
  if (!route_first) lane.Fail(lane.sent[0].call, CallOutcome::kMaybeExecuted);
  lane.Release();
  if (route_first) {
    CHECK(lane.sent.size() == 1);  // The drain waits for its end.
    lane.Write({13});
    lane.Fail(lane.sent[0].call, CallOutcome::kMaybeExecuted);
  }
  REQUIRE(lane.sent.size() == 2);
  CHECK(lane.sent[1].node_id == "target");
  CHECK(lane.sent[1].ids == (route_first ? Ids{11, 12, 13} : Ids{11, 12}));
  lane.Answer(lane.sent[1].call, {{0, 46}}, 2);
  CHECK(lane.Outcome(1) == "ok");
}

TEST_CASE("without a hold a new route leaves the calls under way alone", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Route("target", 0);
  CHECK(lane.cancelled.empty());
  lane.Write({12});
  REQUIRE(lane.sent.size() == 2);
  CHECK(lane.sent[1].node_id == "target");
  lane.Fail(lane.sent[0].call, CallOutcome::kNotExecuted);
  REQUIRE(lane.sent.size() == 3);  // At once: it is another node.
  CHECK(lane.sent[2].node_id == "target");
}

TEST_CASE("past its bounds a hold turns writes away clearly", "[gateway][lane]") {
  LaneDriver lane;
  SECTION("requests") {
    lane.Hold({.max_requests = 2});
    for (int64_t id = 1; id <= 3; ++id) lane.Write({id});
    CHECK(lane.Outcome(3) == "RESOURCE_EXHAUSTED");
    CHECK(lane.Outcome(2).empty());
  }
  SECTION("bytes") {
    lane.Hold({.max_bytes = EncodedBytes(Transfers({1})) + 3});
    lane.Write({1});
    lane.Write({2});
    CHECK(lane.Outcome(1).empty());
    CHECK(lane.Outcome(2) == "RESOURCE_EXHAUSTED");
  }
  SECTION("time") {
    lane.Hold({.max_hold = absl::Seconds(20)});
    lane.Write({1});
    lane.Advance(absl::Seconds(19));
    lane.Write({2});
    CHECK(lane.Outcome(1).empty());
    CHECK(lane.lane.NextTick() == lane.now + absl::Seconds(1));
    lane.Advance(absl::Seconds(1));
    CHECK(lane.Outcome(1) == "RESOURCE_EXHAUSTED");
    CHECK(lane.Outcome(2).empty());
  }
  SECTION("a repeat of the hold sets new bounds") {
    lane.Hold();
    for (int64_t id = 1; id <= 3; ++id) lane.Write({id});
    lane.Hold({.max_requests = 1});
    CHECK(lane.Outcome(1).empty());
    CHECK(lane.Outcome(2) == "RESOURCE_EXHAUSTED");
    lane.Hold({.max_hold = absl::Milliseconds(1)});
    lane.Advance(absl::Milliseconds(1));
    CHECK(lane.Outcome(1) == "RESOURCE_EXHAUSTED");
  }
  SECTION("what came back counts, and the newest go") {
    lane.Write({1});
    lane.Hold({.max_requests = 1});
    lane.Write({2});
    lane.Fail(lane.sent[0].call, CallOutcome::kNotExecuted);
    CHECK(lane.Outcome(2) == "RESOURCE_EXHAUSTED");
    CHECK(lane.Outcome(1).empty());
  }
}

TEST_CASE("what may have been executed is never called not executed", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Fail(lane.sent[0].call, CallOutcome::kMaybeExecuted);
  lane.Advance(absl::Milliseconds(50));
  lane.Fail(lane.sent[1].call, CallOutcome::kNotExecuted);  // Now sealed; before, who knows.
  lane.Hold();
  lane.Advance(absl::Seconds(10));
  CHECK(lane.Outcome(1) == "UNAVAILABLE");
}

TEST_CASE("a route that does not work is tried every 50 to 100 ms for 10 s", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({11});
  lane.Fail(lane.sent[0].call, CallOutcome::kNotExecuted);
  const absl::Duration begin = lane.now;
  while (lane.Outcome(1).empty()) {
    const absl::Duration next = lane.lane.NextTick();
    REQUIRE(next != absl::InfiniteDuration());
    REQUIRE(next - lane.now <= absl::Milliseconds(100));
    const size_t before = lane.sent.size();
    lane.Advance(next - lane.now);
    if (lane.sent.size() > before) lane.Fail(lane.sent.back().call, CallOutcome::kNotExecuted);
  }
  CHECK(lane.Outcome(1) == "RESOURCE_EXHAUSTED");
  CHECK(lane.now - begin == absl::Seconds(10));
  CHECK(lane.sent.size() > 90);
  CHECK(lane.sent.size() < 210);
}

TEST_CASE("release gives long-held writes time to leave", "[gateway][lane]") {
  LaneDriver lane;
  lane.Hold({.max_hold = absl::Seconds(20)});
  lane.Write({1});
  lane.Advance(absl::Seconds(19));
  lane.Release();
  lane.Fail(lane.sent[0].call, CallOutcome::kNotExecuted);
  lane.Advance(absl::Seconds(5));
  CHECK(lane.Outcome(1).empty());
  CHECK(lane.sent.size() == 2);
}

TEST_CASE("the epoch is the route's, or what the routed node told", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({1});
  CHECK(lane.sent[0].epoch == 0);
  lane.Answer(lane.sent[0].call, {}, 4);
  lane.Write({2});
  CHECK(lane.sent[1].epoch == 4);

  SECTION("a route of a lower epoch is refused") {
    CHECK(lane.lane.CheckRoute({.node_id = "target", .epoch = 3}).code() ==
          absl::StatusCode::kFailedPrecondition);
    CHECK(lane.lane.CheckRoute({.node_id = "target", .epoch = 4}).ok());
    CHECK(lane.lane.CheckRoute({.node_id = "target", .epoch = 0}).ok());
  }
  SECTION("the owner says that it opened a newer epoch: sent again at once") {
    pb::NotOwner not_owner;
    not_owner.set_owner("source");
    not_owner.set_epoch(6);
    lane.Collect(lane.lane.CallEnded(lane.sent[1].call,
                                     {.outcome = CallOutcome::kNotExecuted,
                                      .error = absl::FailedPreconditionError("epoch"),
                                      .not_owner = not_owner},
                                     lane.now));
    REQUIRE(lane.sent.size() == 3);
    CHECK(lane.sent[2].epoch == 6);
  }
  SECTION("what one node told is not believed of another") {
    lane.Route("target", 0);
    lane.Write({3});
    CHECK(lane.sent[2].epoch == 0);
    lane.Answer(lane.sent[1].call, {}, 5);
    lane.Write({4});
    CHECK(lane.sent[3].epoch == 0);
  }
}

TEST_CASE("a joined call that is refused for one write's sake is sent in its parts",
          "[gateway][lane]") {
  LaneDriver lane;
  lane.Hold();
  lane.Write({11});
  lane.Write({12});
  lane.Release();
  lane.Fail(lane.sent[0].call, CallOutcome::kRefused);
  REQUIRE(lane.sent.size() == 2);
  CHECK(lane.sent[1].ids == Ids{11});
  lane.Fail(lane.sent[1].call, CallOutcome::kRefused);
  CHECK(lane.Outcome(1) == "INVALID_ARGUMENT");
  REQUIRE(lane.sent.size() == 3);
  lane.Answer(lane.sent[2].call);
  CHECK(lane.Outcome(2) == "ok");
}

TEST_CASE("what is under way is bounded without a hold too", "[gateway][lane]") {
  LaneDriver lane;
  for (uint64_t count = 0; count < kLaneRequestsMax; ++count) lane.Write({1});
  CHECK(lane.Outcome(kLaneRequestsMax).empty());
  CHECK(lane.Outcome(lane.Write({1})) == "RESOURCE_EXHAUSTED");
  lane.Answer(lane.sent[0].call);
  CHECK(lane.Outcome(lane.Write({1})).empty());
}

TEST_CASE("a stopped lane leaves no write without an answer", "[gateway][lane]") {
  LaneDriver lane;
  lane.Write({1});
  lane.Hold();
  lane.Write({2});
  lane.Collect(lane.lane.Stop());
  CHECK(lane.Outcome(2) == "UNAVAILABLE");
  CHECK(lane.cancelled.size() == 1);
  lane.Fail(lane.sent[0].call, CallOutcome::kMaybeExecuted);
  CHECK(lane.Outcome(1) == "UNAVAILABLE");
  CHECK(lane.Outcome(lane.Write({3})) == "UNAVAILABLE");
}

}  // namespace
}  // namespace ledger
