#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "orchestrator/playbook/document.h"
#include "orchestrator/playbook/source.h"

namespace orchestrator {

constexpr size_t kIncludedFilesMax = 64;
constexpr size_t kIncludeDepthMax = 8;

// Whether it names one file only, within the playbook's folder: relative, segments of letters that
// are neither empty nor "." nor "..", no backslash.
bool IsIncludePath(absl::string_view path);

// What the steps of a text include, in order, each once. Of a text with problems, what can be read.
std::vector<std::string> IncludedPaths(const std::string& yaml);

// Reads a file by its path from the playbook's folder.
using IncludeReader = std::function<absl::StatusOr<std::string>(const std::string& path)>;

// Sets `playbook.includes` to all that it includes, also by included files, in order of path. What
// could not be read is left out, and its status is returned; Compile() names the places.
std::vector<absl::Status> ReadIncludes(const IncludeReader& read, SourceText& playbook);

// The included texts while a playbook is read: each is parsed once.
class IncludedTexts {
 public:
  // Keeps references to its arguments.
  IncludedTexts(const std::vector<SourceText>& texts, Problems& problems);

  bool contains(const std::string& path) const { return texts_.contains(path); }
  std::vector<std::string> Paths() const;
  // nullptr when it is no YAML, which is a problem of that file.
  const Value* Parse(const std::string& path);
  // To be called last: texts that nothing included are problems.
  void RefuseUnused() const;

 private:
  struct Text {
    const SourceText* source;
    bool parsed = false;
    std::optional<Value> root = std::nullopt;
  };
  std::map<std::string, Text> texts_;
  Problems& problems_;
};

}  // namespace orchestrator
