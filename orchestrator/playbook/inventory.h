#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/playbook/fields.h"
#include "orchestrator/playbook/people.h"

namespace orchestrator {

// One server as the inventory has it.
struct InventoryHost {
  Located name;
  std::string site;
  std::string kind;               // "ledger" | "gateway"; "" when it was unreadable.
  std::optional<uint32_t> shard;  // Ledger only.
};

//   apiVersion: hamisha/v1
//   kind: Inventory
//   sites: [source, target]
//   hosts:
//     - {name: source-0, site: source, kind: ledger, shard: 0, node_key: <64 hex digits>}
//     - {name: gateway-0, site: target, kind: gateway}
//   groups:
//     sources: [source-0]
//   people:
//     - {name: asha, roles: [ops], key: "ssh-ed25519 AAAA… asha"}
//
// Each shard from 0 up has at most one host on each site. A host's name is also its node's id, and
// a group of one; `all` is every host.
struct Inventory {
  std::vector<std::string> sites;
  std::vector<InventoryHost> hosts;                     // In file order.
  std::map<std::string, std::vector<uint32_t>> groups;  // Name → indices into `hosts`, ascending.
  std::vector<InventoryPerson> people;                  // In file order.
  uint32_t shard_count = 0;

  // The host of a shard on a site; nullptr without one.
  const InventoryHost* FindNode(uint32_t shard, const std::string& site) const;
  // Of groups and hosts, for suggestions.
  std::vector<std::string> Names() const;
};

// Reads what can be read; what cannot is a problem.
Inventory ReadInventory(const Value& root, Problems& problems);

}  // namespace orchestrator
