#include "lab/platform/log_file.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace lab {
namespace {

constexpr uint64_t kReadBytesMax = 1 << 20;

}  // namespace

uint64_t LogFile::Size() const {
  if (!files_.Exists(path_)) return 0;
  const auto file = files_.Open(path_);
  return file.ok() ? (*file)->Size().value_or(0) : 0;
}

std::string LogFile::ReadFrom(uint64_t& offset) const {
  if (!files_.Exists(path_)) return "";
  const auto file = files_.Open(path_);
  if (!file.ok()) return "";
  const uint64_t size = (*file)->Size().value_or(0);
  if (size <= offset) return "";
  const uint64_t start = std::max(offset, size - std::min(size, kReadBytesMax));
  std::string text(size - start, '\0');
  if (!(*file)->ReadAt(start, text.data(), text.size()).ok()) return "";
  offset = size;
  return text;
}

std::string LogFile::LastLines(size_t count) const {
  uint64_t offset = 0;
  const std::string text = ReadFrom(offset);
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<long>(count));
  return absl::StrJoin(lines, "\n");
}

}  // namespace lab
