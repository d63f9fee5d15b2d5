#include "ledger/storage/small_file.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr size_t kChecksumDigits = 16;

std::string ChecksumDigits(absl::string_view content) {
  return absl::StrCat(
      absl::Hex(base::Checksum64(content.data(), content.size()), absl::kZeroPad16));
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> SmallFiles::LoadRefusals() {
  ASSIGN_OR_RETURN(const std::string content, Load("refusals"));
  std::vector<uint64_t> epochs;
  for (const absl::string_view line : absl::StrSplit(content, '\n', absl::SkipEmpty())) {
    uint64_t epoch = 0;
    if (!absl::SimpleAtoi(line, &epoch)) {
      return absl::DataLossError(absl::StrCat(folder_, "/refusals: \"", line, "\" is no epoch"));
    }
    epochs.push_back(epoch);
  }
  if (!epochs.empty()) RETURN_IF_ERROR(SaveRefusals(epochs));
  return epochs;
}

absl::Status SmallFiles::SaveRefusals(const std::vector<uint64_t>& epochs) {
  return Save("refusals", absl::StrCat(absl::StrJoin(epochs, "\n"), "\n"));
}

absl::StatusOr<std::string> SmallFiles::LoadFollowing() { return Load("following"); }

absl::Status SmallFiles::SaveFollowing(absl::string_view node_id) {
  return Save("following", node_id);
}

absl::StatusOr<std::string> SmallFiles::LoadCertificate() { return Load("certificate"); }

absl::Status SmallFiles::SaveCertificate(absl::string_view certificate) {
  return Save("certificate", certificate);
}

absl::StatusOr<std::string> SmallFiles::LoadChallenge() { return Load("challenge"); }

absl::Status SmallFiles::SaveChallenge(absl::string_view challenge) {
  return Save("challenge", challenge);
}

absl::StatusOr<std::string> SmallFiles::LoadCutovers() { return Load("cutovers"); }

absl::Status SmallFiles::SaveCutovers(absl::string_view cutovers) {
  return Save("cutovers", cutovers);
}

absl::StatusOr<uint64_t> SmallFiles::LoadCopiedHistory() {
  ASSIGN_OR_RETURN(const std::string content, Load("copied"));
  uint64_t until_ns = 0;
  if (!content.empty() && !absl::SimpleAtoi(content, &until_ns)) {
    return absl::DataLossError(absl::StrCat(folder_, "/copied: \"", content, "\" is no time"));
  }
  return until_ns;
}

absl::Status SmallFiles::SaveCopiedHistory(uint64_t until_ns) {
  return Save("copied", absl::StrCat(until_ns));
}

absl::StatusOr<std::string> SmallFiles::Load(absl::string_view name) {
  return LoadChecked(files_, absl::StrCat(folder_, "/", name));
}

absl::Status SmallFiles::Save(absl::string_view name, absl::string_view content) {
  return SaveChecked(files_, absl::StrCat(folder_, "/", name), content);
}

absl::StatusOr<std::string> LoadChecked(base::FileSystem& files, const std::string& path,
                                        absl::string_view advice) {
  if (!files.Exists(path)) return std::string();
  ASSIGN_OR_RETURN(std::string text, files.Read(path));
  const absl::string_view content =
      absl::string_view(text).substr(std::min(text.size(), kChecksumDigits + 1));
  if (text.size() <= kChecksumDigits || text[kChecksumDigits] != '\n' ||
      absl::string_view(text).substr(0, kChecksumDigits) != ChecksumDigits(content)) {
    return absl::DataLossError(absl::StrCat(path, " is damaged; ", advice));
  }
  return std::string(content);
}

absl::Status SaveChecked(base::FileSystem& files, const std::string& path,
                         absl::string_view content) {
  return files.Replace(path, absl::StrCat(ChecksumDigits(content), "\n", content));
}

}  // namespace ledger
