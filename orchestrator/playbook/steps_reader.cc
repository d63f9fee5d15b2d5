#include "orchestrator/playbook/steps_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr size_t kIdLettersMax = 64;  // As of names, prefix included.
constexpr uint64_t kWaveHostsMax = 1'000'000;

size_t CountSteps(const Playbook& playbook, const std::vector<PlaybookStep>& steps) {
  size_t count = steps.size();
  for (const PlaybookPhase& phase : playbook.phases) count += phase.steps.size();
  return count;
}

std::optional<WaveSize> ReadWave(const Value& value, Problems& problems) {
  const auto text = ReadText(value, "serial", problems);
  if (!text.has_value()) return std::nullopt;
  absl::string_view digits = *text;
  const bool percent = absl::ConsumeSuffix(&digits, "%");
  uint64_t number = 0;
  const bool is_number = !digits.empty() &&
                         std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
                         absl::SimpleAtoi(digits, &number);
  if (is_number && number >= 1 && number <= (percent ? 100 : kWaveHostsMax)) {
    return WaveSize{.number = static_cast<uint32_t>(number), .percent = percent};
  }
  problems.Add(value.place, absl::StrCat("'serial' is ", Quoted(*text),
                                         ": write how many hosts at a time, like 1 or 25%"));
  return std::nullopt;
}

std::vector<WaveSize> ReadWaves(const Value& value, Problems& problems) {
  std::vector<WaveSize> waves;
  if (value.kind == Value::Kind::kScalar) {
    if (const auto wave = ReadWave(value, problems)) waves.push_back(*wave);
    return waves;
  }
  const std::vector<Value>* items = ReadList(value, "serial", problems);
  if (items == nullptr) return waves;
  for (const Value& item : *items) {
    if (const auto wave = ReadWave(item, problems)) waves.push_back(*wave);
  }
  return waves;
}

}  // namespace

void StepsReader::Read(const Value& list, const StepsScope& scope,
                       std::vector<PlaybookStep>& steps) {
  const std::vector<Value>* items = ReadList(list, "steps", problems_);
  if (items == nullptr) return;
  for (const Value& item : *items) {
    const bool too_many =
        CountSteps(playbook_, steps) >= kStepsMax || playbook_.includes.size() >= kStepsMax;
    if (too_many) {
      if (!std::exchange(playbook_.too_many_steps, true)) {
        problems_.Add(item.place, absl::StrCat("the playbook has more than ", kStepsMax,
                                               " steps: write at most so many"));
      }
      return;
    }
    if (item.Find("include") != nullptr) {
      ReadInclude(item, scope, steps);
    } else {
      steps.push_back(item.Find("approval") != nullptr ? ReadGate(item, scope)
                                                       : ReadStep(item, scope));
    }
  }
}

// `id`, `needs` and what is included are fixed; expressions read variables by themselves.
Value StepsReader::WithVariables(const Value& item, const StepsScope& scope) {
  Value replaced = item;
  for (size_t i = 0; i < item.keys.size(); ++i) {
    const std::string& key = item.keys[i].text;
    if (key == "id" || key == "needs" || key == "when" || key == "until") continue;
    replaced.values[i] = scope.vars->Replace(item.values[i], problems_);
  }
  return replaced;
}

void StepsReader::ReadInclude(const Value& value, const StepsScope& scope,
                              std::vector<PlaybookStep>& steps) {
  PlaybookInclude include;
  include.place = value.place;
  include.scope = scope.prefix;
  include.parent = scope.include;
  Fields fields(value, IncludeSpec(), problems_);
  const Value* path = fields.Get("include");
  const std::optional<Located> id = ReadId(fields, scope);
  Variables given;
  if (const Value* vars = fields.Get("vars")) {
    given = Variables(scope.vars->Replace(*vars, problems_), problems_);
    for (const Value& key : vars->keys) include.given.push_back({key.text, key.place});
  }
  if (const Value* needs = fields.Get("needs")) {
    include.needs = ReadNames(*needs, "needs", true, problems_);
  }
  fields.RefuseOthers();
  const Value* root = path == nullptr ? nullptr : FindIncluded(*path, scope);
  if (root == nullptr || !id.has_value()) return;
  include.path = path->text;
  include.id = id->text;
  include.vars = std::make_shared<Variables>();
  StepsScope inner{.prefix = absl::StrCat(id->text, "."),
                   .vars = include.vars,
                   .on_failure = scope.on_failure,
                   .include = static_cast<int32_t>(playbook_.includes.size()),
                   .within = scope.within};
  inner.within.push_back(path->text);
  playbook_.includes.push_back(std::move(include));
  ReadIncluded(*root, std::move(inner), given, steps);
}

