#include "orchestrator/playbook/variables.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/fields.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {

bool IsOutput(absl::string_view name) {
  return absl::StartsWith(name, "steps.") || absl::StrContains(name, "(");
}

Variables::Variables(const Value& vars, Problems& problems) {
  const Fields fields(vars, "vars", problems);
  if (!fields.is_map()) return;
  for (size_t i = 0; i < vars.keys.size(); ++i) {
    const auto name = ReadName(vars.keys[i], "vars", problems);
    const auto text = ReadText(vars.values[i], vars.keys[i].text, problems);
    if (!name.has_value()) continue;
    if (IsOutput(name->text)) {
      problems.Add(vars.keys[i].place,
                   absl::StrCat("variable ", Quoted(name->text),
                                " is named as outputs of steps are: write another name"));
    }
    if (text.has_value() && absl::StrContains(*text, "${")) {
      problems.Add(vars.values[i].place,
                   "a variable's value refers to another: write the value out");
      texts_[name->text] = std::nullopt;
    } else {
      texts_[name->text] = text;
    }
  }
}

void Variables::Override(const Variables& given) {
  for (const auto& [name, text] : given.texts_) texts_[name] = text;
}

const std::string* Variables::Find(const std::string& name) {
  used_.insert(name);
  const auto found = texts_.find(name);
  return found == texts_.end() || !found->second.has_value() ? nullptr : &*found->second;
}

std::vector<std::string> Variables::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : texts_) names.push_back(entry.first);
  return names;
}

Value Variables::Replace(const Value& value, Problems& problems) {
  Value replaced = value;
  if (value.kind == Value::Kind::kScalar) ReplaceText(replaced, problems);
  for (Value& inner : replaced.values) inner = Replace(inner, problems);
  return replaced;
}

std::optional<std::string> Variables::TextOf(const std::string& name, Value& scalar,
                                             Problems& problems) {
  if (IsOutput(name)) return absl::StrCat("${", name, "}");
  if (!contains(name)) {
    const std::vector<std::string> names = Names();
    problems.Add(scalar.place,
                 absl::StrCat("unknown variable ", Quoted(name),
                              names.empty() ? ": write it under 'vars:'" : Suggest(name, names)));
  }
  const std::string* text = Find(name);
  if (text == nullptr) return std::nullopt;
  scalar.quoted = false;  // Quotes around ${…} are often needed, and mean nothing.
  return *text;
}

void Variables::ReplaceText(Value& scalar, Problems& problems) {
  const std::string text = scalar.text;
  std::string replaced;
  size_t at = 0;
  for (size_t begin = text.find("${"); begin != std::string::npos; begin = text.find("${", at)) {
    const size_t end = text.find('}', begin);
    if (end == std::string::npos) {
      problems.Add(scalar.place,
                   absl::StrCat(Quoted(text), " has '${' without '}': write ${name}"));
      scalar.reported = true;
      return;
    }
    absl::StrAppend(&replaced, text.substr(at, begin - at));
    const auto value = TextOf(text.substr(begin + 2, end - begin - 2), scalar, problems);
    if (value.has_value()) {
      absl::StrAppend(&replaced, *value);
    } else {
      scalar.reported = true;
    }
    at = end + 1;
  }
  absl::StrAppend(&replaced, text.substr(at));
  scalar.text = replaced;
}

}  // namespace orchestrator
