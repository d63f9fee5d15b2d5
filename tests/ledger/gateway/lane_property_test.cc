#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <random>
#include <set>

#include "tests/ledger/gateway/lane_driver.h"

namespace ledger {
namespace {

// A platform behind the lane: what was executed, and what the lane must have kept.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {}

  void Step() {
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
      case 3: Arrive(); break;
      case 4:
      case 5:
      case 6: EndSomeCall(); break;
      case 7: Hold(); break;
      case 8: Watch([&] { driver_.Release(); }, /*holding=*/false); break;
      case 9:
        Watch([&] { driver_.Route(random_() % 2 == 0 ? "source" : "target", 0); }, holding_);
        break;
      default:
        Watch([&] { driver_.Advance(absl::Milliseconds(random_() % 700)); }, holding_);
        break;
    }
  }

  // Everything works again: all is answered.
  void Finish() {
    Watch([&] { driver_.Release(); }, false);
    for (int round = 0; round < 1'000 && driver_.answers.size() < driver_.newest; ++round) {
      while (ended_ < driver_.sent.size() && !open_.empty()) EndCall(open_.front(), 0);
      Watch([&] { driver_.Advance(absl::Milliseconds(100)); }, false);
    }
    for (WriteId write = 1; write <= driver_.newest; ++write) {
      CAPTURE(write);
      REQUIRE(driver_.answer_counts[write] == 1);
    }
  }

 private:
  void Arrive() {
    std::vector<int64_t> ids(1 + random_() % 3);
    for (int64_t& id : ids) id = ++id_newest_;
    if (ids.size() > 1 && random_() % 3 == 0) {
      for (size_t index = 0; index + 1 < ids.size(); ++index) ids[index] = -ids[index];
    }
    const WriteId id = driver_.newest + 1;
    for (const int64_t one : ids) write_of_[static_cast<uint64_t>(one < 0 ? -one : one)] = id;
    batches_[id] = Transfers(ids);
    kept_.insert(id);  // Unless the effects say otherwise.
    Watch([&] { driver_.Write(ids); }, holding_);
  }

  void Hold() {
    bounds_ = {.max_hold = absl::Milliseconds(1 + random_() % 5'000),
               .max_requests = 1 + random_() % 8,
               .max_bytes = 20 + random_() % 400};
    Watch([&] { driver_.Hold(bounds_); }, true);
  }

  void EndSomeCall() {
    if (!open_.empty()) EndCall(open_[random_() % open_.size()], random_() % 4);
  }

  // 0: answered; 1: not executed; 2, 3: the connection broke, before or after it was executed.
  void EndCall(CallId call, uint64_t how) {
    open_.erase(std::find(open_.begin(), open_.end(), call));
    ++ended_;
    const SentCall sent = driver_.sent.at(call - 1);
    const auto results =
        how == 0 || how == 3 ? Execute(sent.ids) : std::vector<std::pair<uint32_t, uint32_t>>();
    for (const uint64_t id : sent.ids) kept_.insert(write_of_.at(id));
    Watch(
        [&] {
          if (how == 0) return driver_.Answer(call, results, 1);
          driver_.Fail(call, how == 1 ? CallOutcome::kNotExecuted : CallOutcome::kMaybeExecuted);
        },
        holding_);
  }

  // As a ledger does: chains are executed whole, and exist whole.
  std::vector<std::pair<uint32_t, uint32_t>> Execute(const std::vector<uint64_t>& ids) {
    std::vector<std::pair<uint32_t, uint32_t>> results;
    bool broken = false;
    for (uint32_t index = 0; index < ids.size(); ++index) {
      const WriteBatch& batch = batches_.at(write_of_.at(ids[index]));
      const std::vector<uint64_t> own = IdsOf(batch);
      const auto place =
          static_cast<uint32_t>(std::find(own.begin(), own.end(), ids[index]) - own.begin());
      if (broken) {
        results.emplace_back(index, 1);
      } else if (!executed_.insert(ids[index]).second) {
        results.emplace_back(index, 46);
        broken = IsLinked(batch, place);
      }
      if (!IsLinked(batch, place)) broken = false;
    }
    return results;
  }

  template <typename Action>
  void Watch(const Action& action, bool holding) {
    const size_t sent_before = driver_.sent.size();
    const auto answered_before = driver_.answers.size();
    holding_ = holding;
    action();
    for (size_t index = sent_before; index < driver_.sent.size(); ++index) {
      CheckSent(driver_.sent[index]);
    }
    if (driver_.answers.size() != answered_before) CheckAnswers();
    const LaneStatus status = driver_.lane.Status(driver_.now);
    REQUIRE(status.held_requests == kept_.size());
    REQUIRE(status.holding == holding_);
    if (holding_) {
      REQUIRE(status.held_requests <= bounds_.max_requests);
      REQUIRE(status.held_bytes <= bounds_.max_bytes);
      REQUIRE(status.held_longest <= bounds_.max_hold);
    }
  }

  // Nothing leaves while held, and nothing overtakes what is kept.
  void CheckSent(const SentCall& sent) {
    REQUIRE_FALSE(holding_);
    REQUIRE(std::is_sorted(sent.ids.begin(), sent.ids.end()));
    REQUIRE(sent.ids.size() <= 8'190);
    for (const uint64_t id : sent.ids) kept_.erase(write_of_.at(id));
    open_.push_back(sent.call);
    for (const auto& [write, answer] : driver_.answers) kept_.erase(write);
    if (!kept_.empty()) REQUIRE(*kept_.begin() > write_of_.at(sent.ids.back()));
  }

  void CheckAnswers() {
    for (const auto& [write, answer] : driver_.answers) {
      kept_.erase(write);
      if (!checked_.insert(write).second) continue;
      CAPTURE(write);
      REQUIRE(driver_.answer_counts.at(write) == 1);
      for (const uint64_t id : IdsOf(batches_.at(write))) {
        CAPTURE(id);
        if (answer.ok()) {
          REQUIRE(answer->results().empty());
          REQUIRE(executed_.contains(id));
        } else if (answer.status().code() == absl::StatusCode::kResourceExhausted) {
          REQUIRE_FALSE(executed_.contains(id));
        } else {
          REQUIRE(answer.status().code() == absl::StatusCode::kUnavailable);
        }
      }
    }
  }

  std::mt19937 random_;
  LaneDriver driver_;
  bool holding_ = false;
  LaneBounds bounds_;
  int64_t id_newest_ = 0;
  std::map<uint64_t, WriteId> write_of_;  // By transfer id.
  std::map<WriteId, WriteBatch> batches_;
  std::set<uint64_t> executed_;
  std::set<WriteId> kept_;
  std::set<WriteId> checked_;
  std::deque<CallId> open_;
  size_t ended_ = 0;
};

// Goal: whatever happens on the way, each write is answered once and truly, order and bounds kept.
// Method: random events against a ledger that remembers what it executed.
TEST_CASE("every write is answered exactly once, in order, within bounds",
          "[gateway][lane][property]") {
  const uint32_t seed = GENERATE(range(0U, 300U));
  CAPTURE(seed);
  World world(seed);
  for (int step = 0; step < 300; ++step) world.Step();
  world.Finish();
}

}  // namespace
}  // namespace ledger
