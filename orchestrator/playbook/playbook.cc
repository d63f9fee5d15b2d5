#include "orchestrator/playbook/playbook.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/suggest.h"
#include "orchestrator/playbook/variables.h"

namespace orchestrator {
namespace {

constexpr uint64_t kRetriesMax = 100;

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) {}

  Playbook Read(const Value& root) {
    Playbook playbook;
    Fields fields(root, "playbook", problems_);
    ReadHeader(fields, "Playbook", problems_);
    if (const Value* metadata = fields.Required("metadata")) ReadMetadata(*metadata, playbook);
    if (const Value* window = fields.Optional("window")) playbook.window = ReadWindow(*window);
    if (const Value* vars = fields.Optional("vars")) variables_ = Variables(*vars, problems_);
    if (const Value* phases = fields.Required("phases")) {
      if (const std::vector<Value>* items = ReadList(*phases, "phases", problems_)) {
        for (const Value& item : *items) playbook.phases.push_back(ReadPhase(item));
      }
    }
    fields.RefuseOthers();
    return playbook;
  }

 private:
  void ReadMetadata(const Value& value, Playbook& playbook) {
    Fields fields(value, "metadata", problems_);
    if (const Value* name = fields.Required("name")) {
      if (auto read = ReadName(*name, "name", problems_)) playbook.name = std::move(read->text);
    }
    if (const Value* description = fields.Optional("description")) {
      playbook.description = ReadText(*description, "description", problems_).value_or("");
    }
    fields.RefuseOthers();
  }

  std::optional<Window> ReadWindow(const Value& value) {
    Fields fields(value, "window", problems_);
    const Value* start = fields.Required("start");
    const Value* end = fields.Required("end");
    const Value* reserve = fields.Optional("rollback_reserve");
    fields.RefuseOthers();
    if (start == nullptr || end == nullptr) return std::nullopt;
    const auto start_time = ReadTime(*start, "start", problems_);
    const auto end_time = ReadTime(*end, "end", problems_);
    const auto reserved = reserve == nullptr
                              ? absl::ZeroDuration()
                              : ReadDuration(*reserve, "rollback_reserve", problems_);
    if (!start_time.has_value() || !end_time.has_value() || !reserved.has_value()) {
      return std::nullopt;
    }
    if (*end_time <= *start_time) {
      problems_.Add(end->place, "the window's 'end' is not after its 'start': write a later time");
      return std::nullopt;
    }
    if (*reserved >= *end_time - *start_time) {
      problems_.Add(reserve->place,
                    "'rollback_reserve' is as long as the window: write a shorter duration");
      return std::nullopt;
    }
    return Window{.start = *start_time, .end = *end_time, .rollback_reserve = *reserved};
  }

  PlaybookPhase ReadPhase(const Value& value) {
    PlaybookPhase phase;
    Fields fields(value, "phase", problems_);
    if (const Value* name = fields.Required("name"))
      phase.name = ReadName(*name, "name", problems_);
    const std::string on_failure = ReadOnFailure(fields.Optional("on_failure"), "stop");
    if (const Value* steps = fields.Required("steps")) {
      if (const std::vector<Value>* items = ReadList(*steps, "steps", problems_)) {
        for (const Value& item : *items) phase.steps.push_back(ReadStep(item, on_failure));
      }
    }
    fields.RefuseOthers();
    return phase;
  }

  PlaybookStep ReadStep(const Value& value, const std::string& on_failure) {
    PlaybookStep step;
    step.place = value.place;
    Fields fields(value, "step", problems_);
    for (const char* key :
         {"when", "serial", "max_fail_percentage", "until", "approval", "point_of_no_return"}) {
      step.of_later_version = fields.RefuseForNow(key) || step.of_later_version;
    }
    if (const Value* id = fields.Required("id")) step.id = ReadName(*id, "id", problems_);
    step.name = step.id.has_value() ? step.id->text : "";
    if (const Value* name = fields.Optional("name")) {
      step.name = ReadText(*name, "name", problems_).value_or(step.name);
    }
    step.apply = ReadCall(fields, value, step.of_later_version);
    if (const Value* needs = fields.Optional("needs")) {
      step.needs = ReadNames(*needs, "needs", true, problems_);
    }
    step.on_failure = ReadOnFailure(fields.Optional("on_failure"), on_failure);
    ReadRepeats(fields, step);
    if (const Value* rollback = fields.Optional("rollback"))
      step.rollback = ReadRollback(*rollback);
    fields.RefuseOthers();
    return step;
  }

  void ReadRepeats(Fields& fields, PlaybookStep& step) {
    if (const Value* retries = fields.Optional("retries")) {
      const auto number = ReadNumber(*retries, "retries", kRetriesMax, problems_);
      step.retries = static_cast<uint32_t>(number.value_or(0));
    }
    if (const Value* delay = fields.Optional("delay")) {
      step.delay = ReadDuration(variables_.Replace(*delay, problems_), "delay", problems_)
                       .value_or(step.delay);
    }
    if (const Value* expected = fields.Optional("expected_duration")) {
      step.expected_duration =
          ReadDuration(variables_.Replace(*expected, problems_), "expected_duration", problems_)
              .value_or(absl::ZeroDuration());
    }
  }

  std::vector<ActionCall> ReadRollback(const Value& value) {
    std::vector<ActionCall> calls;
    if (value.kind == Value::Kind::kSequence && value.values.empty()) return calls;
    const std::vector<Value>* items = ReadList(value, "rollback", problems_);
    if (items == nullptr) return calls;
    for (const Value& item : *items) {
      Fields fields(item, "rollback step", problems_);
      if (!fields.is_map()) continue;
      calls.push_back(ReadCall(fields, item, false));
      fields.RefuseOthers();
    }
    return calls;
  }

  // Neither action nor hosts are required of a step that only a later version can run.
  ActionCall ReadCall(Fields& fields, const Value& map, bool of_later_version) {
    const auto get = [&](const char* key) {
      return of_later_version ? fields.Optional(key) : fields.Required(key);
    };
    ActionCall call;
    call.place = map.place;
    if (const Value* action = get("action")) call.action = ReadName(*action, "action", problems_);
    if (const Value* hosts = get("hosts")) {
      call.hosts = ReadNames(*hosts, "hosts", false, problems_);
    }
    if (const Value* with = fields.Optional("with")) {
      call.with = variables_.Replace(*with, problems_);
    }
    if (const Value* timeout = fields.Optional("timeout")) {
      call.timeout = ReadTimeout(variables_.Replace(*timeout, problems_), "timeout", problems_);
    }
    return call;
  }

  std::string ReadOnFailure(const Value* value, const std::string& otherwise) {
    if (value == nullptr) return otherwise;
    const auto text = ReadText(*value, "on_failure", problems_);
    if (!text.has_value()) return otherwise;
    static const auto& known = *new std::vector<std::string>{"stop", "rollback", "continue"};
    if (std::find(known.begin(), known.end(), *text) != known.end()) return *text;
    problems_.Add(value->place,
                  absl::StrCat("'on_failure' is ", Quoted(*text), Suggest(*text, known)));
    return otherwise;
  }

  Problems& problems_;
  Variables variables_;
};

}  // namespace

Playbook ReadPlaybook(const Value& root, Problems& problems) { return Reader(problems).Read(root); }

}  // namespace orchestrator
