// Goal: whatever is sent, repeated, delayed or lost, and wherever the agent crashes,
//   1. no order key begins twice;
//   2. nothing of a term below the highest obeyed one begins;
//   3. after a fence was made durable, nothing that it names begins;
//   4. orders of one step never run at the same time;
//   5. what has a result keeps it;
//   6. in the end every order has a result.
// Method: a random orchestrator, a log that loses what was not synced, crashes between effects.
#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agents/runtime/executor.h"

namespace agents {
namespace {

constexpr char kAction[] = "hamisha.action.v1.LedgerSeal";
const std::vector<std::string> kSteps = {"seal",         "seal#2",      "open",
                                         "seal/probe#2", "seal/back/0", "open/back/0"};

std::string Name(const pb::OrderKey& key) {
  return absl::StrCat(key.run(), "|", key.step(), "|", key.attempt());
}
std::string Root(const std::string& step) { return step.substr(0, step.find_first_of("/#")); }

// The world around one executor.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) { Start(); }

  void Step() {
    switch (Below(10)) {
      case 0:
      case 1:
      case 2: return Give(OrderReceived{RandomOrder()});
      case 3:
        if (sent_.empty()) return;
        return Give(OrderReceived{AtSomeTerm(sent_[Below(sent_.size())])});
      case 4:
      case 5:
      case 6: return EndOne();
      case 7: return Give(Ticked{});
      case 8: return Below(2) == 0 ? Give(Disconnected{}) : Give(Connected{term_});
      default: return Below(4) == 0 ? Crash() : Acknowledge();
    }
  }

  // The orchestrator of the newest term repeats everything until all is answered.
  void Finish() {
    may_crash_ = false;
    ++term_;
    Give(Connected{term_});
    for (int round = 0; round < 3; ++round) {
      for (pb::Order order : sent_) {
        order.set_term(term_);
        Give(OrderReceived{order});
      }
      while (!running_.empty()) EndOne();
    }
    for (const pb::Order& order : sent_) {
      CAPTURE(Name(order.key()));
      REQUIRE(results_.contains(Name(order.key())));
    }
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  pb::Order AtSomeTerm(pb::Order order) {
    if (Below(10) == 0) ++term_;
    order.set_term(Below(4) == 0 && term_ > 1 ? term_ - 1 : term_);
    return order;
  }

  pb::Order RandomOrder() {
    pb::Order order;
    order.mutable_key()->set_run(absl::StrCat("run-", Below(2)));
    order.mutable_key()->set_step(kSteps[Below(kSteps.size())]);
    order.mutable_key()->set_host("source-0");
    order.mutable_key()->set_attempt(static_cast<uint32_t>(1 + Below(4)));
    order.set_plan_digest(std::string(32, Below(20) == 0 ? 'q' : 'p'));
    order.set_mode(pb::MODE_APPLY);
    order.mutable_action()->set_type_url(absl::StrCat("type.googleapis.com/", kAction));
    const bool back = order.key().step().find('/') != std::string::npos;
    if (back && Below(2) == 0) {
      order.set_fence_step(absl::StrCat(Root(order.key().step()), Below(2) == 0 ? "" : "#2"));
    }
    sent_.push_back(order);
    return AtSomeTerm(order);
  }

  void Start() {
    executor_.emplace("source-0", std::set<std::string>{kAction});
    for (const pb::LogEntry& entry : durable_) executor_->Recover(entry);
    running_.clear();
    unsynced_.clear();
    Carry(executor_->Recovered());
    if (executor_->term_highest() < highest_durable_) FAIL("the highest term was forgotten");
  }

  void Give(const Event& event) { Carry(executor_->Handle(event)); }

  // As the shell does: what is appended is durable before the next effect of another kind.
  void Carry(const std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      if (may_crash_ && Below(60) == 0) return Crash();
      if (const auto* append = std::get_if<AppendLog>(&effect)) {
        unsynced_.push_back(append->entry);
        continue;
      }
      Sync();
      if (may_crash_ && Below(60) == 0) return Crash();
      if (const auto* start = std::get_if<StartDriver>(&effect)) Begin(start->order);
      if (const auto* send = std::get_if<SendMessage>(&effect)) Sent(send->message);
    }
  }

  void Sync() {
    for (const pb::LogEntry& entry : unsynced_) {
      durable_.push_back(entry);
      if (entry.has_step_fenced()) {
        fences_.insert(absl::StrCat(entry.step_fenced().run(), "|", entry.step_fenced().step()));
      }
      if (entry.kind_case() == pb::LogEntry::kTermRaised) highest_durable_ = entry.term_raised();
    }
    unsynced_.clear();
  }

  void Begin(const pb::Order& order) {
    const std::string name = Name(order.key());
    CAPTURE(name);
    REQUIRE(begun_.insert(name).second);
    REQUIRE(order.term() >= highest_durable_);
    REQUIRE_FALSE(fences_.contains(absl::StrCat(order.key().run(), "|", order.key().step())));
    REQUIRE_FALSE(results_.contains(name));
    for (const pb::Order& other : running_) {
      const bool same_step = other.key().run() == order.key().run() &&
                             Root(other.key().step()) == Root(order.key().step());
      REQUIRE_FALSE(same_step);
    }
    running_.push_back(order);
  }

  void Sent(const pb::AgentMessage& message) {
    if (!message.has_result()) return;
    const std::string name = Name(message.result().key());
    CAPTURE(name);
    const auto [known, is_new] = results_.emplace(name, message.result().outcome());
    REQUIRE(known->second == message.result().outcome());
    REQUIRE(message.result().outcome() != pb::OUTCOME_UNSPECIFIED);
    newest_ = message.result().key();
  }

  void EndOne() {
    if (running_.empty()) return;
    const size_t index = Below(running_.size());
    DriverEnded ended;
    *ended.result.mutable_key() = running_[index].key();
    ended.result.set_outcome(static_cast<pb::Outcome>(1 + Below(3)));
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
    Give(ended);
  }

  void Acknowledge() {
    if (newest_.has_value()) Give(ResultAcknowledged{*newest_});
  }

  // Of what was not synced, some first part may have reached the disk.
  void Crash() {
    unsynced_.resize(Below(unsynced_.size() + 1));
    Sync();
    const bool could = std::exchange(may_crash_, false);
    Start();
    may_crash_ = could;
  }

  std::mt19937 random_;
  bool may_crash_ = true;
  uint64_t term_ = 1;
  std::optional<Executor> executor_;
  std::vector<pb::LogEntry> durable_;
  std::vector<pb::LogEntry> unsynced_;
  std::vector<pb::Order> sent_;
  std::vector<pb::Order> running_;
  std::set<std::string> begun_;
  std::set<std::string> fences_;
  std::map<std::string, pb::Outcome> results_;
  std::optional<pb::OrderKey> newest_;
  uint64_t highest_durable_ = 0;
};

TEST_CASE("no crash, repeat, delay or old orchestrator makes an order begin twice or late",
          "[executor][property]") {
  const uint32_t seed = GENERATE(range(0U, 300U));
  CAPTURE(seed);
  World world(seed);
  for (int i = 0; i < 300; ++i) world.Step();
  world.Finish();
}

}  // namespace
}  // namespace agents
