#include "tests/orchestrator/reference/structure.h"

#include <catch2/catch.hpp>

#include <regex>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace orchestrator {
namespace {

using nlohmann::json;

class Check {
 public:
  explicit Check(const json& root) : root_(root) {}

  std::vector<std::string> Of(const json& schema, const json& value, const std::string& at) {
    std::vector<std::string> found;
    const auto add = [&](const std::vector<std::string>& more) {
      found.insert(found.end(), more.begin(), more.end());
    };
    for (const auto& [keyword, rule] : schema.items()) {
      if (keyword == "$ref") {
        add(Of(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value, at));
      } else if (keyword == "allOf") {
        for (const json& one : rule) add(Of(one, value, at));
      } else if (keyword == "anyOf") {
        const bool any = std::any_of(rule.begin(), rule.end(),
                                     [&](const json& one) { return Of(one, value, at).empty(); });
        if (!any) found.push_back(at + ": fits none");
      } else if (keyword == "if") {
        const bool holds = Of(rule, value, at).empty();
        const char* branch = holds ? "then" : "else";
        if (schema.contains(branch)) add(Of(schema.at(branch), value, at));
      } else if (keyword == "type") {
        if (!HasType(rule, value)) found.push_back(at + ": type");
      } else if (value.is_object()) {
        add(OfObject(keyword, rule, schema, value, at));
      } else {
        add(OfOther(keyword, rule, value, at));
      }
    }
    return found;
  }

 private:
  static bool HasType(const json& rule, const json& value) {
    if (rule.is_array()) {
      return std::any_of(rule.begin(), rule.end(),
                         [&](const json& one) { return HasType(one, value); });
    }
    const std::string type = rule;
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    REQUIRE(type == "number");
    return value.is_number();
  }

  std::vector<std::string> OfObject(const std::string& keyword, const json& rule,
                                    const json& schema, const json& value, const std::string& at) {
    std::vector<std::string> found;
    const auto check = [&](const json& inner_schema, const std::string& key) {
      for (const std::string& one : Of(inner_schema, value.at(key), absl::StrCat(at, "/", key))) {
        found.push_back(one);
      }
    };
    if (keyword == "properties") {
      for (const auto& [key, inner] : rule.items()) {
        if (value.contains(key)) check(inner, key);
      }
    } else if (keyword == "required") {
      for (const std::string key : rule) {
        if (!value.contains(key)) found.push_back(absl::StrCat(at, ": no ", key));
      }
    } else if (keyword == "additionalProperties") {
      for (const auto& [key, inner] : value.items()) {
        if (schema.contains("properties") && schema.at("properties").contains(key)) continue;
        if (rule.is_object()) {
          check(rule, key);
        } else {
          found.push_back(absl::StrCat(at, ": unknown ", key));
        }
      }
    } else if (keyword == "const" || keyword == "enum") {
      found.push_back(at + ": a mapping");
    } else {
      RequireKnown(keyword);
    }
    return found;
  }

  std::vector<std::string> OfOther(const std::string& keyword, const json& rule, const json& value,
                                   const std::string& at) {
    std::vector<std::string> found;
    bool fits = true;
    if (keyword == "const") {
      fits = value == rule;
    } else if (keyword == "enum") {
      fits = std::find(rule.begin(), rule.end(), value) != rule.end();
    } else if (keyword == "pattern") {
      fits = !value.is_string() ||
             std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
    } else if (keyword == "minimum") {
      fits = !value.is_number() || value >= rule;
    } else if (keyword == "maximum") {
      fits = !value.is_number() || value <= rule;
    } else if (keyword == "minItems") {
      fits = !value.is_array() || value.size() >= rule.get<size_t>();
    } else if (keyword == "items" && value.is_array()) {
      for (size_t i = 0; i < value.size(); ++i) {
        for (const std::string& one : Of(rule, value[i], absl::StrCat(at, "/", i))) {
          found.push_back(one);
        }
      }
    } else {
      RequireKnown(keyword);
    }
    if (!fits) found.push_back(absl::StrCat(at, ": ", keyword));
    return found;
  }

  static void RequireKnown(const std::string& keyword) {
    static const std::set<std::string> known = {
        "properties", "required", "additionalProperties", "items", "pattern", "minimum",
        "maximum",    "minItems", "description",          "title", "then",    "else",
        "$defs",      "$schema"};
    INFO("keyword " << keyword);
    REQUIRE(known.contains(keyword));
  }

  const json& root_;
};

}  // namespace

json ToJson(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: return nullptr;
    case Value::Kind::kSequence: {
      json array = json::array();
      for (const Value& item : value.values) array.push_back(ToJson(item));
      return array;
    }
    case Value::Kind::kMap: {
      json object = json::object();
      for (size_t i = 0; i < value.keys.size(); ++i) {
        object[value.keys[i].text] = ToJson(value.values[i]);
      }
      return object;
    }
    case Value::Kind::kScalar: break;
  }
  int64_t number = 0;
  if (!value.quoted && absl::SimpleAtoi(value.text, &number)) return number;
  if (!value.quoted && (value.text == "true" || value.text == "false")) {
    return value.text == "true";
  }
  return value.text;
}

std::vector<std::string> Violations(const json& schema, const json& value) {
  return Check(schema).Of(schema, value, "");
}

}  // namespace orchestrator
