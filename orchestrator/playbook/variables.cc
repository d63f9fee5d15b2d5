#include "orchestrator/playbook/variables.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/playbook/fields.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {

Variables::Variables(const Value& vars, Problems& problems) {
  const Fields fields(vars, "vars", problems);
  if (!fields.is_map()) return;
  for (size_t i = 0; i < vars.keys.size(); ++i) {
    const auto name = ReadName(vars.keys[i], "vars", problems);
    const auto text = ReadText(vars.values[i], vars.keys[i].text, problems);
    if (!name.has_value()) continue;
    if (text.has_value() && absl::StrContains(*text, "${")) {
      problems.Add(vars.values[i].place,
                   "a variable's value refers to another: write the value out");
      texts_[name->text] = std::nullopt;
    } else {
      texts_[name->text] = text;
    }
  }
}

Value Variables::Replace(const Value& value, Problems& problems) const {
  Value replaced = value;
  if (value.kind == Value::Kind::kScalar) ReplaceText(replaced, problems);
  for (Value& inner : replaced.values) inner = Replace(inner, problems);
  return replaced;
}

void Variables::ReplaceText(Value& scalar, Problems& problems) const {
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
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const auto known = texts_.find(name);
    if (known == texts_.end()) {
      std::vector<std::string> names;
      for (const auto& entry : texts_) names.push_back(entry.first);
      problems.Add(scalar.place,
                   absl::StrCat("unknown variable ", Quoted(name),
                                names.empty() ? ": write it under 'vars:'" : Suggest(name, names)));
    }
    if (known == texts_.end() || !known->second.has_value()) {
      scalar.reported = true;
    } else {
      absl::StrAppend(&replaced, *known->second);
    }
    at = end + 1;
  }
  absl::StrAppend(&replaced, text.substr(at));
  scalar.text = replaced;
}

}  // namespace orchestrator
