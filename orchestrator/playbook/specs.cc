#include "orchestrator/playbook/specs.h"

namespace orchestrator {
namespace {

using Type = FieldType;

constexpr uint64_t kShardMax = (1 << 16) - 1;  // Account ids carry the shard in 16 bits.

FieldSpec ApiVersion() {
  return {.name = "apiVersion",
          .type = Type::kWord,
          .summary = "The version of the form.",
          .required = true,
          .words = {"hamisha/v1"}};
}

FieldSpec Kind(const char* kind) {
  return {.name = "kind",
          .type = Type::kWord,
          .summary = "What the file is.",
          .required = true,
          .words = {kind}};
}

}  // namespace

const FieldSpec* ObjectSpec::Find(absl::string_view name) const {
  for (const FieldSpec& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

const ObjectSpec& PlaybookSpec() {
  static const auto& spec = *new ObjectSpec{
      "playbook",
      "The script: what is done, in which order, and what the way back is.",
      {ApiVersion(),
       Kind(kPlaybookKind),
       {.name = "metadata",
        .type = Type::kObject,
        .summary = "What it is called.",
        .required = true,
        .object = &MetadataSpec()},
       {.name = "window",
        .type = Type::kObject,
        .summary = "The maintenance window, which is a contract.",
        .object = &WindowSpec()},
       {.name = "vars",
        .type = Type::kVariables,
        .summary = "Texts for `${name}` in values, and for `vars.name` in expressions."},
       {.name = "guardrails",
        .type = Type::kObjects,
        .summary = "What is looked at again and again while the run goes on.",
        .object = &GuardrailSpec()},
       {.name = "capacity",
        .type = Type::kFloors,
        .summary = "How much of a group stays in service whatever steps take out: "
                   "`{gateways: 50%}`."},
       {.name = "phases",
        .type = Type::kObjects,
        .summary = "One after the other: a phase begins when all steps of the one before ended.",
        .required = true,
        .object = &PhaseSpec()}}};
  return spec;
}

const ObjectSpec& MetadataSpec() {
  static const auto& spec = *new ObjectSpec{
      "metadata",
      "What a playbook, or an included file, is called.",
      {{.name = "name",
        .type = Type::kName,
        .summary = "What a live run asks for.",
        .required = true},
       {.name = "description", .type = Type::kText, .summary = "A sentence for people."},
       {.name = "author",
        .type = Type::kName,
        .summary = "Who wrote it, by their name in the inventory: may not approve its gates."}}};
  return spec;
}

const ObjectSpec& WindowSpec() {
  static const auto& spec = *new ObjectSpec{
      "window",
      "From when to when the platform may be touched.",
      {{.name = "start", .type = Type::kTime, .summary = "Its first moment.", .required = true},
       {.name = "end", .type = Type::kTime, .summary = "After its start.", .required = true},
       {.name = "rollback_reserve",
        .type = Type::kDuration,
        .summary = "Kept free at its end for going back; shorter than the window.",
        .otherwise = "0s"}}};
  return spec;
}

const ObjectSpec& StepsFileSpec() {
  static const auto& spec = *new ObjectSpec{
      "steps file",
      "Steps to include. `needs` and expressions name steps of the same file, without prefix.",
      {ApiVersion(),
       Kind(kStepsKind),
       {.name = "metadata",
        .type = Type::kObject,
        .summary = "What it is called.",
        .object = &MetadataSpec()},
       {.name = "vars",
        .type = Type::kVariables,
        .summary = "What holds for variables that the include does not give."},
       {.name = "steps",
        .type = Type::kSteps,
        .summary = "Steps, gates and includes.",
        .required = true}}};
  return spec;
}

const ObjectSpec& InventorySpec() {
  static const auto& spec = *new ObjectSpec{
      "inventory",
      "The servers, and the people who decide.",
      {ApiVersion(),
       Kind(kInventoryKind),
       {.name = "sites", .type = Type::kNames, .summary = "The data centres.", .required = true},
       {.name = "hosts",
        .type = Type::kObjects,
        .summary = "The servers.",
        .required = true,
        .object = &HostSpec()},
       {.name = "groups",
        .type = Type::kGroups,
        .summary = "Names for several hosts. Each host is a group of its own name, and `all` is "
                   "every host."},
       {.name = "people",
        .type = Type::kObjects,
        .summary = "Who may approve, and decide.",
        .object = &PersonSpec()}}};
  return spec;
}

const ObjectSpec& HostSpec() {
  static const auto& spec = *new ObjectSpec{
      "host",
      "One server; its name is also its node's id.",
      {{.name = "name", .type = Type::kName, .summary = "Once an inventory.", .required = true},
       {.name = "site", .type = Type::kName, .summary = "One of `sites`.", .required = true},
       {.name = "kind",
        .type = Type::kWord,
        .summary = "What runs there.",
        .required = true,
        .words = {"ledger", "gateway"}},
       {.name = "shard",
        .type = Type::kNumber,
        .summary = "Ledgers only, and needed there: the shard that it serves, one host a site. "
                   "Shards are 0, 1, 2, … without a gap.",
        .largest = kShardMax},
       {.name = "node_key",
        .type = Type::kText,
        .summary = "Ledgers only, and needed there: the 64 hexadecimal digits that "
                   "`hamisha-ledger init` printed."}}};
  return spec;
}

const ObjectSpec& PersonSpec() {
  static const auto& spec = *new ObjectSpec{
      "person",
      "Somebody who may decide.",
      {{.name = "name", .type = Type::kName, .summary = "Once an inventory.", .required = true},
       {.name = "roles",
        .type = Type::kNames,
        .summary = "What approvals ask for: `ops`, `business`, …",
        .required = true},
       {.name = "key",
        .type = Type::kText,
        .summary = "The public SSH key that their decisions are signed with: the line of the "
                   "`.pub` file.",
        .required = true}}};
  return spec;
}

const std::vector<const ObjectSpec*>& AllSpecs() {
  static const auto& specs = *new std::vector<const ObjectSpec*>{
      &PlaybookSpec(), &MetadataSpec(),  &WindowSpec(),    &PhaseSpec(),     &StepSpec(),
      &RollbackSpec(), &GateSpec(),      &ApprovalSpec(),  &GuardrailSpec(), &StepGuardrailSpec(),
      &IncludeSpec(),  &StepsFileSpec(), &InventorySpec(), &HostSpec(),      &PersonSpec()};
  return specs;
}

}  // namespace orchestrator
