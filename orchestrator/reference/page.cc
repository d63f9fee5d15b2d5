#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/invariant.h"
#include "google/protobuf/duration.pb.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/specs.h"
#include "orchestrator/reference/reference.h"

namespace orchestrator {
namespace {

namespace pb = google::protobuf;

constexpr const char* kIntroduction = R"(# Playbooks, files of steps, inventories

*Written by the program: `hamisha docs reference`. For editors: `hamisha docs schema > hamisha.schema.json`, a JSON Schema;
with the YAML language server, a first line `# yaml-language-server: $schema=hamisha.schema.json` gives completion.*

`hamisha validate PLAYBOOK --inventory INVENTORY` reports all problems at once, as `file:line:column: what is wrong: what to
write instead`. Three playbooks to begin with are in [playbooks](../playbooks).

## Order
Phases follow each other: no step of a phase begins before all steps of the phase before have ended. Within a phase a step
begins when what it `needs` has ended well; without `needs`, when all that stand before it in its phase have; with
`needs: []`, at once. A playbook that never says `needs` runs its steps one by one. A step acts on all of its `hosts` at the
same time, unless `serial` says how many.

An `include` puts the steps of another file in its place, under its id: `west.seal`. Within the file, `needs` and conditions
name its own steps, without the prefix, and only its own variables are known: those under its `vars`, replaced and added to
by those of the include. Several includes of one file run beside each other with `needs: []`. The plan's digest covers
every included file.

## Values
`${name}` stands for a variable, in all values but `id`, `needs`, `when` and `until`. In `with`, `${steps.ID.facts.NAME}` is
an output of an earlier step, filled in when the order is sent: the host's own where it was one of that step's hosts, else
the one that all of them reported; `${max(steps.ID.facts.NAME)}` and `min`, `count` are over all. One that is missing, or
does not fit the field, fails the step. The way back and sites take no outputs. Durations are numbers with units: `150ms`,
`2s`, `1h30m`.

## Conditions
`when` is looked at when a step would begin, `until` when a host has answered.

| in a condition | is |
|---|---|
| `vars.NAME` | a variable |
| `steps.ID.state` | how an earlier step ended: `'succeeded'`, `'failed'`, `'unknown'`, `'passed'` (failed, and a person let it pass), `'skipped'` |
| `steps.ID.facts.NAME` | what its hosts that succeeded reported, when it is the same on all of them |
| `min(…)` `max(…)` `count(…)` | of such facts: the least, the largest, on how many hosts there is one |
| `facts.NAME` | of the host's own result; in `until` only |
| `5` `-0.5` `2s` `'text'` `true` | literals |
| `==` `!=` `<` `<=` `>` `>=` `and` `or` `not` `( )` | as usual; `not` binds closer than `and`, and that closer than `or` |

Facts become what they are compared with. Numbers are exact. A step may only ask about steps that have certainly ended: those
that it needs, and what they need. A fact that is missing when it is asked for fails the step; `and` and `or` do not look
further than they must, so `steps.a.state == 'succeeded' and steps.a.facts.lag < 2s` is safe.
)";

std::string TypeOf(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kText: return "text";
    case FieldType::kName: return "name";
    case FieldType::kNames: return "name, or list of names";
    case FieldType::kWord: return absl::StrCat("`", absl::StrJoin(field.words, "`, `"), "`");
    case FieldType::kNumber: return absl::StrCat("number, ", field.smallest, " to ", field.largest);
    case FieldType::kDecimal: return "number";
    case FieldType::kBool: return "`true`, `false`";
    case FieldType::kDuration: return "duration";
    case FieldType::kTimeout: return "duration above zero";
    case FieldType::kTime: return "time with zone, `2015-04-18T23:00:00+03:00`";
    case FieldType::kWaves: return "`1`, `25%`, `[1, 25%, 100%]`";
    case FieldType::kExpression: return "condition";
    case FieldType::kPath: return "path";
    case FieldType::kVariables: return "names and values";
    case FieldType::kFloors: return "groups and parts";
    case FieldType::kGroups: return "names and lists of names";
    case FieldType::kWith: return "fields of the action";
    case FieldType::kObject:
      return absl::StrCat("[", field.object->what, "](#",
                          absl::StrReplaceAll(field.object->what, {{" ", "-"}}), ")");
    case FieldType::kObjects:
      return absl::StrCat("list of [", field.object->what, "](#",
                          absl::StrReplaceAll(field.object->what, {{" ", "-"}}), ")s");
    case FieldType::kSteps: return "list of [step](#step)s, [gate](#gate)s, [include](#include)s";
  }
  UNREACHABLE();
}

std::string Cell(const std::string& text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

std::string Describe(const ObjectSpec& spec) {
  std::string text =
      absl::StrCat("\n### ", spec.what, "\n", spec.summary,
                   "\n\n| field | value | when absent | meaning |\n|---|---|---|---|\n");
  for (const FieldSpec& field : spec.fields) {
    absl::StrAppend(&text, "| `", field.name, "` | ", TypeOf(field), " | ",
                    field.required ? "**needed**" : field.otherwise, " | ", Cell(field.summary),
                    " |\n");
  }
  return text;
}

std::string TypeOf(const pb::FieldDescriptor& field) {
  const auto& rules = field.options().GetExtension(hamisha::action::v1::rules);
  if (rules.kind() != hamisha::action::v1::FIELD_KIND_PLAIN) return "site";
  if (field.is_repeated()) return "list of numbers";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) return "duration";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) return "text";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL) return "`true`, `false`";
  return "number";
}

std::string Describe(const ActionInfo& action) {
  const auto& options = *action.options;
  std::string text = absl::StrCat(
      "\n### ", options.name(), "\n", options.summary(), "\n\nOn ", options.host_kind(), " hosts. ",
      options.mutates() ? "Changes something" : "Changes nothing",
      !options.mutates()       ? ""
      : options.undo().empty() ? "; it has no undo of its own, so a step must say its `rollback`"
                               : "",
      ". Timeout: ", absl::FormatDuration(absl::Milliseconds(options.timeout_ms())), ".",
      options.undo().empty() ? "" : absl::StrCat(" Undo: ", options.undo()), "\n");
  if (action.descriptor->field_count() == 0) return text;
  absl::StrAppend(&text, "\n| `with` | value | | meaning |\n|---|---|---|---|\n");
  for (int i = 0; i < action.descriptor->field_count(); ++i) {
    const pb::FieldDescriptor& field = *action.descriptor->field(i);
    const auto& rules = field.options().GetExtension(hamisha::action::v1::rules);
    absl::StrAppend(&text, "| `", field.name(), "` | ", TypeOf(field), " | ",
                    rules.required() ? "**needed**" : "", " | ", Cell(rules.summary()), " |\n");
  }
  return text;
}

}  // namespace

std::string ReferencePage() {
  std::string text = absl::StrCat(kIntroduction, "\n## Files\n");
  for (const ObjectSpec* spec : AllSpecs()) absl::StrAppend(&text, Describe(*spec));
  absl::StrAppend(&text, "\n## Actions\n");
  for (const ActionInfo& action : Actions()) absl::StrAppend(&text, Describe(action));
  return text;
}

}  // namespace orchestrator
