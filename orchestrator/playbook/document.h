#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "orchestrator/playbook/diagnostic.h"

namespace orchestrator {

// A YAML value that knows where it stands. Scalars keep their text: what it means is up to the
// reader, so that `no`, `1e3` and `0x10` are no surprises.
struct Value {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  TextPlace place;                 // A missing value (`key:`) stands where its key does.
  std::string text = {};           // Of a scalar.
  bool reported = false;           // A problem of it is known: readers say no more about it.
  bool quoted = false;             // The scalar was written in quotes, or as a block.
  std::vector<Value> keys = {};    // Of a map: scalars, each once, in file order.
  std::vector<Value> values = {};  // Of a map, beside `keys`; of a sequence, its items.

  const Value* Find(absl::string_view key) const;
};

// "a mapping", "a list", "nothing", "text"
absl::string_view KindName(Value::Kind kind);

// Texts past these are refused: a playbook is written by people.
constexpr size_t kDocumentBytesMax = 1 << 20;
constexpr size_t kDocumentDepthMax = 16;

// The one YAML document of `yaml`. nullopt, with a problem, when it is no YAML at all, too large or
// too deep. Duplicated keys, anchors, aliases and tags are problems too, and reading goes on.
// `file` is the text's number among those of `problems`.
std::optional<Value> ReadDocument(const std::string& yaml, Problems& problems, uint32_t file = 0);

}  // namespace orchestrator
