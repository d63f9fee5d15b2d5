#include "orchestrator/playbook/playbook.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/steps_reader.h"

namespace orchestrator {
namespace {

class Reader {
 public:
  Reader(const std::vector<SourceText>& includes, Problems& problems)
      : problems_(problems), texts_(includes, problems) {}

  Playbook Read(const Value& root) {
    Fields fields(root, PlaybookSpec(), problems_);
    ReadHeader(fields, PlaybookSpec(), problems_);
    if (const Value* metadata = fields.Get("metadata")) ReadMetadata(*metadata);
    if (const Value* window = fields.Get("window")) playbook_.window = ReadWindow(*window);
    auto vars = std::make_shared<Variables>();
    if (const Value* written = fields.Get("vars")) *vars = Variables(*written, problems_);
    if (const Value* guardrails = fields.Get("guardrails")) {
      StepsReader reader(texts_, playbook_, problems_);
      playbook_.guardrails = reader.ReadGuardrails(
          vars->Replace(*guardrails, problems_), GuardrailSpec(), {.vars = vars, .on_failure = ""});
    }
    if (const Value* capacity = fields.Get("capacity")) {
      ReadCapacity(vars->Replace(*capacity, problems_));
    }
    if (const Value* phases = fields.Get("phases")) {
      if (const std::vector<Value>* items = ReadList(*phases, "phases", problems_)) {
        for (const Value& item : *items) ReadPhase(item, vars);
      }
    }
    fields.RefuseOthers();
    texts_.RefuseUnused();
    return std::move(playbook_);
  }

 private:
  void ReadMetadata(const Value& value) {
    Fields fields(value, MetadataSpec(), problems_);
    if (const Value* name = fields.Get("name")) {
      if (auto read = ReadName(*name, "name", problems_)) playbook_.name = std::move(read->text);
    }
    if (const Value* description = fields.Get("description")) {
      playbook_.description = ReadText(*description, "description", problems_).value_or("");
    }
    if (const Value* author = fields.Get("author")) {
      playbook_.author = ReadName(*author, "author", problems_);
    }
    fields.RefuseOthers();
  }

  std::optional<Window> ReadWindow(const Value& value) {
    Fields fields(value, WindowSpec(), problems_);
    const Value* start = fields.Get("start");
    const Value* end = fields.Get("end");
    const Value* reserve = fields.Get("rollback_reserve");
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

  void ReadCapacity(const Value& value) {
    const Fields fields(value, "capacity", problems_);
    if (!fields.is_map()) return;
    for (size_t i = 0; i < value.keys.size(); ++i) {
      const auto group = ReadName(value.keys[i], "capacity", problems_);
      const auto part = ReadPercentage(value.values[i], value.keys[i].text, problems_);
      if (group.has_value() && part.has_value()) playbook_.capacity.push_back({*group, *part});
    }
  }

  void ReadPhase(const Value& value, const std::shared_ptr<Variables>& vars) {
    PlaybookPhase phase;
    Fields fields(value, PhaseSpec(), problems_);
    if (const Value* name = fields.Get("name")) phase.name = ReadName(*name, "name", problems_);
    std::string on_failure = "stop";
    if (const Value* word = fields.Get("on_failure")) {
      on_failure = ReadWord(*word, *PhaseSpec().Find("on_failure"), problems_).value_or(on_failure);
    }
    if (const Value* before = fields.Get("before_window")) {
      phase.before_window = ReadBool(*before, "before_window", problems_).value_or(false);
    }
    if (const Value* steps = fields.Get("steps")) {
      StepsReader reader(texts_, playbook_, problems_);
      reader.Read(*steps, {.vars = vars, .on_failure = on_failure}, phase.steps);
    }
    fields.RefuseOthers();
    playbook_.phases.push_back(std::move(phase));
  }

  Problems& problems_;
  IncludedTexts texts_;
  Playbook playbook_;
};

}  // namespace

Playbook ReadPlaybook(const Value& root, const std::vector<SourceText>& includes,
                      Problems& problems) {
  return Reader(includes, problems).Read(root);
}

}  // namespace orchestrator
