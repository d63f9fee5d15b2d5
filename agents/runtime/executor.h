#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/agent/v1/log.pb.h"

namespace agents {

namespace pb = ::hamisha::agent::v1;

// --- What happened ---
struct Connected {  // The orchestrator has answered Hello.
  uint64_t term;
};
struct Disconnected {};
struct OrderReceived {
  pb::Order order;
};
struct ResultAcknowledged {
  pb::OrderKey key;
};
struct DriverProgressed {
  pb::OrderKey key;
  std::string message;
};
struct DriverEnded {
  pb::OrderResult result;
};
struct Ticked {};    // Now and then: results that stay without an acknowledgement are sent again.
struct Stopping {};  // This program ends: nothing more begins. What has not begun leaves no trace.
using Event = std::variant<Connected, Disconnected, OrderReceived, ResultAcknowledged,
                           DriverProgressed, DriverEnded, Ticked, Stopping>;

// --- What is to be done, in this order ---
struct AppendLog {  // Durable before any effect that follows it.
  pb::LogEntry entry;
};
struct StartDriver {
  pb::Order order;
};
struct CancelDriver {  // One that only waits ends now; one that changes something goes on.
  pb::OrderKey key;
};
struct SendMessage {
  pb::AgentMessage message;
};
struct CloseStream {
  std::string reason;
};
using Effect = std::variant<AppendLog, StartDriver, CancelDriver, SendMessage, CloseStream>;

// Decides what an agent does with its orders:
//  - an order key begins at most once, ever; a repeat gets the stored result;
//  - nothing of a term below the highest one seen is obeyed;
//  - what a fence names and has not begun never begins;
//  - all orders of a run carry the same plan digest;
//  - orders that touch the same step run one after the other, all others side by side;
//  - every order that was accepted gets a result, sent until it is acknowledged.
// Pure: after a crash, a new Executor that is given the durable log entries goes on from there.
// Not thread-safe.
class Executor {
 public:
  // `actions`: full names of the messages of hamisha.action.v1 that there are drivers for.
  Executor(std::string host, std::set<std::string> actions);

  // First every entry of the log, in order; then Recovered(), once.
  void Recover(const pb::LogEntry& entry);
  // What was begun and has no result is answered UNKNOWN: a probe tells.
  std::vector<Effect> Recovered();

  std::vector<Effect> Handle(const Event& event);

  uint64_t term_highest() const { return term_highest_; }

 private:
  // pb::OrderKey, comparable.
  struct Key {
    std::string run;
    std::string step;
    std::string host;
    uint32_t attempt;
    friend bool operator==(const Key&, const Key&) = default;
    friend bool operator<(const Key& a, const Key& b) {
      return std::tie(a.run, a.step, a.host, a.attempt) <
             std::tie(b.run, b.step, b.host, b.attempt);
    }
  };
  using RunAndStep = std::pair<std::string, std::string>;

  enum class Stage : uint8_t { kWaiting, kRunning, kEnded };
  struct Entry {
    Stage stage = Stage::kWaiting;
    pb::Order order = {};         // Until it has ended.
    pb::OrderResult result = {};  // Once it has ended.
    uint32_t ticks_since_sent = 0;
    std::string progress = {};
  };

  static Key ToKey(const pb::OrderKey& key);

  void On(const Connected& event);
  void On(const Disconnected& event);
  void On(const OrderReceived& event);
  void On(const ResultAcknowledged& event);
  void On(const DriverProgressed& event);
  void On(const DriverEnded& event);
  void On(const Ticked& event);
  void On(const Stopping& event);

  void RaiseTerm(uint64_t term);
  void ForgetWaiting();
  std::string WhyRefused(const pb::Order& order) const;
  void Fence(const pb::Order& order);
  bool IsFenced(const Key& key) const { return fences_.contains({key.run, key.step}); }
  bool IsBlocked(const Key& key) const;
  void Refuse(const pb::Order& order, absl::string_view why);
  void End(const pb::OrderResult& result);
  void StartWhatMay();

  void Append(pb::LogEntry entry);
  void SendResult(const Key& key);
  void SendProgress(const Key& key);

  const std::string host_;
  const std::set<std::string> actions_;
  uint64_t term_highest_ = 0;
  std::map<std::string, std::string> plan_digests_;  // By run.
  std::set<RunAndStep> fences_;
  std::map<Key, Entry> orders_;
  std::vector<Key> waiting_;  // In order of arrival.
  std::set<Key> running_;
  std::set<Key> unacknowledged_;  // Ended.
  bool connected_ = false;
  bool stopping_ = false;
  std::vector<Effect> effects_;  // Of the event in hand.
};

}  // namespace agents