// The parsed file; nullptr, with a problem, when it cannot be included here.
const Value* StepsReader::FindIncluded(const Value& path, const StepsScope& scope) {
  const auto text = ReadText(path, "include", problems_);
  if (!text.has_value()) return nullptr;
  if (!IsIncludePath(*text)) {
    problems_.Add(path.place, absl::StrCat("'include' is ", Quoted(*text),
                                           ": write a path from the playbook's folder, like "
                                           "blocks/freeze.yaml, without '..'"));
    return nullptr;
  }
  if (std::find(scope.within.begin(), scope.within.end(), *text) != scope.within.end()) {
    problems_.Add(path.place, absl::StrCat(Quoted(*text), " includes itself (by way of ",
                                           absl::StrJoin(scope.within, ", "),
                                           "): remove one of these includes"));
    return nullptr;
  }
  if (scope.within.size() >= kIncludeDepthMax) {
    problems_.Add(path.place, absl::StrCat("files are included more than ", kIncludeDepthMax,
                                           " deep: include ", Quoted(*text), " further out"));
    return nullptr;
  }
  if (!texts_.contains(*text)) {
    problems_.Add(path.place, absl::StrCat("included file ", Quoted(*text),
                                           " is not there: write its path from the playbook's "
                                           "folder",
                                           texts_.Paths().empty() ? "" : "; there are: ",
                                           absl::StrJoin(texts_.Paths(), ", ")));
    return nullptr;
  }
  return texts_.Parse(*text);
}

void StepsReader::ReadIncluded(const Value& root, StepsScope scope, const Variables& given,
                               std::vector<PlaybookStep>& steps) {
  Fields fields(root, StepsFileSpec(), problems_);
  ReadHeader(fields, StepsFileSpec(), problems_);
  if (const Value* metadata = fields.Get("metadata")) {
    Fields inner(*metadata, MetadataSpec(), problems_);
    if (const Value* name = inner.Get("name")) ReadName(*name, "name", problems_);
    if (const Value* text = inner.Get("description")) ReadText(*text, "description", problems_);
    if (const Value* author = inner.Get("author")) ReadName(*author, "author", problems_);
    inner.RefuseOthers();
  }
  if (const Value* vars = fields.Get("vars")) *scope.vars = Variables(*vars, problems_);
  scope.vars->Override(given);
  if (const Value* list = fields.Get("steps")) Read(*list, scope, steps);
  fields.RefuseOthers();
}

std::optional<Located> StepsReader::ReadId(Fields& fields, const StepsScope& scope) {
  const Value* value = fields.Get("id");
  if (value == nullptr) return std::nullopt;
  std::optional<Located> id = ReadName(*value, "id", problems_);
  if (!id.has_value()) return std::nullopt;
  id->text = absl::StrCat(scope.prefix, id->text);
  if (id->text.size() > kIdLettersMax) {
    problems_.Add(id->place, absl::StrCat("id ", Quoted(id->text), " has more than ", kIdLettersMax,
                                          " letters, its prefix included: shorten "
                                          "it, or that of the include"));
  }
  return id;
}

void StepsReader::ReadCommon(Fields& fields, const StepsScope& scope, PlaybookStep& step) {
  step.scope = scope.prefix;
  step.include = scope.include;
  step.vars = scope.vars;
  step.id = ReadId(fields, scope);
  step.name = step.id.has_value() ? step.id->text : "";
  if (const Value* name = fields.Get("name")) {
    step.name = ReadText(*name, "name", problems_).value_or(step.name);
  }
  if (const Value* needs = fields.Get("needs")) {
    step.needs = ReadNames(*needs, "needs", true, problems_);
  }
  step.when = ReadExpression(fields, "when");
  if (const Value* expected = fields.Get("expected_duration")) {
    step.expected_duration =
        ReadDuration(*expected, "expected_duration", problems_).value_or(absl::ZeroDuration());
  }
  step.on_failure = scope.on_failure;
  if (const Value* word = fields.Get("on_failure")) {
    step.on_failure =
        ReadWord(*word, *StepSpec().Find("on_failure"), problems_).value_or(scope.on_failure);
  }
}

PlaybookStep StepsReader::ReadGate(const Value& written, const StepsScope& scope) {
  const Value value = WithVariables(written, scope);
  PlaybookStep step;
  step.place = value.place;
  step.is_gate = true;
  Fields fields(value, GateSpec(), problems_);
  ReadCommon(fields, scope, step);
  if (const Value* approval = fields.Get("approval")) step.approval = ReadApproval(*approval);
  fields.RefuseOthers();
  return step;
}

