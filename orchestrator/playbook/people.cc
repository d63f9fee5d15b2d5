#include "orchestrator/playbook/people.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace orchestrator {
namespace {

const std::vector<std::string>& KeyTypes() {
  static const auto& types = *new std::vector<std::string>{"ssh-ed25519",
                                                           "sk-ssh-ed25519@openssh.com",
                                                           "ecdsa-sha2-nistp256",
                                                           "ecdsa-sha2-nistp384",
                                                           "ecdsa-sha2-nistp521",
                                                           "sk-ecdsa-sha2-nistp256@openssh.com",
                                                           "ssh-rsa"};
  return types;
}

std::optional<InventoryPerson> ReadPerson(const Value& item, Problems& problems) {
  Fields fields(item, PersonSpec(), problems);
  if (!fields.is_map()) return std::nullopt;
  InventoryPerson person;
  std::optional<Located> name;
  if (const Value* value = fields.Get("name")) name = ReadName(*value, "name", problems);
  if (const Value* value = fields.Get("roles")) {
    for (Located& role :
         ReadNames(*value, "roles", false, problems).value_or(std::vector<Located>{})) {
      person.roles.push_back(std::move(role.text));
    }
  }
  if (const Value* value = fields.Get("key")) {
    person.key = ReadText(*value, "key", problems).value_or("");
    if (!person.key.empty() && !IsSshPublicKey(person.key)) {
      problems.Add(value->place,
                   "'key' is no OpenSSH public key: write the one line of the person's .pub file, "
                   "like 'ssh-ed25519 AAAA… asha'");
      person.key.clear();
    }
  }
  fields.RefuseOthers();
  if (!name.has_value()) return std::nullopt;
  person.name = *std::move(name);
  return person;
}

// The key itself, without what stands around it.
std::string KeyOf(const InventoryPerson& person) {
  const std::vector<std::string> parts = absl::StrSplit(person.key, ' ', absl::SkipEmpty());
  return parts.size() < 2 ? "" : parts[1];
}

}  // namespace

bool IsSshPublicKey(absl::string_view line) {
  if (absl::StrContains(line, "\n")) return false;
  const std::vector<std::string> parts = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (parts.size() < 2) return false;
  if (std::find(KeyTypes().begin(), KeyTypes().end(), parts[0]) == KeyTypes().end()) return false;
  std::string bytes;
  if (!absl::Base64Unescape(parts[1], &bytes)) return false;
  // The key says its own type first: four bytes of length, then the name.
  const std::string length = {'\0', '\0', '\0', static_cast<char>(parts[0].size())};
  return absl::StartsWith(bytes, length + parts[0]) && bytes.size() > 4 + parts[0].size();
}

std::vector<InventoryPerson> ReadPeople(const Value& list, Problems& problems) {
  std::vector<InventoryPerson> people;
  const std::vector<Value>* items = ReadList(list, "people", problems);
  if (items == nullptr) return people;
  for (const Value& item : *items) {
    std::optional<InventoryPerson> person = ReadPerson(item, problems);
    if (!person.has_value()) continue;
    bool is_new = true;
    for (const InventoryPerson& other : people) {
      if (other.name.text == person->name.text) {
        problems.Add(person->name.place,
                     absl::StrCat("duplicate person '", other.name.text, "': the first is on line ",
                                  other.name.place.line, "; rename one"));
      } else if (!KeyOf(other).empty() && KeyOf(other) == KeyOf(*person)) {
        problems.Add(person->name.place,
                     absl::StrCat("'", person->name.text, "' has the key of '", other.name.text,
                                  "': each person needs a key of their own"));
      } else {
        continue;
      }
      is_new = false;
      break;
    }
    if (is_new) people.push_back(*std::move(person));
  }
  return people;
}

}  // namespace orchestrator
