#include "orchestrator/approval/allowed_signers.h"

#include <algorithm>
#include <array>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "orchestrator/approval/ssh_keygen.h"

namespace orchestrator {
namespace {

constexpr std::array<absl::string_view, 7> kKeyTypes = {"ssh-ed25519",
                                                        "sk-ssh-ed25519@openssh.com",
                                                        "ecdsa-sha2-nistp256",
                                                        "ecdsa-sha2-nistp384",
                                                        "ecdsa-sha2-nistp521",
                                                        "sk-ecdsa-sha2-nistp256@openssh.com",
                                                        "ssh-rsa"};

// Type and base64; empty when it is no key.
std::vector<absl::string_view> KeyWords(absl::string_view key) {
  if (std::any_of(key.begin(), key.end(), [](unsigned char letter) { return letter < ' '; })) {
    return {};
  }
  std::vector<absl::string_view> words = absl::StrSplit(key, ' ', absl::SkipEmpty());
  if (words.size() < 2) return {};
  words.resize(2);
  std::string bytes;
  const bool known = std::find(kKeyTypes.begin(), kKeyTypes.end(), words[0]) != kKeyTypes.end();
  if (!known || !absl::Base64Unescape(words[1], &bytes)) return {};
  // The type stands in the key, too, behind its length.
  const std::string prefix = absl::StrCat(
      std::string(3, '\0'), std::string(1, static_cast<char>(words[0].size())), words[0]);
  if (!absl::StartsWith(bytes, prefix)) return {};
  return words;
}

// In an allowed signers file a name is a list of patterns.
bool IsPlainName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
    return absl::ascii_isalnum(letter) || letter == '_' || letter == '-' || letter == '.';
  });
}

}  // namespace

absl::Status CheckKey(absl::string_view key) {
  if (!KeyWords(key).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "it is no SSH public key: write the line of the person's .pub file, like "
      "ssh-ed25519 AAAA… name");
}

absl::StatusOr<std::string> AllowedSigners(const std::vector<Person>& people) {
  std::string text;
  for (const Person& person : people) {
    if (person.key.empty()) continue;
    const std::vector<absl::string_view> words = KeyWords(person.key);
    if (!IsPlainName(person.name) || words.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the inventory's key of '", person.name,
                       "' cannot be used: ", std::string(CheckKey(person.key).message())));
    }
    absl::StrAppend(&text, person.name, " namespaces=\"", kSignatureNamespace, "\" ", words[0], " ",
                    words[1], "\n");
  }
  return text;
}

}  // namespace orchestrator
