#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "google/protobuf/duration.pb.h"
#include "orchestrator/playbook/actions.h"
#include "orchestrator/playbook/specs.h"
#include "orchestrator/reference/reference.h"

namespace orchestrator {
namespace {

namespace pb = google::protobuf;
using nlohmann::ordered_json;

constexpr const char* kHolds = "\\$\\{[^}]+\\}";  // A variable, or an output of a step.

ordered_json Scalar() { return {{"type", {"string", "number", "boolean"}}}; }

ordered_json Matching(const std::string& pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

ordered_json AnyOf(std::vector<ordered_json> schemas) { return {{"anyOf", std::move(schemas)}}; }

ordered_json Name() {
  ordered_json name = Scalar();
  name["pattern"] = absl::StrCat("^([A-Za-z0-9_.-]|", kHolds, ")+$");
  return name;
}

ordered_json Names(bool may_be_empty) {
  return AnyOf(
      {Name(), {{"type", "array"}, {"items", Name()}, {"minItems", may_be_empty ? 0 : 1}}});
}

ordered_json Duration() {
  return AnyOf({Matching("^([0-9]+(\\.[0-9]*)?(ns|us|ms|s|m|h))+$"), Matching(kHolds)});
}

ordered_json Number(uint64_t smallest, uint64_t largest) {
  return AnyOf(
      {{{"type", "integer"}, {"minimum", smallest}, {"maximum", largest}}, Matching(kHolds)});
}

ordered_json Waves() {
  const ordered_json wave = AnyOf(
      {{{"type", "integer"}, {"minimum", 1}}, Matching("^([1-9][0-9]?|100)%$"), Matching(kHolds)});
  return AnyOf({wave, {{"type", "array"}, {"items", wave}, {"minItems", 1}}});
}

ordered_json RefTo(const std::string& what) {
  std::string name = what;
  for (char& letter : name) letter = letter == ' ' ? '_' : letter;
  return {{"$ref", absl::StrCat("#/$defs/", name)}};
}

// Which of the three an item of `steps` is.
ordered_json Steps() {
  const auto has = [](const char* key) { return ordered_json{{"required", {key}}}; };
  const ordered_json step = {
      {"if", has("approval")}, {"then", RefTo(GateSpec().what)}, {"else", RefTo(StepSpec().what)}};
  const ordered_json item = {
      {"if", has("include")}, {"then", RefTo(IncludeSpec().what)}, {"else", step}};
  return {{"type", "array"}, {"items", item}, {"minItems", 1}};
}

ordered_json SchemaOf(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kText: return Scalar();
    case FieldType::kName: return Name();
    case FieldType::kNames: return Names(field.may_be_empty);
    case FieldType::kWord: {
      if (field.words.size() == 1) return {{"const", field.words.front()}};
      return AnyOf({{{"enum", field.words}}, Matching(kHolds)});
    }
    case FieldType::kNumber: return Number(field.smallest, field.largest);
    case FieldType::kDecimal: return AnyOf({{{"type", "number"}}, Matching(kHolds)});
    case FieldType::kBool: return AnyOf({{{"type", "boolean"}}, Matching(kHolds)});
    case FieldType::kDuration:
    case FieldType::kTimeout: return Duration();
    case FieldType::kTime:
      return Matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$");
    case FieldType::kWaves: return Waves();
    case FieldType::kExpression: return {{"type", {"string", "boolean"}}};
    case FieldType::kPath: return Matching("^[^/\\\\][^\\\\]*$");
    case FieldType::kVariables: return {{"type", "object"}, {"additionalProperties", Scalar()}};
    case FieldType::kFloors:
      return {
          {"type", "object"},
          {"additionalProperties", AnyOf({Matching("^([1-9][0-9]?|100)%$"), Matching(kHolds)})}};
    case FieldType::kGroups: return {{"type", "object"}, {"additionalProperties", Names(false)}};
    case FieldType::kWith: return {{"type", "object"}};
    case FieldType::kObject: return RefTo(field.object->what);
    case FieldType::kObjects:
      return {{"type", "array"},
              {"items", RefTo(field.object->what)},
              {"minItems", field.may_be_empty ? 0 : 1}};
    case FieldType::kSteps: return Steps();
  }
  UNREACHABLE();
}

ordered_json SchemaOf(const pb::FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_UINT32:
    case pb::FieldDescriptor::CPPTYPE_UINT64: {
      ordered_json number = AnyOf({{{"type", "integer"}, {"minimum", 0}}, Matching(kHolds)});
      if (!field.is_repeated()) return number;
      return {{"type", "array"}, {"items", number}, {"minItems", 1}};
    }
    case pb::FieldDescriptor::CPPTYPE_BOOL: return AnyOf({{{"type", "boolean"}}, Matching(kHolds)});
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: return Duration();  // The only one that is read.
    case pb::FieldDescriptor::CPPTYPE_STRING:
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
    case pb::FieldDescriptor::CPPTYPE_ENUM: break;
  }
  return Scalar();
}

ordered_json WithOf(const ActionInfo& action) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (int i = 0; i < action.descriptor->field_count(); ++i) {
    const pb::FieldDescriptor& field = *action.descriptor->field(i);
    const auto& rules = field.options().GetExtension(hamisha::action::v1::rules);
    ordered_json schema = SchemaOf(field);
    schema["description"] = rules.summary();
    properties[field.name()] = schema;
    if (rules.required()) required.push_back(field.name());
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

// What an action's name says about `with`.
ordered_json ActionRules() {
  ordered_json rules = ordered_json::array();
  for (const ActionInfo& action : Actions()) {
    const ordered_json with = WithOf(action);
    ordered_json then = {{"properties", {{"with", with}}}};
    if (!with["required"].empty()) then["required"] = {"with"};
    const ordered_json named = {{"properties", {{"action", {{"const", action.options->name()}}}}},
                                {"required", {"action"}}};
    rules.push_back({{"if", named}, {"then", then}});
  }
  return rules;
}

ordered_json SchemaOf(const ObjectSpec& spec) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  bool calls = false;
  for (const FieldSpec& field : spec.fields) {
    ordered_json schema = SchemaOf(field);
    std::string description = field.summary;
    if (*field.otherwise != '\0') {
      absl::StrAppend(&description, " When absent: ", field.otherwise, ".");
    }
    schema["description"] = description;
    calls = calls || field.type == FieldType::kWith;
    if (std::string(field.name) == "action") schema["enum"] = ActionNames();
    properties[field.name] = schema;
    if (field.required) required.push_back(field.name);
  }
  ordered_json schema = {{"type", "object"},
                         {"description", spec.summary},
                         {"properties", properties},
                         {"required", required},
                         {"additionalProperties", false}};
  if (calls) schema["allOf"] = ActionRules();
  return schema;
}

}  // namespace

std::string ReferenceSchema() {
  ordered_json defs = ordered_json::object();
  for (const ObjectSpec* spec : AllSpecs()) {
    const std::string ref = RefTo(spec->what)["$ref"];
    defs[ref.substr(ref.rfind('/') + 1)] = SchemaOf(*spec);
  }
  ordered_json files = ordered_json::array();
  ordered_json kinds = ordered_json::array();
  for (const ObjectSpec* spec : {&PlaybookSpec(), &StepsFileSpec(), &InventorySpec()}) {
    const std::string kind = spec->Find("kind")->words.front();
    kinds.push_back(kind);
    files.push_back(
        {{"if", {{"properties", {{"kind", {{"const", kind}}}}}}}, {"then", RefTo(spec->what)}});
  }
  const ordered_json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                               {"title", "Hamisha: playbooks, files of steps, inventories"},
                               {"type", "object"},
                               {"properties", {{"kind", {{"enum", kinds}}}}},
                               {"required", {"apiVersion", "kind"}},
                               {"allOf", files},
                               {"$defs", defs}};
  return schema.dump(2) + "\n";
}

}  // namespace orchestrator
