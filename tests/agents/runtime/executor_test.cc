#include "agents/runtime/executor.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace agents {
namespace {

constexpr char kAction[] = "hamisha.action.v1.LedgerSeal";

struct OrderSpec {
  std::string step = "seal";
  std::string fence = "";
  uint32_t attempt = 1;
  uint64_t term = 1;
  pb::Mode mode = pb::MODE_APPLY;
  std::string host = "source-0";
  std::string action = kAction;
  char plan = 'p';
};

pb::Order OrderOf(const OrderSpec& spec) {
  pb::Order order;
  order.mutable_key()->set_run("run-1");
  order.mutable_key()->set_step(spec.step);
  order.mutable_key()->set_host(spec.host);
  order.mutable_key()->set_attempt(spec.attempt);
  order.set_term(spec.term);
  order.set_plan_digest(std::string(32, spec.plan));
  order.set_mode(spec.mode);
  order.mutable_action()->set_type_url(absl::StrCat("type.googleapis.com/", spec.action));
  order.set_fence_step(spec.fence);
  return order;
}

DriverEnded EndOf(const pb::Order& order, pb::Outcome outcome = pb::OUTCOME_SUCCEEDED) {
  DriverEnded ended;
  *ended.result.mutable_key() = order.key();
  ended.result.set_outcome(outcome);
  return ended;
}

std::string KeyText(const pb::OrderKey& key) {
  return absl::StrCat(key.step(), "#", key.attempt());
}

std::string EntryText(const pb::LogEntry& entry) {
  switch (entry.kind_case()) {
    case pb::LogEntry::kTermRaised: return absl::StrCat("log term ", entry.term_raised());
    case pb::LogEntry::kRunBegun: return "log run";
    case pb::LogEntry::kStepFenced: return absl::StrCat("log fence ", entry.step_fenced().step());
    case pb::LogEntry::kOrderStarted:
      return absl::StrCat("log started ", KeyText(entry.order_started()));
    case pb::LogEntry::kOrderEnded:
      return absl::StrCat("log ended ", KeyText(entry.order_ended().key()));
    case pb::LogEntry::kResultAcknowledged:
      return absl::StrCat("log acknowledged ", KeyText(entry.result_acknowledged()));
    case pb::LogEntry::KIND_NOT_SET: break;
  }
  return "log nothing";
}

std::string EffectText(const Effect& effect) {
  if (const auto* append = std::get_if<AppendLog>(&effect)) return EntryText(append->entry);
  if (const auto* start = std::get_if<StartDriver>(&effect)) {
    return absl::StrCat("start ", KeyText(start->order.key()));
  }
  if (const auto* cancel = std::get_if<CancelDriver>(&effect)) {
    return absl::StrCat("cancel ", KeyText(cancel->key));
  }
  if (std::holds_alternative<CloseStream>(effect)) return "close";
  const pb::AgentMessage& message = std::get<SendMessage>(effect).message;
  if (message.has_progress()) return absl::StrCat("progress ", KeyText(message.progress().key()));
  return absl::StrCat("send ", KeyText(message.result().key()), " ",
                      pb::Outcome_Name(message.result().outcome()).substr(8));
}

// What the executor wants done, as text.
std::vector<std::string> Texts(const std::vector<Effect>& effects) {
  std::vector<std::string> texts;
  for (const Effect& effect : effects) texts.push_back(EffectText(effect));
  return texts;
}

using Strings = std::vector<std::string>;

// An executor with a log that survives it.
struct Host {
  Host() { Restart(); }

  Strings Do(const Event& event) { return Keep(executor->Handle(event)); }
  Strings Receive(const OrderSpec& spec) { return Do(OrderReceived{OrderOf(spec)}); }

  Strings Restart() {
    executor.emplace("source-0", std::set<std::string>{kAction});
    for (const pb::LogEntry& entry : log) executor->Recover(entry);
    return Keep(executor->Recovered());
  }

