#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace lab {

// Reads values out of a YAML document and keeps every problem with its place, so that a person
// corrects them all at once. A value that is absent or wrong reads as nothing.
class YamlReader {
 public:
  explicit YamlReader(std::string path) : path_(std::move(path)) {}

  void Problem(const YAML::Node& node, const std::string& message);
  // False, and a problem, unless `node` is a map. Every key that is not of `known` is a problem.
  bool IsMap(const YAML::Node& node, const std::string& what,
             std::initializer_list<const char*> known);

  std::optional<std::string> Text(const YAML::Node& map, const char* key);
  // Within [low, high].
  std::optional<uint64_t> Whole(const YAML::Node& map, const char* key, uint64_t low,
                                uint64_t high);
  std::optional<double> Positive(const YAML::Node& map, const char* key);
  // "150ms", "5s"; `endless` names the word for "without end", nullptr when there is none.
  std::optional<absl::Duration> Length(const YAML::Node& map, const char* key,
                                       const char* endless = nullptr);
  // "200MB/s", "10Gbit/s" is not read.
  std::optional<uint64_t> BytesPerSecond(const YAML::Node& map, const char* key);

  const std::vector<std::string>& problems() const { return problems_; }

 private:
  // Nothing where the key is absent; a problem where its value is no scalar.
  std::optional<std::string> Scalar(const YAML::Node& map, const char* key);

  std::string path_;
  std::vector<std::string> problems_;
};

// The one of `known` that `word` was probably meant to be; "" when none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace lab
