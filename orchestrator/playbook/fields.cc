#include "orchestrator/playbook/fields.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/invariant.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

constexpr size_t kNameLettersMax = 64;
constexpr absl::Duration kDurationMax = absl::Hours(24 * 7);

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > kNameLettersMax) return false;
  if (!absl::ascii_isalnum(static_cast<unsigned char>(text.front()))) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char letter) {
    return absl::ascii_isalnum(letter) || letter == '_' || letter == '-' || letter == '.';
  });
}

}  // namespace

Fields::Fields(const Value& map, std::string what, Problems& problems)
    : map_(map), what_(std::move(what)), problems_(problems) {
  if (is_map() || map.reported) return;
  problems_.Add(map.place, absl::StrCat("'", what_, "' is ", KindName(map.kind),
                                        ": write a mapping with 'key: value' lines"));
}

Fields::Fields(const Value& map, const ObjectSpec& spec, Problems& problems)
    : Fields(map, spec.what, problems) {
  spec_ = &spec;
}

const Value* Fields::Get(absl::string_view key) {
  INVARIANT(spec_ != nullptr);
  const FieldSpec* field = spec_->Find(key);
  INVARIANT(field != nullptr);  // Else the reader understands more than is documented.
  return field->required ? Required(key) : Optional(key);
}

const Value* Fields::Optional(absl::string_view key) {
  known_.emplace_back(key);
  const Value* value = map_.Find(key);
  if (value == nullptr || value->kind != Value::Kind::kNull) return value;
  problems_.Add(value->place, absl::StrCat("'", key, "' has no value: write one or remove it"));
  return nullptr;
}

const Value* Fields::Required(absl::string_view key) {
  if (is_map() && map_.Find(key) == nullptr) {
    problems_.Add(map_.place, absl::StrCat(what_, " has no '", key, "': write '", key, ": …'"));
  }
  return Optional(key);
}

void Fields::RefuseOthers() const {
  if (spec_ != nullptr) {  // Else more is documented than the reader understands.
    for (const FieldSpec& field : spec_->fields) {
      INVARIANT(std::find(known_.begin(), known_.end(), field.name) != known_.end());
    }
  }
  for (const Value& key : map_.keys) {
    if (std::find(known_.begin(), known_.end(), key.text) != known_.end()) continue;
    problems_.Add(key.place,
                  absl::StrCat("unknown key ", Quoted(key.text), " in ", what_,
                               known_.empty() ? ": it has none" : Suggest(key.text, known_)));
  }
}

std::optional<std::string> ReadText(const Value& value, absl::string_view key, Problems& problems) {
  if (value.reported) return std::nullopt;
  if (value.kind != Value::Kind::kScalar) {
    problems.Add(value.place,
                 absl::StrCat("'", key, "' is ", KindName(value.kind), ": write a single value"));
    return std::nullopt;
  }
  const bool printable = std::none_of(value.text.begin(), value.text.end(), [](unsigned char c) {
    return absl::ascii_iscntrl(c) && c != '\n';
  });
  if (!printable) {
    problems.Add(value.place, absl::StrCat("'", key, "' holds control characters: ",
                                           Quoted(value.text), ": write plain text"));
    return std::nullopt;
  }
  return value.text;
}

std::optional<Located> ReadName(const Value& value, absl::string_view key, Problems& problems) {
  std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  if (!IsName(*text)) {
    problems.Add(value.place,
                 absl::StrCat("'", key, "' is no name: ", Quoted(*text), ": write up to ",
                              kNameLettersMax, " letters, digits, '_', '-' and '.'"));
    return std::nullopt;
  }
  return Located{.text = *std::move(text), .place = value.place};
}

std::optional<std::vector<Located>> ReadNames(const Value& value, absl::string_view key,
                                              bool may_be_empty, Problems& problems) {
  if (value.kind == Value::Kind::kMap || value.kind == Value::Kind::kNull) {
    problems.Add(value.place, absl::StrCat("'", key, "' is ", KindName(value.kind),
                                           ": write a name or a list of names"));
    return std::nullopt;
  }
  if (value.kind == Value::Kind::kSequence && value.values.empty() && !may_be_empty) {
    problems.Add(value.place, absl::StrCat("'", key, "' is empty: write at least one name"));
    return std::nullopt;
  }
  std::vector<Located> names;
  const auto read = [&](const Value& item) {
    std::optional<Located> name = ReadName(item, key, problems);
    if (name.has_value()) names.push_back(*std::move(name));
    return name.has_value();
  };
  bool all = true;
  if (value.kind == Value::Kind::kScalar) {
    all = read(value);
  } else {
    for (const Value& item : value.values) all = read(item) && all;
  }
  if (!all) return std::nullopt;
  return names;
}

