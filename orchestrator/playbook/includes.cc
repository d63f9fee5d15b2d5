#include "orchestrator/playbook/includes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

// Included files nest phases no further: `steps` stands in a phase or at the top.
void CollectPaths(const Value& holder, std::vector<std::string>& paths) {
  const Value* steps = holder.Find("steps");
  if (steps == nullptr) return;
  for (const Value& item : steps->values) {
    const Value* include = item.Find("include");
    if (include == nullptr || include->kind != Value::Kind::kScalar) continue;
    if (std::find(paths.begin(), paths.end(), include->text) == paths.end()) {
      paths.push_back(include->text);
    }
  }
}

}  // namespace

bool IsIncludePath(absl::string_view path) {
  if (path.empty() || absl::StrContains(path, "\\")) return false;
  const std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  return std::none_of(segments.begin(), segments.end(), [](absl::string_view segment) {
    return segment.empty() || segment == "." || segment == "..";
  });
}

std::vector<std::string> IncludedPaths(const std::string& yaml) {
  Problems unread("");
  std::vector<std::string> paths;
  const std::optional<Value> root = ReadDocument(yaml, unread);
  if (!root.has_value()) return paths;
  CollectPaths(*root, paths);
  if (const Value* phases = root->Find("phases")) {
    for (const Value& phase : phases->values) CollectPaths(phase, paths);
  }
  return paths;
}

std::vector<absl::Status> ReadIncludes(const IncludeReader& read, SourceText& playbook) {
  std::vector<absl::Status> failed;
  std::map<std::string, std::string> texts;
  std::vector<std::string> wanted = IncludedPaths(playbook.yaml);
  std::set<std::string> asked;
  while (!wanted.empty() && texts.size() < kIncludedFilesMax) {
    const std::string path = wanted.back();
    wanted.pop_back();
    if (!IsIncludePath(path) || !asked.insert(path).second) continue;
    absl::StatusOr<std::string> text = read(path);
    if (!text.ok()) {
      failed.push_back(text.status());
      continue;
    }
    for (std::string& more : IncludedPaths(*text)) wanted.push_back(std::move(more));
    texts[path] = *std::move(text);
  }
  playbook.includes.clear();
  for (auto& [path, yaml] : texts) {
    playbook.includes.push_back({.path = path, .yaml = std::move(yaml)});
  }
  return failed;
}

IncludedTexts::IncludedTexts(const std::vector<SourceText>& texts, Problems& problems)
    : problems_(problems) {
  if (texts.size() > kIncludedFilesMax) {
    problems_.Add({}, absl::StrCat("the playbook includes ", texts.size(),
                                   " files: include at most ", kIncludedFilesMax));
  }
  for (const SourceText& text : texts) {
    if (texts_.emplace(text.path, Text{.source = &text}).second) continue;
    problems_.Add({}, absl::StrCat("included file ", Quoted(text.path),
                                   " came twice with the playbook: send it once"));
  }
}

std::vector<std::string> IncludedTexts::Paths() const {
  std::vector<std::string> paths;
  for (const auto& entry : texts_) paths.push_back(entry.first);
  return paths;
}

const Value* IncludedTexts::Parse(const std::string& path) {
  Text& text = texts_.at(path);
  if (!std::exchange(text.parsed, true)) {
    const uint32_t file = problems_.AddFile(path);
    text.root = ReadDocument(text.source->yaml, problems_, file);
  }
  return text.root.has_value() ? &*text.root : nullptr;
}

void IncludedTexts::RefuseUnused() const {
  for (const auto& [path, text] : texts_) {
    if (text.parsed) continue;
    problems_.Add({},
                  absl::StrCat("file ", Quoted(path),
                               " came with the playbook, and nothing includes it: leave it out"));
  }
}

}  // namespace orchestrator