  Strings Keep(const std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      if (const auto* append = std::get_if<AppendLog>(&effect)) log.push_back(append->entry);
      if (const auto* send = std::get_if<SendMessage>(&effect)) {
        if (send->message.has_result()) last_message = send->message.result().message();
      }
    }
    return Texts(effects);
  }

  std::vector<pb::LogEntry> log;
  std::optional<Executor> executor;
  std::string last_message;
};

TEST_CASE("an order is written down before it begins, and its result before it is sent",
          "[executor]") {
  Host host;
  host.Do(Connected{1});
  CHECK(host.Receive({}) == Strings{"log run", "log started seal#1", "start seal#1"});
  CHECK(host.Do(EndOf(OrderOf({}))) == Strings{"log ended seal#1", "send seal#1 SUCCEEDED"});
  CHECK(host.Do(ResultAcknowledged{OrderOf({}).key()}) == Strings{"log acknowledged seal#1"});
}

TEST_CASE("a repeated order begins no second time", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({});
  CHECK(host.Receive({}) == Strings{"progress seal#1"});
  host.Do(EndOf(OrderOf({})));
  CHECK(host.Receive({}) == Strings{"send seal#1 SUCCEEDED"});

  SECTION("also after the agent's restart") {
    host.Restart();
    host.Do(Connected{1});
    CHECK(host.Receive({}) == Strings{"send seal#1 SUCCEEDED"});
  }
  SECTION("also once its result was acknowledged") {
    host.Do(ResultAcknowledged{OrderOf({}).key()});
    CHECK(host.Receive({}) == Strings{"send seal#1 SUCCEEDED"});
  }
}

TEST_CASE("an order that was running when the agent ended is answered unknown", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({});
  CHECK(host.Restart() == Strings{"log ended seal#1"});
  CHECK(host.Do(Connected{1}) == Strings{"send seal#1 UNKNOWN"});
  CHECK_THAT(host.last_message, Catch::Contains("probe"));
  CHECK(host.Receive({}) == Strings{"send seal#1 UNKNOWN"});
}

TEST_CASE("a result is sent until it is acknowledged", "[executor]") {
  Host host;
  host.Receive({});
  CHECK(host.Do(EndOf(OrderOf({}))) == Strings{"log ended seal#1"});  // Nobody is connected.
  CHECK(host.Do(Connected{1}) == Strings{"send seal#1 SUCCEEDED"});
  CHECK(host.Do(Ticked{}).empty());
  CHECK(host.Do(Ticked{}) == Strings{"send seal#1 SUCCEEDED"});
  host.Do(Disconnected{});
  CHECK(host.Do(Connected{1}) == Strings{"send seal#1 SUCCEEDED"});
  host.Do(ResultAcknowledged{OrderOf({}).key()});
  CHECK(host.Do(ResultAcknowledged{OrderOf({}).key()}).empty());
  CHECK(host.Do(Connected{1}).empty());
}

TEST_CASE("nothing of a lower term is obeyed", "[executor]") {
  Host host;
  CHECK(host.Do(Connected{3}) == Strings{"log term 3"});
  CHECK(host.Receive({.term = 2}) == Strings{"close"});
  CHECK(host.Receive({.term = 4}) ==
        Strings{"log term 4", "log run", "log started seal#1", "start seal#1"});
  host.Restart();
  CHECK(host.executor->term_highest() == 4);
  CHECK(host.Do(Connected{3}) == Strings{"close"});
  CHECK(host.Receive({.step = "open", .term = 3}) == Strings{"close"});
}

TEST_CASE("what has not begun is forgotten when a higher term comes", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({.attempt = 1});
  CHECK(host.Receive({.attempt = 2}).empty());  // Waits for the first attempt.
  host.Do(Connected{2});
  CHECK(host.Do(EndOf(OrderOf({.attempt = 1}))) ==
        Strings{"log ended seal#1", "send seal#1 SUCCEEDED"});
  CHECK(host.Receive({.attempt = 2, .term = 2}) == Strings{"log started seal#2", "start seal#2"});
}

