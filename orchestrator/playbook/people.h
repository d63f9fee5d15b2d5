#pragma once

#include <string>
#include <vector>

#include "orchestrator/playbook/fields.h"

namespace orchestrator {

// Somebody who may decide, as the inventory has them.
struct InventoryPerson {
  Located name;
  std::vector<std::string> roles;
  std::string key;  // As in an OpenSSH public key file: "ssh-ed25519 AAAA… comment".
};

// Whether it is one line of an OpenSSH public key file: type, key in base64 that begins with that
// type, and perhaps a comment.
bool IsSshPublicKey(absl::string_view line);

// Reads what can be read of `people:`; what cannot is a problem, as are two people of one name or
// key.
std::vector<InventoryPerson> ReadPeople(const Value& list, Problems& problems);

}  // namespace orchestrator
