#include "agents/runtime/executor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/invariant.h"

namespace agents {
namespace {

constexpr size_t kPlanDigestBytes = 32;
constexpr uint32_t kTicksBeforeResend = 2;
constexpr char kFencedOff[] = "fenced off: never begins";

// "type.googleapis.com/hamisha.action.v1.LedgerSeal" → "hamisha.action.v1.LedgerSeal".
std::string ActionType(const pb::Order& order) {
  const std::string& url = order.action().type_url();
  return url.substr(url.rfind('/') + 1);
}

// "seal", "seal#2" (a second attempt), "seal/back/0" and "seal/probe" all touch "seal".
std::string StepTouched(const std::string& step) {
  return step.substr(0, step.find_first_of("/#"));
}

bool TouchSameStep(const pb::Order& a, const pb::Order& b) {
  if (a.key().run() != b.key().run()) return false;
  for (const std::string* left : {&a.key().step(), &a.fence_step()}) {
    for (const std::string* right : {&b.key().step(), &b.fence_step()}) {
      if (!left->empty() && StepTouched(*left) == StepTouched(*right)) return true;
    }
  }
  return false;
}

bool IsKnownMode(pb::Mode mode) {
  switch (mode) {
    case pb::MODE_APPLY:
    case pb::MODE_BACK:
    case pb::MODE_UNDO:
    case pb::MODE_PROBE:
    case pb::MODE_CHECK: return true;
    case pb::MODE_UNSPECIFIED:
    case pb::Mode_INT_MIN_SENTINEL_DO_NOT_USE_:
    case pb::Mode_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  return false;
}

}  // namespace

Executor::Executor(std::string host, std::set<std::string> actions)
    : host_(std::move(host)), actions_(std::move(actions)) {}

Executor::Key Executor::ToKey(const pb::OrderKey& key) {
  return {.run = key.run(), .step = key.step(), .host = key.host(), .attempt = key.attempt()};
}

void Executor::Recover(const pb::LogEntry& entry) {
  switch (entry.kind_case()) {
    case pb::LogEntry::kTermRaised:
      term_highest_ = std::max(term_highest_, entry.term_raised());
      return;
    case pb::LogEntry::kRunBegun:
      plan_digests_[entry.run_begun().run()] = entry.run_begun().plan_digest();
      return;
    case pb::LogEntry::kStepFenced:
      fences_.emplace(entry.step_fenced().run(), entry.step_fenced().step());
      return;
    case pb::LogEntry::kOrderStarted: {
      const Key key = ToKey(entry.order_started());
      Entry& order = orders_[key];
      order.stage = Stage::kRunning;
      *order.order.mutable_key() = entry.order_started();
      running_.insert(key);
      return;
    }
    case pb::LogEntry::kOrderEnded: {
      const Key key = ToKey(entry.order_ended().key());
      orders_[key] = {.stage = Stage::kEnded, .result = entry.order_ended()};
      running_.erase(key);
      unacknowledged_.insert(key);
      return;
    }
    case pb::LogEntry::kResultAcknowledged:
      unacknowledged_.erase(ToKey(entry.result_acknowledged()));
      return;
    case pb::LogEntry::KIND_NOT_SET: return;
  }
}

std::vector<Effect> Executor::Recovered() {
  const std::set<Key> begun = running_;
  for (const Key& key : begun) {
    pb::OrderResult result;
    *result.mutable_key() = orders_[key].order.key();
    result.set_outcome(pb::OUTCOME_UNKNOWN);
    result.set_message(
        "the agent ended while this order was running, so what became of it is not known: probe "
        "the "
        "step before anything else is done about it");
    End(result);
  }
  return std::exchange(effects_, {});
}

std::vector<Effect> Executor::Handle(const Event& event) {
  INVARIANT(effects_.empty());
  std::visit([this](const auto& happened) { On(happened); }, event);
  return std::exchange(effects_, {});
}

void Executor::On(const Connected& event) {
  if (event.term < term_highest_) {
    effects_.push_back(CloseStream{
        absl::StrCat("this orchestrator's term is ", event.term, ", but one of term ",
                     term_highest_, " has been obeyed: stop the orchestrator that was replaced")});
    return;
  }
  RaiseTerm(event.term);
  connected_ = true;
  for (const Key& key : unacknowledged_) SendResult(key);
}

void Executor::On(const Disconnected& /*event*/) { connected_ = false; }

void Executor::On(const OrderReceived& event) {
  if (stopping_) return;
  const pb::Order& order = event.order;
  if (order.term() < term_highest_) {
    // No result: the orchestrator of the higher term may send this very key.
    effects_.push_back(CloseStream{absl::StrCat(
        "an order for step '", order.key().step(), "' has term ", order.term(), ", but term ",
        term_highest_, " has been obeyed: stop the orchestrator that was replaced")});
    return;
  }
  RaiseTerm(order.term());

  const Key key = ToKey(order.key());
  if (const auto known = orders_.find(key); known != orders_.end()) {
    if (known->second.stage == Stage::kEnded) return SendResult(key);
    return SendProgress(key);
  }
  if (const std::string why = WhyRefused(order); !why.empty()) return Refuse(order, why);

  if (plan_digests_.emplace(key.run, order.plan_digest()).second) {
    pb::LogEntry entry;
    entry.mutable_run_begun()->set_run(key.run);
    entry.mutable_run_begun()->set_plan_digest(order.plan_digest());
    Append(std::move(entry));
  }
  Fence(order);
  if (IsFenced(key)) {
    Refuse(order, kFencedOff);
    return StartWhatMay();  // What its fence has ended may have blocked another.
  }
  orders_[key] = {.stage = Stage::kWaiting, .order = order, .progress = "waits its turn"};
  waiting_.push_back(key);
  StartWhatMay();
}

void Executor::On(const ResultAcknowledged& event) {
  if (unacknowledged_.erase(ToKey(event.key)) == 0) return;
  pb::LogEntry entry;
  *entry.mutable_result_acknowledged() = event.key;
  Append(std::move(entry));
}

void Executor::On(const DriverProgressed& event) {
  const Key key = ToKey(event.key);
  const auto found = orders_.find(key);
  if (found == orders_.end() || found->second.stage != Stage::kRunning) return;
  found->second.progress = event.message;
  SendProgress(key);
}

void Executor::On(const DriverEnded& event) {
  INVARIANT(running_.contains(ToKey(event.result.key())));
  End(event.result);
  StartWhatMay();
}

void Executor::On(const Ticked& /*event*/) {
  for (const Key& key : unacknowledged_) {
    if (++orders_[key].ticks_since_sent >= kTicksBeforeResend) SendResult(key);
  }
}

void Executor::On(const Stopping& /*event*/) {
  stopping_ = true;
  ForgetWaiting();
}

void Executor::ForgetWaiting() {
  for (const Key& key : waiting_) orders_.erase(key);
  waiting_.clear();
}

// Orders of a lower term that have not begun are forgotten: the orchestrator of the new term knows
// of them from the journal and sends them again if it wants them.
void Executor::RaiseTerm(uint64_t term) {
  if (term <= term_highest_) return;
  term_highest_ = term;
  ForgetWaiting();
  pb::LogEntry entry;
  entry.set_term_raised(term);
  Append(std::move(entry));
}

// "" when the order is to be obeyed.
std::string Executor::WhyRefused(const pb::Order& order) const {
  const pb::OrderKey& key = order.key();
  if (key.run().empty() || key.step().empty() || key.attempt() == 0) {
    return "the order does not say its run, step and attempt: orchestrator and agent differ in "
           "version";
  }
  if (key.host() != host_) {
    return absl::StrCat("this agent is '", host_, "', not '", key.host(),
                        "': correct `host` in one agent's configuration");
  }
  if (!IsKnownMode(order.mode())) {
    return absl::StrCat("this agent does not know mode ", static_cast<int>(order.mode()),
                        ": orchestrator and agent differ in version");
  }
  if (!actions_.contains(ActionType(order))) {
    return absl::StrCat("this agent has no driver for '", ActionType(order),
                        "', only for: ", absl::StrJoin(actions_, ", "),
                        ". Check the step's `hosts`, and the agent's version and configuration");
  }
  if (order.plan_digest().size() != kPlanDigestBytes) {
    return "the order carries no plan digest of 32 bytes: orchestrator and agent differ in version";
  }
  const auto digest = plan_digests_.find(key.run());
  if (digest != plan_digests_.end() && digest->second != order.plan_digest()) {
    return absl::StrCat("the order belongs to another plan than the one that run '", key.run(),
                        "' began with: begin a new run for a changed plan");
  }
  if (order.fence_step() == key.step()) {
    return "the order fences off its own step, so it can never begin: this is a bug of the "
           "orchestrator";
  }
  return "";
}

void Executor::Fence(const pb::Order& order) {
  const RunAndStep fence{order.key().run(), order.fence_step()};
  if (fence.second.empty() || !fences_.insert(fence).second) return;
  pb::LogEntry entry;
  entry.mutable_step_fenced()->set_run(fence.first);
  entry.mutable_step_fenced()->set_step(fence.second);
  Append(std::move(entry));

  const auto is_fenced = [this](const Key& key) { return IsFenced(key); };
  std::vector<Key> never;
  std::copy_if(waiting_.begin(), waiting_.end(), std::back_inserter(never), is_fenced);
  std::erase_if(waiting_, is_fenced);
  for (const Key& key : never) {
    const pb::Order fenced = orders_[key].order;
    Refuse(fenced, kFencedOff);
  }
  for (const Key& key : running_) {
    if (IsFenced(key)) effects_.push_back(CancelDriver{orders_[key].order.key()});
  }
}

// By a running order, or by one that waits since before it.
bool Executor::IsBlocked(const Key& key) const {
  const pb::Order& order = orders_.at(key).order;
  for (const Key& other : running_) {
    if (TouchSameStep(order, orders_.at(other).order)) return true;
  }
  for (const Key& other : waiting_) {
    if (other == key) return false;
    if (TouchSameStep(order, orders_.at(other).order)) return true;
  }
  return false;
}

// A refusal is a result like any other and stands for ever. FAILED promises that the effect is not
// there; of a probe that would be a guess.
void Executor::Refuse(const pb::Order& order, absl::string_view why) {
  pb::OrderResult result;
  *result.mutable_key() = order.key();
  result.set_outcome(order.mode() == pb::MODE_PROBE ? pb::OUTCOME_UNKNOWN : pb::OUTCOME_FAILED);
  result.set_message(std::string(why));
  End(result);
}

void Executor::End(const pb::OrderResult& result) {
  const Key key = ToKey(result.key());
  orders_[key] = {.stage = Stage::kEnded, .result = result};
  running_.erase(key);
  unacknowledged_.insert(key);
  pb::LogEntry entry;
  *entry.mutable_order_ended() = result;
  Append(std::move(entry));
  SendResult(key);
}

void Executor::StartWhatMay() {
  const std::vector<Key> candidates = waiting_;
  for (const Key& key : candidates) {
    if (IsBlocked(key)) continue;
    Entry& entry = orders_[key];
    entry.stage = Stage::kRunning;
    entry.progress = "running";
    std::erase(waiting_, key);
    running_.insert(key);
    pb::LogEntry started;
    *started.mutable_order_started() = entry.order.key();
    Append(std::move(started));
    effects_.push_back(StartDriver{entry.order});
  }
}

void Executor::Append(pb::LogEntry entry) { effects_.push_back(AppendLog{std::move(entry)}); }

void Executor::SendResult(const Key& key) {
  Entry& entry = orders_[key];
  if (!connected_) return;
  entry.ticks_since_sent = 0;
  pb::AgentMessage message;
  *message.mutable_result() = entry.result;
  effects_.push_back(SendMessage{std::move(message)});
}

void Executor::SendProgress(const Key& key) {
  const Entry& entry = orders_[key];
  if (!connected_) return;
  pb::AgentMessage message;
  *message.mutable_progress()->mutable_key() = entry.order.key();
  message.mutable_progress()->set_message(entry.progress);
  effects_.push_back(SendMessage{std::move(message)});
}

}  // namespace agents