TEST_CASE("orders that cannot be obeyed are answered, and the answer stands", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({.step = "earlier"});
  struct Row {
    OrderSpec spec;
    std::string answer;
    std::string says;
  };
  const auto row = GENERATE(values<Row>({
      {{.plan = 'q'}, "FAILED", "another plan"},
      {{.mode = pb::MODE_PROBE, .plan = 'q'}, "UNKNOWN", "another plan"},
      {{.mode = pb::MODE_UNSPECIFIED}, "FAILED", "mode 0"},
      {{.mode = static_cast<pb::Mode>(77)}, "FAILED", "mode 77"},
      {{.action = "hamisha.action.v1.Unheard"}, "FAILED", "no driver for"},
      {{.host = "source-1"}, "FAILED", "this agent is 'source-0'"},
      {{.attempt = 0}, "FAILED", "does not say"},
      {{.fence = "seal"}, "FAILED", "fences off its own step"},
  }));
  const std::string key = absl::StrCat("seal#", row.spec.attempt);
  CHECK(host.Receive(row.spec) ==
        Strings{absl::StrCat("log ended ", key), absl::StrCat("send ", key, " ", row.answer)});
  CHECK_THAT(host.last_message, Catch::Contains(row.says));
  host.Restart();
  host.Do(Connected{1});
  OrderSpec correct = {.attempt = row.spec.attempt, .host = row.spec.host};
  CHECK(host.Receive(correct) == Strings{absl::StrCat("send ", key, " ", row.answer)});
}

TEST_CASE("what was fenced off never begins, for ever", "[executor]") {
  Host host;
  host.Do(Connected{1});
  CHECK(host.Receive({.step = "seal/back/0", .fence = "seal", .mode = pb::MODE_BACK}) ==
        Strings{"log run", "log fence seal", "log started seal/back/0#1", "start seal/back/0#1"});
  const bool restart = GENERATE(false, true);
  if (restart) {
    host.Restart();
    host.Do(Connected{1});
  }
  CHECK(host.Receive({}) == Strings{"log ended seal#1", "send seal#1 FAILED"});
  CHECK(host.last_message == "fenced off: never begins");
  CHECK(host.Receive({.attempt = 2}) == Strings{"log ended seal#2", "send seal#2 FAILED"});
}

TEST_CASE("a fence cancels what runs, refuses what waits and begins after both", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({.attempt = 1});
  host.Receive({.attempt = 2});  // Waits.
  CHECK(host.Receive({.step = "seal/probe", .fence = "seal", .mode = pb::MODE_PROBE}) ==
        Strings{"log fence seal", "log ended seal#2", "send seal#2 FAILED", "cancel seal#1"});
  CHECK(host.Do(EndOf(OrderOf({}), pb::OUTCOME_UNKNOWN)) ==
        Strings{"log ended seal#1", "send seal#1 UNKNOWN", "log started seal/probe#1",
                "start seal/probe#1"});
}

TEST_CASE("orders of other steps run side by side", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({.step = "seal"});
  CHECK(host.Receive({.step = "observe"}) == Strings{"log started observe#1", "start observe#1"});
  CHECK(host.Receive({.step = "seal/back/0"}).empty());
  CHECK(host.Receive({.step = "seal#2"}).empty());
  CHECK(host.Do(EndOf(OrderOf({.step = "seal"}))) ==
        Strings{"log ended seal#1", "send seal#1 SUCCEEDED", "log started seal/back/0#1",
                "start seal/back/0#1"});
}

TEST_CASE("when the agent ends, what waits leaves no trace", "[executor]") {
  Host host;
  host.Do(Connected{1});
  host.Receive({.attempt = 1});
  host.Receive({.attempt = 2});
  CHECK(host.Do(Stopping{}).empty());
  CHECK(host.Receive({.attempt = 3}).empty());
  CHECK(host.Do(EndOf(OrderOf({}))) == Strings{"log ended seal#1", "send seal#1 SUCCEEDED"});
  host.Restart();
  CHECK(host.Receive({.attempt = 2}) == Strings{"log started seal#2", "start seal#2"});
}

}  // namespace
}  // namespace agents
