#include "orchestrator/journal/records.h"

#include <google/protobuf/util/json_util.h>

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace orchestrator {
namespace {

using hamisha::agent::v1::Order;
using hamisha::agent::v1::OrderKey;
using hamisha::agent::v1::OrderResult;
using hamisha::orchestrator::v1::PersonAct;
using nlohmann::json;

// "MODE_APPLY" → "apply".
std::string ShortName(const std::string& name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

json ToJson(const OrderKey& key) {
  return {
      {"run", key.run()}, {"step", key.step()}, {"host", key.host()}, {"attempt", key.attempt()}};
}

json Printed(const google::protobuf::Any& action) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (google::protobuf::util::MessageToJsonString(action, &text, options).ok()) {
    json object = json::parse(text, nullptr, false);
    if (object.is_object()) return object;
  }
  return {{"@type", action.type_url()}, {"value", absl::Base64Escape(action.value())}};
}

// Printing takes longer than all else of an entry, and the orders of a step carry the same action:
// the newest ones are kept.
const json& ToJson(const google::protobuf::Any& action) {
  constexpr size_t kKeptMax = 256;
  thread_local std::map<std::pair<std::string, std::string>, json> kept;
  const std::pair<std::string, std::string> key = {action.type_url(), action.value()};
  if (const auto known = kept.find(key); known != kept.end()) return known->second;
  if (kept.size() >= kKeptMax) kept.clear();
  return kept.emplace(key, Printed(action)).first->second;
}

json ToJson(const Order& order) {
  return {{"key", ToJson(order.key())},
          {"mode", ShortName(hamisha::agent::v1::Mode_Name(order.mode()), "MODE_")},
          {"action", ToJson(order.action())},
          {"timeout_ms", order.timeout().seconds() * 1000 + order.timeout().nanos() / 1'000'000},
          {"fence_step", order.fence_step()},
          {"certificates", order.certificates_size()},
          {"sha256", base::ToHex(base::Sha256Of(order.SerializeAsString()))}};
}

// With what its signature is over (DSSE: type and payload), so that nothing of ours is needed to
// check it.
json ToJson(const hamisha::ledger::v1::Signed& certificate) {
  return {{"type", certificate.type()},
          {"signer", certificate.signer()},
          {"payload", absl::Base64Escape(certificate.payload())},
          {"signature", absl::Base64Escape(certificate.signature())}};
}

json ToJson(const OrderResult& result) {
  json facts = json::object();
  for (const auto& [name, value] : result.facts()) facts[name] = value;
  json obstacles = json::array();
  for (const auto& obstacle : result.obstacles()) {
    obstacles.push_back({{"what", obstacle.what()},
                         {"found", obstacle.found()},
                         {"limit", obstacle.limit()},
                         {"to_do", obstacle.to_do()},
                         {"blocks", obstacle.blocks()}});
  }
  json certificates = json::array();
  for (const auto& certificate : result.certificates()) {
    certificates.push_back(ToJson(certificate));
  }
  return {{"host", result.key().host()},
          {"step", result.key().step()},
          {"attempt", result.key().attempt()},
          {"outcome", ShortName(hamisha::agent::v1::Outcome_Name(result.outcome()), "OUTCOME_")},
          {"message", result.message()},
          {"facts", std::move(facts)},
          {"mismatch", result.mismatch()},
          {"refused", result.refused()},
          {"nothing_to_do", result.nothing_to_do()},
          {"obstacles", std::move(obstacles)},
          {"certificates", std::move(certificates)},
          {"result", absl::Base64Escape(result.SerializeAsString())}};
}

json ToJson(const SourceText& text) {
  json object = {{"path", text.path}, {"yaml", text.yaml}};
  for (const SourceText& included : text.includes) {
    object["includes"].push_back({{"path", included.path}, {"yaml", included.yaml}});
  }
  return object;
}

std::string ToText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

json ToJson(const std::optional<Window>& window) {
  if (!window.has_value()) return nullptr;
  return {{"start", ToText(window->start)},
          {"end", ToText(window->end)},
          {"rollback_reserve", absl::FormatDuration(window->rollback_reserve)}};
}

// Who, why, and what they saw; of signed acts also what was signed, byte for byte.
json ToJson(const PersonAct& act) {
  json object = {{"act", ShortName(hamisha::orchestrator::v1::Act_Name(act.act()), "ACT_")},
                 {"by", act.by()},
                 {"reason", act.reason()},
                 {"step", act.step()},
                 {"saw", act.saw()}};
  if (act.act() == hamisha::orchestrator::v1::ACT_RESOLVE) {
    object["host"] = act.host();
    object["outcome"] = ShortName(hamisha::agent::v1::Outcome_Name(act.outcome()), "OUTCOME_");
  }
  if (!act.delegate_to().empty()) object["delegate_to"] = act.delegate_to();
  if (!act.signature().empty()) {
    object["statement"] = absl::Base64Escape(act.statement());
    object["signature"] = absl::Base64Escape(act.signature());
  }
  return object;
}

absl::Status Lacks(const JournalEntry& entry, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("journal entry ", entry.seq, " (", entry.kind, ") has no ", what));
}

absl::StatusOr<std::string> TextAt(const JournalEntry& entry, const json& object,
                                   const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return Lacks(entry, name);
  return found->get<std::string>();
}

absl::StatusOr<SourceText> SourceAt(const JournalEntry& entry, const std::string& name) {
  const auto found = entry.data.find(name);
  if (found == entry.data.end() || !found->is_object()) return Lacks(entry, name);
  SourceText source;
  ASSIGN_OR_RETURN(source.path, TextAt(entry, *found, "path"));
  ASSIGN_OR_RETURN(source.yaml, TextAt(entry, *found, "yaml"));
  const auto includes = found->find("includes");  // Playbooks that include nothing have none.
  if (includes == found->end()) return source;
  if (!includes->is_array()) return Lacks(entry, "readable includes");
  for (const json& included : *includes) {
    SourceText& text = source.includes.emplace_back();
    ASSIGN_OR_RETURN(text.path, TextAt(entry, included, "path"));
    ASSIGN_OR_RETURN(text.yaml, TextAt(entry, included, "yaml"));
  }
  return source;
}

absl::StatusOr<absl::Time> TimeAt(const JournalEntry& entry, const json& object,
                                  const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, TextAt(entry, object, name));
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return Lacks(entry, absl::StrCat("readable ", name));
  }
  return time;
}

