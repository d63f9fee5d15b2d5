#include "orchestrator/playbook/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/invariant.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

TextPlace PlaceOf(const YAML::Mark& mark, uint32_t file) {
  return {.line = std::max(mark.line, 0) + 1, .column = std::max(mark.column, 0) + 1, .file = file};
}

// Builds the tree from the parser's events, without ever following an alias.
class Builder final : public YAML::EventHandler {
 public:
  Builder(Problems& problems, uint32_t file) : problems_(problems), file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    Append({.kind = Value::Kind::kNull, .place = At(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.Add(At(mark), "aliases are not supported: write the value out, or use vars");
    Append({.kind = Value::Kind::kScalar, .place = At(mark), .reported = true});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    Append({.kind = Value::Kind::kScalar, .place = At(mark), .text = value, .quoted = tag == "!"});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Begin(mark, tag, anchor, Value::Kind::kSequence);
  }
  void OnSequenceEnd() override { End(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Begin(mark, tag, anchor, Value::Kind::kMap);
  }
  void OnMapEnd() override { End(); }

  std::optional<Value> TakeRoot() { return std::exchange(root_, std::nullopt); }

 private:
  struct Frame {
    Value value;
    std::optional<Value> key;                           // Read, its value not yet.
    std::unordered_map<std::string, int> lines_by_key;  // Of the keys so far.
  };

  TextPlace At(const YAML::Mark& mark) const { return PlaceOf(mark, file_); }

  void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == 0) return;
    problems_.Add(At(mark), "anchors are not supported: write the value out, or use vars");
  }

  void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.Add(At(mark), absl::StrCat("tag ", Quoted(tag), " is not supported: remove it"));
  }

  void Begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             Value::Kind kind) {
    if (frames_.size() >= kDocumentDepthMax) {
      throw YAML::ParserException(
          mark, absl::StrCat("nested more than ", kDocumentDepthMax, " levels deep"));
    }
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    frames_.push_back({.value = {.kind = kind, .place = At(mark)}, .key = {}, .lines_by_key = {}});
  }

  void End() {
    INVARIANT(!frames_.empty());
    Value value = std::move(frames_.back().value);
    frames_.pop_back();
    Append(std::move(value));
  }

  void Append(Value value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.kind == Value::Kind::kSequence) {
      frame.value.values.push_back(std::move(value));
    } else if (!frame.key.has_value()) {
      frame.key = std::move(value);
    } else {
      AppendEntry(frame, std::move(value));
    }
  }

  void AppendEntry(Frame& frame, Value value) {
    Value key = *std::exchange(frame.key, std::nullopt);
    if (key.kind != Value::Kind::kScalar) {
      problems_.Add(key.place, absl::StrCat("a key is ", KindName(key.kind), ": write a name"));
      return;
    }
    const auto [first, added] = frame.lines_by_key.emplace(key.text, key.place.line);
    if (!added) {
      problems_.Add(key.place,
                    absl::StrCat("duplicate key ", Quoted(key.text), ": it stands already on line ",
                                 first->second, "; keep one of them"));
      return;
    }
    if (value.kind == Value::Kind::kNull) value.place = key.place;
    frame.value.keys.push_back(std::move(key));
    frame.value.values.push_back(std::move(value));
  }

  Problems& problems_;
  const uint32_t file_;
  std::vector<Frame> frames_;
  std::optional<Value> root_;
};

// The parser takes some of these for the end of the file.
bool RefuseControlCharacters(const std::string& yaml, Problems& problems, uint32_t file) {
  TextPlace place{.file = file};
  for (const char letter : yaml) {
    const auto code = static_cast<unsigned char>(letter);
    if ((code < 0x20 && letter != '\t' && letter != '\n' && letter != '\r') || code == 0x7f) {
      problems.Add(place, absl::StrCat("not YAML: a control character (code ", code,
                                       "): is this a text file in UTF-8?"));
      return false;
    }
    ++place.column;
    if (letter == '\n') place = {.line = place.line + 1, .column = 1, .file = file};
  }
  return true;
}

}  // namespace

const Value* Value::Find(absl::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &values[i];
  }
  return nullptr;
}

absl::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull: return "nothing";
    case Value::Kind::kScalar: return "text";
    case Value::Kind::kSequence: return "a list";
    case Value::Kind::kMap: return "a mapping";
  }
  UNREACHABLE();
}

std::optional<Value> ReadDocument(const std::string& yaml, Problems& problems, uint32_t file) {
  const TextPlace begin{.file = file};
  if (yaml.size() > kDocumentBytesMax) {
    problems.Add(begin, absl::StrCat("the file has ", yaml.size(), " bytes: at most ",
                                     kDocumentBytesMax, " are read"));
    return std::nullopt;
  }
  if (!RefuseControlCharacters(yaml, problems, file)) return std::nullopt;
  Builder builder(problems, file);
  try {
    // Without the blank end: the parser overlooks that a quote is not closed before it.
    std::istringstream stream(yaml.substr(0, yaml.find_last_not_of(" \t\r\n") + 1));
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      problems.Add(begin, "the file is empty: begin with 'apiVersion: hamisha/v1'");
      return std::nullopt;
    }
    std::optional<Value> root = builder.TakeRoot();
    if (parser.HandleNextDocument(builder)) {
      const std::optional<Value> second = builder.TakeRoot();
      problems.Add(second.has_value() ? second->place : begin,
                   "a second document begins here: write one document a file");
    }
    return root;
  } catch (const YAML::Exception& error) {
    problems.Add(PlaceOf(error.mark, file),
                 absl::StrCat("not valid YAML: ", error.msg,
                              ": check the indentation, quotes and brackets up to here"));
    return std::nullopt;
  }
}

}  // namespace orchestrator