std::optional<absl::Duration> ReadDuration(const Value& value, absl::string_view key,
                                           Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  absl::Duration duration;
  if (!absl::ParseDuration(*text, &duration)) {
    problems.Add(value.place, absl::StrCat("'", key, "' is no duration: ", Quoted(*text),
                                           ": write numbers with units, like 150ms, 2s or 1h30m"));
    return std::nullopt;
  }
  if (duration < absl::ZeroDuration() || duration > kDurationMax) {
    problems.Add(value.place,
                 absl::StrCat("'", key, "' is ", Quoted(*text), ": write a duration from 0s to ",
                              absl::FormatDuration(kDurationMax)));
    return std::nullopt;
  }
  return duration;
}

std::optional<absl::Duration> ReadTimeout(const Value& value, absl::string_view key,
                                          Problems& problems) {
  const std::optional<absl::Duration> timeout = ReadDuration(value, key, problems);
  if (!timeout.has_value()) return std::nullopt;
  if (*timeout < absl::Milliseconds(1)) {
    problems.Add(value.place, absl::StrCat("'", key, "' is ", Quoted(value.text),
                                           ": every wait needs a limit; write at least 1ms"));
    return std::nullopt;
  }
  return timeout;
}

std::optional<absl::Time> ReadTime(const Value& value, absl::string_view key, Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, *text, &time, &error) ||
      absl::StrContains(*text, "infinite")) {
    problems.Add(value.place,
                 absl::StrCat("'", key, "' is no time with a zone: ", Quoted(*text),
                              ": write it as RFC 3339 does, like 2015-04-18T23:00:00+03:00"));
    return std::nullopt;
  }
  return time;
}

std::optional<uint64_t> ReadNumber(const Value& value, absl::string_view key, uint64_t largest,
                                   Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  uint64_t number = 0;
  const bool digits = !value.quoted && !text->empty() &&
                      std::all_of(text->begin(), text->end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(*text, &number) || number > largest) {
    problems.Add(value.place, absl::StrCat("'", key, "' is ", Quoted(*text),
                                           ": write a whole number from 0 to ", largest));
    return std::nullopt;
  }
  return number;
}

std::optional<double> ReadDecimal(const Value& value, absl::string_view key, Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  const bool plain = std::all_of(text->begin(), text->end(), [](unsigned char letter) {
    return absl::ascii_isdigit(letter) || letter == '.' || letter == '-';
  });
  double number = 0;
  if (!value.quoted && plain && absl::SimpleAtod(*text, &number)) return number;
  problems.Add(value.place, absl::StrCat("'", key, "' is ", Quoted(*text),
                                         ": write a number, like 2000 or 0.5"));
  return std::nullopt;
}

std::optional<uint32_t> ReadPercentage(const Value& value, absl::string_view key,
                                       Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  absl::string_view digits = *text;
  uint32_t number = 0;
  const bool is_part = absl::ConsumeSuffix(&digits, "%") && !digits.empty() &&
                       std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
                       absl::SimpleAtoi(digits, &number) && number >= 1 && number <= 100;
  if (is_part) return number;
  problems.Add(value.place, absl::StrCat("'", key, "' is ", Quoted(*text),
                                         ": write a part from 1% to 100%, like 50%"));
  return std::nullopt;
}

std::optional<std::string> ReadWord(const Value& value, const FieldSpec& field,
                                    Problems& problems) {
  std::optional<std::string> text = ReadText(value, field.name, problems);
  if (!text.has_value()) return std::nullopt;
  const std::vector<std::string> words(field.words.begin(), field.words.end());
  if (std::find(words.begin(), words.end(), *text) != words.end()) return text;
  problems.Add(value.place,
               absl::StrCat("'", field.name, "' is ", Quoted(*text), Suggest(*text, words)));
  return std::nullopt;
}

std::optional<bool> ReadBool(const Value& value, absl::string_view key, Problems& problems) {
  const std::optional<std::string> text = ReadText(value, key, problems);
  if (!text.has_value()) return std::nullopt;
  if (value.quoted || (*text != "true" && *text != "false")) {
    problems.Add(value.place,
                 absl::StrCat("'", key, "' is ", Quoted(*text), ": write true or false"));
    return std::nullopt;
  }
  return *text == "true";
}

const std::vector<Value>* ReadList(const Value& value, absl::string_view key, Problems& problems) {
  if (value.reported) return nullptr;
  if (value.kind != Value::Kind::kSequence) {
    problems.Add(value.place, absl::StrCat("'", key, "' is ", KindName(value.kind),
                                           ": write a list with '- ' items"));
    return nullptr;
  }
  if (value.values.empty()) {
    problems.Add(value.place, absl::StrCat("'", key, "' is empty: write at least one item"));
    return nullptr;
  }
  return &value.values;
}

void ReadHeader(Fields& fields, const ObjectSpec& spec, Problems& problems) {
  for (const char* key : {"apiVersion", "kind"}) {
    const Value* value = fields.Get(key);
    if (value == nullptr) continue;
    const std::optional<std::string> text = ReadText(*value, key, problems);
    const std::string expected = spec.Find(key)->words.front();
    if (!text.has_value() || *text == expected) continue;
    problems.Add(value->place,
                 absl::StrCat("'", key, "' is ", Quoted(*text), ": write ", expected));
  }
}

}  // namespace orchestrator