// "" without such a key.
std::string OptionalTextAt(const JournalEntry& entry, const std::string& name) {
  const auto found = entry.data.find(name);
  return found != entry.data.end() && found->is_string() ? found->get<std::string>() : "";
}

absl::StatusOr<std::optional<Window>> WindowAt(const JournalEntry& entry) {
  const auto found = entry.data.find("window");
  if (found == entry.data.end() || found->is_null()) return std::nullopt;
  if (!found->is_object()) return Lacks(entry, "readable window");
  Window window;
  ASSIGN_OR_RETURN(window.start, TimeAt(entry, *found, "start"));
  ASSIGN_OR_RETURN(window.end, TimeAt(entry, *found, "end"));
  ASSIGN_OR_RETURN(const std::string reserve, TextAt(entry, *found, "rollback_reserve"));
  if (!absl::ParseDuration(reserve, &window.rollback_reserve)) {
    return Lacks(entry, "readable rollback_reserve");
  }
  return window;
}

absl::StatusOr<PersonAct> ActAt(const JournalEntry& entry) {
  PersonAct act;
  hamisha::orchestrator::v1::Act kind = {};
  ASSIGN_OR_RETURN(const std::string name, TextAt(entry, entry.data, "act"));
  if (!hamisha::orchestrator::v1::Act_Parse(absl::StrCat("ACT_", absl::AsciiStrToUpper(name)),
                                            &kind)) {
    return Lacks(entry, "known act");
  }
  act.set_act(kind);
  ASSIGN_OR_RETURN(*act.mutable_by(), TextAt(entry, entry.data, "by"));
  ASSIGN_OR_RETURN(*act.mutable_reason(), TextAt(entry, entry.data, "reason"));
  ASSIGN_OR_RETURN(*act.mutable_step(), TextAt(entry, entry.data, "step"));
  ASSIGN_OR_RETURN(*act.mutable_saw(), TextAt(entry, entry.data, "saw"));
  act.set_host(OptionalTextAt(entry, "host"));
  act.set_delegate_to(OptionalTextAt(entry, "delegate_to"));
  hamisha::agent::v1::Outcome outcome = {};
  if (hamisha::agent::v1::Outcome_Parse(
          absl::StrCat("OUTCOME_", absl::AsciiStrToUpper(OptionalTextAt(entry, "outcome"))),
          &outcome)) {
    act.set_outcome(outcome);
  }
  if (!absl::Base64Unescape(OptionalTextAt(entry, "statement"), act.mutable_statement()) ||
      !absl::Base64Unescape(OptionalTextAt(entry, "signature"), act.mutable_signature())) {
    return Lacks(entry, "readable signature");
  }
  return act;
}

JournalEntry NewEntry(absl::Time time, std::string kind, json data) {
  JournalEntry entry;
  entry.time = time;
  entry.kind = std::move(kind);
  entry.data = std::move(data);
  return entry;
}

}  // namespace

std::string NameOf(RunState state) {
  return std::string(
      absl::StripPrefix(hamisha::orchestrator::v1::RunState_Name(state), "RUN_STATE_"));
}

JournalEntry ToEntry(const RunCreated& created, absl::Time time) {
  return NewEntry(
      time, "run_created",
      {{"run", created.run},
       {"plan", created.plan},
       {"plan_digest", created.plan_digest},
       {"kind", ShortName(hamisha::orchestrator::v1::RunKind_Name(created.kind), "RUN_KIND_")},
       {"submitted_by", created.submitted_by},
       {"salt", created.salt},
       {"go_back_after", created.go_back_after},
       {"window", ToJson(created.window)},
       {"playbook", ToJson(created.playbook)},
       {"inventory", ToJson(created.inventory)}});
}

