// What may stand in phases and steps.
#include "orchestrator/playbook/specs.h"

namespace orchestrator {
namespace {

using Type = FieldType;

constexpr uint64_t kRetriesMax = 100;
constexpr uint64_t kQuorumMax = 20;

const std::vector<const char*>& OnFailureWords() {
  static const auto& words = *new std::vector<const char*>{"stop", "rollback", "continue", "hold"};
  return words;
}

FieldSpec Id() {
  return {.name = "id",
          .type = Type::kName,
          .summary = "Names it in `needs`, expressions, commands and the journal. Once a playbook.",
          .required = true};
}

FieldSpec Needs() {
  return {.name = "needs",
          .type = Type::kNames,
          .summary =
              "Ids of steps, gates or includes before it, which must have ended well. `[]`: "
              "it begins at once, with its phase or its included file.",
          .otherwise = "all that stand before it there",
          .may_be_empty = true};
}

FieldSpec When() {
  return {.name = "when",
          .type = Type::kExpression,
          .summary =
              "Looked at when it would begin. Not true: it is skipped, and counts as "
              "succeeded for what needs it.",
          .otherwise = "true"};
}

FieldSpec OnFailure(const char* summary, const char* otherwise) {
  return {.name = "on_failure",
          .type = Type::kWord,
          .summary = summary,
          .otherwise = otherwise,
          .words = OnFailureWords()};
}

constexpr const char* kOnFailureOfStep =
    "`stop`: nothing new begins, and what was done stays. `rollback`: the run goes back. "
    "`continue`: what needs it goes on. `hold`: the run goes on where it can and waits for people: "
    "retry, skip, resolve, rollback or abort.";

FieldSpec ExpectedDuration() {
  return {.name = "expected_duration",
          .type = Type::kDuration,
          .summary = "For forecasts, until a rehearsal has measured it."};
}

std::vector<FieldSpec> CallFields() {
  return {{.name = "action",
           .type = Type::kName,
           .summary = "What is done: one of the actions below.",
           .required = true},
          {.name = "with", .type = Type::kWith, .summary = "The action's fields."},
          {.name = "hosts",
           .type = Type::kNames,
           .summary = "Where, on all at the same time: groups and hosts of the inventory.",
           .required = true},
          {.name = "timeout",
           .type = Type::kTimeout,
           .summary = "Of each order to each host.",
           .otherwise = "the action's own"}};
}

std::vector<FieldSpec> StepFields() {
  std::vector<FieldSpec> fields = {
      Id(), {.name = "name", .type = Type::kText, .summary = "For people.", .otherwise = "the id"}};
  for (FieldSpec& field : CallFields()) fields.push_back(field);
  for (const FieldSpec& field : std::vector<FieldSpec>{
           Needs(),
           When(),
           {.name = "serial",
           .type = Type::kWaves,
           .summary = "How many hosts at a time, in the inventory's order: a number, a part of all "
                      "hosts, or a list of these whose last is repeated. The next wave begins when "
                      "all of the one before ended.",
           .otherwise = "all at once"},
           {.name = "max_fail_percentage",
           .type = Type::kNumber,
           .summary = "Of all hosts of the step, not of a wave: so many may fail, or stay unknown, "
                      "and the step succeeds.",
           .otherwise = "0",
           .largest = 100},
           {.name = "retries",
           .type = Type::kNumber,
           .summary = "Further attempts on a host after a failure.",
           .otherwise = "0",
           .largest = kRetriesMax},
           {.name = "delay",
           .type = Type::kDuration,
           .summary = "Before each further attempt.",
           .otherwise = "1s"},
           {.name = "until",
           .type = Type::kExpression,
           .summary = "Over the `facts` of the host's result. Not true: the attempt counts as "
                      "failed, and `retries` and `delay` say what follows.",
           .otherwise = "true"},
           ExpectedDuration(),
           OnFailure(kOnFailureOfStep, "the phase's"),
           {.name = "rollback",
           .type = Type::kObjects,
           .summary = "The way back, in order; `[]` when there is nothing to do. Needed when the "
                      "action changes something and has no undo of its own.",
           .otherwise = "the action's own undo",
           .object = &RollbackSpec(),
           .may_be_empty = true},
           {.name = "takes_out",
           .type = Type::kBool,
           .summary = "A host is out of service until the step has succeeded there: `capacity` "
                      "says how many may be at once.",
           .otherwise = "false"},
           {.name = "guardrails",
           .type = Type::kObjects,
           .summary = "What is looked at again and again while the step goes on.",
           .object = &StepGuardrailSpec()},
           {.name = "point_of_no_return",
           .type = Type::kBool,
           .summary = "It waits until two people `hamisha complete`; once it has begun, nothing "
                      "goes back any more.",
           .otherwise = "false"}}) {
    fields.push_back(field);
  }
  return fields;
}

std::vector<FieldSpec> GuardrailFields() {
  std::vector<FieldSpec> fields = {{.name = "name",
                                    .type = Type::kName,
                                    .summary = "Once a playbook, for messages.",
                                    .required = true}};
  for (FieldSpec& field : CallFields()) fields.push_back(field);
  for (const FieldSpec& field : std::vector<FieldSpec>{
           {.name = "every",
            .type = Type::kTimeout,
            .summary = "From an answer to the next look.",
            .required = true},
           {.name = "fact",
           .type = Type::kName,
           .summary = "Of each host's result: a number.",
           .required = true},
           {.name = "above",
           .type = Type::kDecimal,
           .summary = "Beyond the limit is what is more."},
           {.name = "below",
           .type = Type::kDecimal,
           .summary = "Beyond the limit is what is less."},
           {.name = "after",
           .type = Type::kNumber,
           .summary = "So many looks in a row beyond the limit, or without an answer: it trips.",
           .otherwise = "1",
           .smallest = 1,
           .largest = kRetriesMax},
           {.name = "then",
           .type = Type::kWord,
           .summary = "When it trips. `pause`: nothing new begins, and people decide. `stop`: the "
                      "run ends where it is. `rollback`: it goes back.",
           .otherwise = "pause",
           .words = {"pause", "stop", "rollback"}}}) {
    fields.push_back(field);
  }
  return fields;
}

}  // namespace

const ObjectSpec& PhaseSpec() {
  static const auto& spec = *new ObjectSpec{
      "phase",
      "Steps that belong together.",
      {{.name = "name", .type = Type::kName, .summary = "Once a playbook.", .required = true},
       OnFailure("For its steps that do not say their own.", "stop"),
       {.name = "before_window",
        .type = Type::kBool,
        .summary = "It may begin before the window does. The steps of all other phases wait for "
                   "the window's start.",
        .otherwise = "false"},
       {.name = "steps",
        .type = Type::kSteps,
        .summary = "Steps, gates and includes.",
        .required = true}}};
  return spec;
}

const ObjectSpec& StepSpec() {
  static const auto& spec = *new ObjectSpec{
      "step", "One action on some hosts, at the same time on all of them.", StepFields()};
  return spec;
}

const ObjectSpec& RollbackSpec() {
  static const auto& spec =
      *new ObjectSpec{"rollback step", "One action of a step's way back.", CallFields()};
  return spec;
}

const ObjectSpec& GateSpec() {
  static const auto& spec = *new ObjectSpec{
      "gate",
      "People are asked: the run goes on when enough of them have approved.",
      {Id(),
       {.name = "name", .type = Type::kText, .summary = "For people.", .otherwise = "the id"},
       {.name = "approval",
        .type = Type::kObject,
        .summary = "Who is asked.",
        .required = true,
        .object = &ApprovalSpec()},
       Needs(),
       When(),
       ExpectedDuration(),
       OnFailure("When somebody rejects it, or its time is over.", "the phase's")}};
  return spec;
}

const ObjectSpec& ApprovalSpec() {
  static const auto& spec = *new ObjectSpec{
      "approval",
      "Who must approve. Neither the author nor who submitted the run may.",
      {{.name = "roles",
        .type = Type::kNames,
        .summary =
            "Each must be held by somebody who approves, and who approves holds one of them.",
        .required = true},
       {.name = "quorum",
        .type = Type::kNumber,
        .summary = "So many different people.",
        .otherwise = "1",
        .smallest = 1,
        .largest = kQuorumMax},
       {.name = "timeout",
        .type = Type::kTimeout,
        .summary = "Without enough approvals by then it fails.",
        .required = true}}};
  return spec;
}

const ObjectSpec& GuardrailSpec() {
  static const auto& spec = *[] {
    auto* made = new ObjectSpec{"guardrail",
                                "Looks at hosts with an action that changes nothing, and acts when "
                                "what it finds is beyond a limit.",
                                GuardrailFields()};
    made->fields.push_back({.name = "steps",
                            .type = Type::kNames,
                            .summary = "Only while these go on: ids of steps and includes.",
                            .otherwise = "the whole run"});
    return made;
  }();
  return spec;
}

const ObjectSpec& StepGuardrailSpec() {
  static const auto& spec =
      *new ObjectSpec{"step guardrail", "A guardrail while one step goes on.", GuardrailFields()};
  return spec;
}

const ObjectSpec& IncludeSpec() {
  static const auto& spec = *new ObjectSpec{
      "include",
      "The steps of another file, as if they stood here. The plan's digest covers that file.",
      {{.name = "include",
        .type = Type::kPath,
        .summary = "A file of kind Steps: its path from the playbook's folder, without `..`.",
        .required = true},
       {.name = "id",
        .type = Type::kName,
        .summary = "Stands before the ids of its steps, with a dot: `west.seal`. As a need it "
                   "means all of its steps.",
        .required = true},
       {.name = "vars",
        .type = Type::kVariables,
        .summary = "Replaces and adds to the file's own. It sees no others."},
       Needs()}};
  return spec;
}

}  // namespace orchestrator