std::optional<Approval> StepsReader::ReadApproval(const Value& value) {
  Fields fields(value, ApprovalSpec(), problems_);
  const Value* roles = fields.Get("roles");
  const Value* timeout = fields.Get("timeout");
  Approval approval;
  approval.place = value.place;
  approval.quorum = ReadNumberOf(fields, ApprovalSpec(), "quorum", 1);
  fields.RefuseOthers();
  if (roles == nullptr || timeout == nullptr) return std::nullopt;
  const auto names = ReadNames(*roles, "roles", false, problems_);
  const auto limit = ReadTimeout(*timeout, "timeout", problems_);
  if (!names.has_value() || !limit.has_value()) return std::nullopt;
  approval.roles = *names;
  approval.timeout = *limit;
  return approval;
}

PlaybookStep StepsReader::ReadStep(const Value& written, const StepsScope& scope) {
  const Value value = WithVariables(written, scope);
  PlaybookStep step;
  step.place = value.place;
  Fields fields(value, StepSpec(), problems_);
  ReadCommon(fields, scope, step);
  step.apply = ReadCall(fields, value);
  ReadRepeats(fields, step);
  if (const Value* rollback = fields.Get("rollback")) step.rollback = ReadRollback(*rollback);
  if (const Value* out = fields.Get("takes_out")) {
    step.takes_out = ReadBool(*out, "takes_out", problems_).value_or(false);
  }
  if (const Value* guardrails = fields.Get("guardrails")) {
    step.guardrails = ReadGuardrails(*guardrails, StepGuardrailSpec(), scope);
  }
  if (const Value* last = fields.Get("point_of_no_return")) {
    step.point_of_no_return = ReadBool(*last, "point_of_no_return", problems_).value_or(false);
  }
  fields.RefuseOthers();
  return step;
}

void StepsReader::ReadRepeats(Fields& fields, PlaybookStep& step) {
  step.until = ReadExpression(fields, "until");
  step.retries = ReadNumberOf(fields, StepSpec(), "retries", 0);
  step.max_fail_percentage = ReadNumberOf(fields, StepSpec(), "max_fail_percentage", 0);
  if (const Value* delay = fields.Get("delay")) {
    step.delay = ReadDuration(*delay, "delay", problems_).value_or(step.delay);
  }
  if (const Value* serial = fields.Get("serial")) step.serial = ReadWaves(*serial, problems_);
}

uint32_t StepsReader::ReadNumberOf(Fields& fields, const ObjectSpec& spec, absl::string_view key,
                                   uint32_t otherwise) {
  const FieldSpec& field = *spec.Find(key);
  const Value* value = fields.Get(key);
  if (value == nullptr) return otherwise;
  const auto number = ReadNumber(*value, key, field.largest, problems_);
  if (!number.has_value()) return otherwise;
  if (*number >= field.smallest) return static_cast<uint32_t>(*number);
  problems_.Add(value->place,
                absl::StrCat("'", key, "' is '", *number, "': write at least ", field.smallest));
  return otherwise;
}

std::vector<ActionCall> StepsReader::ReadRollback(const Value& value) {
  std::vector<ActionCall> calls;
  if (value.kind == Value::Kind::kSequence && value.values.empty()) return calls;
  const std::vector<Value>* items = ReadList(value, "rollback", problems_);
  if (items == nullptr) return calls;
  for (const Value& item : *items) {
    Fields fields(item, RollbackSpec(), problems_);
    if (!fields.is_map()) continue;
    calls.push_back(ReadCall(fields, item));
    fields.RefuseOthers();
  }
  return calls;
}

ActionCall StepsReader::ReadCall(Fields& fields, const Value& map) {
  ActionCall call;
  call.place = map.place;
  if (const Value* action = fields.Get("action")) {
    call.action = ReadName(*action, "action", problems_);
  }
  if (const Value* hosts = fields.Get("hosts")) {
    call.hosts = ReadNames(*hosts, "hosts", false, problems_);
  }
  if (const Value* with = fields.Get("with")) call.with = *with;
  if (const Value* timeout = fields.Get("timeout")) {
    call.timeout = ReadTimeout(*timeout, "timeout", problems_);
  }
  return call;
}

std::optional<Located> StepsReader::ReadExpression(Fields& fields, absl::string_view key) {
  const Value* value = fields.Get(key);
  if (value == nullptr) return std::nullopt;
  auto text = ReadText(*value, key, problems_);
  if (!text.has_value()) return std::nullopt;
  // A quoted scalar's letters begin behind the quote.
  const bool behind_quote = value->quoted && !absl::StrContains(*text, "\n");
  TextPlace place = value->place;
  if (behind_quote) ++place.column;
  return Located{.text = *std::move(text), .place = place};
}

}  // namespace orchestrator
