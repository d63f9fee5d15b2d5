#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "orchestrator/playbook/document.h"
#include "orchestrator/playbook/specs.h"

namespace orchestrator {

// A text with its place.
struct Located {
  std::string text;
  TextPlace place;
};

// Reads one mapping key by key and knows which keys there may be: those of its spec, or without one
// those that were asked for. Keeps references to its arguments.
class Fields {
 public:
  // `what`: "step", for messages. A value that is no mapping is a problem, and has no keys.
  Fields(const Value& map, std::string what, Problems& problems);
  Fields(const Value& map, const ObjectSpec& spec, Problems& problems);

  // A field of the spec; nullptr when absent, which is a problem where the spec requires it. A key
  // without a value is absent, and a problem.
  const Value* Get(absl::string_view key);
  // The same without a spec.
  const Value* Optional(absl::string_view key);
  const Value* Required(absl::string_view key);
  // To be called last: every other key is a problem.
  void RefuseOthers() const;

  bool is_map() const { return map_.kind == Value::Kind::kMap; }

 private:
  const Value& map_;
  std::string what_;
  const ObjectSpec* spec_ = nullptr;
  Problems& problems_;
  std::vector<std::string> known_;
};

// The scalar's text; anything else is a problem that names `key`. Control characters are refused.
std::optional<std::string> ReadText(const Value& value, absl::string_view key, Problems& problems);

// A name: letters, digits, '_', '-' and '.', beginning with a letter or digit, at most 64.
std::optional<Located> ReadName(const Value& value, absl::string_view key, Problems& problems);

// One name, or a list of names. An empty list is a problem unless `may_be_empty`.
std::optional<std::vector<Located>> ReadNames(const Value& value, absl::string_view key,
                                              bool may_be_empty, Problems& problems);

// "2s", "150ms", "1h30m": finite, not negative, at most a week.
std::optional<absl::Duration> ReadDuration(const Value& value, absl::string_view key,
                                           Problems& problems);

// As ReadDuration, and above zero.
std::optional<absl::Duration> ReadTimeout(const Value& value, absl::string_view key,
                                          Problems& problems);

// "2015-04-18T23:00:00+03:00"
std::optional<absl::Time> ReadTime(const Value& value, absl::string_view key, Problems& problems);

// A whole number from 0 to `largest`.
std::optional<uint64_t> ReadNumber(const Value& value, absl::string_view key, uint64_t largest,
                                   Problems& problems);

// "2000", "-0.5"
std::optional<double> ReadDecimal(const Value& value, absl::string_view key, Problems& problems);

// "50%": from 1 to 100.
std::optional<uint32_t> ReadPercentage(const Value& value, absl::string_view key,
                                       Problems& problems);

// The text, which is one of the field's words; nullopt with a problem otherwise.
std::optional<std::string> ReadWord(const Value& value, const FieldSpec& field, Problems& problems);

// true | false
std::optional<bool> ReadBool(const Value& value, absl::string_view key, Problems& problems);

// The items of a list that has some; nullptr otherwise, with a problem.
const std::vector<Value>* ReadList(const Value& value, absl::string_view key, Problems& problems);

// Checks `apiVersion` and `kind`, which every file of ours begins with.
void ReadHeader(Fields& fields, const ObjectSpec& spec, Problems& problems);

}  // namespace orchestrator
