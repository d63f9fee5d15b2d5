#include "agents/drivers/host/proc.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace agents {
namespace {

// What hashing, checksums and scans of accounts use; arm64's names too.
const std::set<std::string>& NotableFeatures() {
  static const auto& features = *new std::set<std::string>{
      "aes",  "avx2",  "avx512f", "bmi2",  "pclmulqdq", "sha_ni", "sse4_2",
      "vaes", "asimd", "crc32",   "pmull", "sha2",      "sha512", "sve"};
  return features;
}

bool IsWithin(const std::string& path, const std::string& folder) {
  if (folder == "/" || path == folder) return true;
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
         path[folder.size()] == '/';
}

std::vector<std::string> Words(absl::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
}

}  // namespace

CpuInfo ParseCpuInfo(absl::string_view cpuinfo) {
  CpuInfo cpu;
  std::set<std::string> features;
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view key = absl::StripAsciiWhitespace(parts.first);
    const absl::string_view value = absl::StripAsciiWhitespace(parts.second);
    if (key == "processor") ++cpu.count;
    if (key == "model name" && cpu.model.empty()) cpu.model = std::string(value);
    if (key != "flags" && key != "Features") continue;
    for (std::string& word : Words(value)) {
      if (NotableFeatures().contains(word)) features.insert(std::move(word));
    }
  }
  cpu.features.assign(features.begin(), features.end());
  return cpu;
}

uint64_t ParseMemoryBytes(absl::string_view meminfo) {
  for (const absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    const std::vector<std::string> words = Words(line);
    uint64_t kib = 0;
    if (words.size() < 2 || words[0] != "MemTotal:") continue;
    if (absl::SimpleAtoi(words[1], &kib)) return kib * 1024;
  }
  return 0;
}

uint64_t ParseOpenFilesMax(absl::string_view limits) {
  for (absl::string_view line : absl::StrSplit(limits, '\n')) {
    if (!absl::ConsumePrefix(&line, "Max open files")) continue;
    const std::vector<std::string> words = Words(line);
    if (words.empty()) return 0;
    if (words[0] == "unlimited") return std::numeric_limits<uint64_t>::max();
    uint64_t soft = 0;
    return absl::SimpleAtoi(words[0], &soft) ? soft : 0;
  }
  return 0;
}

std::string ParseChosen(absl::string_view choices) {
  const size_t begin = choices.find('[');
  const size_t end = choices.find(']');
  if (begin == absl::string_view::npos || end == absl::string_view::npos || end < begin) return "";
  return std::string(choices.substr(begin + 1, end - begin - 1));
}

// "36 35 98:0 / /data rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue": the fifth word is
// where it is mounted, the sixth how, and the type stands behind the lone dash.
std::string ParseMountOf(absl::string_view mountinfo, const std::string& path) {
  std::string longest;
  std::string found;
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    const std::vector<std::string> words = Words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || dash == words.end() || dash + 1 == words.end()) continue;
    const std::string& mounted_at = words[4];
    // Of two at one place the later covers the earlier.
    if (!IsWithin(path, mounted_at) || mounted_at.size() < longest.size()) continue;
    longest = mounted_at;
    found = absl::StrCat(*(dash + 1), " ", words[5]);
  }
  return found;
}

}  // namespace agents