JournalEntry ToEntry(const Event& event) {
  if (const auto* ended = std::get_if<OrderEnded>(&event.what)) {
    return NewEntry(event.time, "event", ToJson(ended->result));
  }
  if (const auto* acted = std::get_if<PersonActed>(&event.what)) {
    return NewEntry(event.time, "act", ToJson(acted->act));
  }
  if (const auto* came = std::get_if<AbortTimeCame>(&event.what)) {
    return NewEntry(
        event.time, "abort_time_came",
        {{"latest_safe_abort", ToText(came->latest_safe_abort)}, {"forecast", came->forecast}});
  }
  INVARIANT(!std::holds_alternative<Started>(event.what));
  const bool tick = std::holds_alternative<Tick>(event.what);
  return NewEntry(event.time, tick ? "tick" : "term_started", json::object());
}

JournalEntry ToEntry(const Effect& effect, absl::Time time) {
  if (const auto* send = std::get_if<SendOrder>(&effect)) {
    return NewEntry(time, "order_intent", ToJson(send->order));
  }
  const RunEnded& ended = std::get<RunEnded>(effect);
  return NewEntry(
      time, "run_ended",
      {{"state", absl::AsciiStrToLower(NameOf(ended.state))}, {"explanation", ended.explanation}});
}

JournalEntry ToRefusedEntry(const PersonAct& act, const std::string& why, absl::Time time) {
  json data = ToJson(act);
  data["refused"] = why;
  return NewEntry(time, "act_refused", std::move(data));
}

bool IsNote(const JournalEntry& entry) {
  return entry.kind == "act_refused" || entry.kind == "forecast";
}

absl::StatusOr<RunCreated> ToRunCreated(const JournalEntry& entry) {
  if (entry.kind != "run_created") return Lacks(entry, "run_created before it");
  RunCreated created;
  ASSIGN_OR_RETURN(created.run, TextAt(entry, entry.data, "run"));
  ASSIGN_OR_RETURN(created.plan, TextAt(entry, entry.data, "plan"));
  ASSIGN_OR_RETURN(created.plan_digest, TextAt(entry, entry.data, "plan_digest"));
  ASSIGN_OR_RETURN(created.submitted_by, TextAt(entry, entry.data, "submitted_by"));
  created.salt = OptionalTextAt(entry, "salt");
  ASSIGN_OR_RETURN(created.window, WindowAt(entry));
  ASSIGN_OR_RETURN(const std::string kind, TextAt(entry, entry.data, "kind"));
  created.go_back_after = entry.data.value("go_back_after", "");
  if (!hamisha::orchestrator::v1::RunKind_Parse(
          absl::StrCat("RUN_KIND_", absl::AsciiStrToUpper(kind)), &created.kind)) {
    return Lacks(entry, "known kind of run");
  }
  ASSIGN_OR_RETURN(created.playbook, SourceAt(entry, "playbook"));
  ASSIGN_OR_RETURN(created.inventory, SourceAt(entry, "inventory"));
  return created;
}

absl::StatusOr<std::optional<Event>> ToEvent(const JournalEntry& entry) {
  Event event{.time = entry.time, .what = Started{}};
  if (entry.kind == "run_created") {
    ASSIGN_OR_RETURN(RunCreated created, ToRunCreated(entry));
    event.what = Started{std::move(created.submitted_by), created.window};
    return event;
  }
  if (entry.kind == "order_intent" || entry.kind == "run_ended") return std::nullopt;
  if (IsNote(entry)) return std::nullopt;
  if (entry.kind == "tick") {
    event.what = Tick{};
  } else if (entry.kind == "term_started") {
    event.what = TermStarted{};
  } else if (entry.kind == "act") {
    ASSIGN_OR_RETURN(PersonAct act, ActAt(entry));
    event.what = PersonActed{std::move(act)};
  } else if (entry.kind == "abort_time_came") {
    AbortTimeCame came;
    ASSIGN_OR_RETURN(came.latest_safe_abort, TimeAt(entry, entry.data, "latest_safe_abort"));
    ASSIGN_OR_RETURN(came.forecast, TextAt(entry, entry.data, "forecast"));
    event.what = std::move(came);
  } else if (entry.kind == "event") {
    ASSIGN_OR_RETURN(const std::string text, TextAt(entry, entry.data, "result"));
    std::string bytes;
    OrderEnded ended;
    if (!absl::Base64Unescape(text, &bytes) || !ended.result.ParseFromString(bytes)) {
      return Lacks(entry, "readable result");
    }
    event.what = std::move(ended);
  } else {
    return absl::DataLossError(absl::StrCat("journal entry ", entry.seq, " is of unknown kind '",
                                            entry.kind, "': use the version that wrote it"));
  }
  return event;
}

}  // namespace orchestrator
