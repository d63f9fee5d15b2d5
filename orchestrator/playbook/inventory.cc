#include "orchestrator/playbook/inventory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "orchestrator/playbook/suggest.h"

namespace orchestrator {
namespace {

const std::vector<std::string>& HostKinds() {
  static const auto& words = HostSpec().Find("kind")->words;
  static const auto& kinds = *new std::vector<std::string>(words.begin(), words.end());
  return kinds;
}

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) {}

  Inventory Read(const Value& root) {
    Fields fields(root, InventorySpec(), problems_);
    ReadHeader(fields, InventorySpec(), problems_);
    ReadSites(fields.Get("sites"));
    ReadHosts(fields.Get("hosts"));
    ReadGroups(fields.Get("groups"));
    if (const Value* people = fields.Get("people")) {
      inventory_.people = ReadPeople(*people, problems_);
    }
    fields.RefuseOthers();
    CheckShards();
    return std::move(inventory_);
  }

 private:
  void ReadSites(const Value* value) {
    if (value == nullptr) return;
    const auto names = ReadNames(*value, "sites", false, problems_);
    if (!names.has_value()) return;
    for (const Located& site : *names) {
      if (std::count(inventory_.sites.begin(), inventory_.sites.end(), site.text) > 0) {
        problems_.Add(site.place, absl::StrCat("site '", site.text, "' stands twice: remove one"));
        continue;
      }
      inventory_.sites.push_back(site.text);
    }
  }

  void ReadHosts(const Value* value) {
    const std::vector<Value>* items =
        value == nullptr ? nullptr : ReadList(*value, "hosts", problems_);
    if (items == nullptr) return;
    for (const Value& item : *items) ReadHost(item);
    for (uint32_t i = 0; i < inventory_.hosts.size(); ++i) {
      inventory_.groups["all"].push_back(i);
      inventory_.groups[inventory_.hosts[i].name.text] = {i};
    }
  }

  void ReadHost(const Value& item) {
    Fields fields(item, HostSpec(), problems_);
    if (!fields.is_map()) return;
    InventoryHost host;
    const Value* name_value = fields.Get("name");
    const auto name =
        name_value == nullptr ? std::nullopt : ReadName(*name_value, "name", problems_);
    host.site = ReadOneOf(fields.Get("site"), "site", inventory_.sites);
    host.kind = ReadOneOf(fields.Get("kind"), "kind", HostKinds());
    ReadLedgerFields(fields, item, host);
    fields.RefuseOthers();
    if (!name.has_value()) return;
    host.name = *name;
    for (const InventoryHost& other : inventory_.hosts) {
      if (other.name.text != name->text && name->text != "all") continue;
      problems_.Add(name->place,
                    name->text == "all"
                        ? "'all' means every host: give this host another name"
                        : absl::StrCat("duplicate host '", name->text, "': the first is on line ",
                                       other.name.place.line, "; rename one"));
      return;
    }
    inventory_.hosts.push_back(std::move(host));
  }

  void ReadLedgerFields(Fields& fields, const Value& item, InventoryHost& host) {
    if (host.kind != "ledger") {
      for (const char* key : {"shard", "node_key"}) {
        const Value* value = fields.Get(key);
        if (value == nullptr || host.kind.empty()) continue;
        problems_.Add(
            value->place,
            absl::StrCat("'", key, "' is for ledger hosts: remove it, or write kind: ledger"));
      }
      return;
    }
    const Value* shard = RequiredOfLedgers(fields, item, "shard");
    if (shard != nullptr) {
      const auto number = ReadNumber(*shard, "shard", HostSpec().Find("shard")->largest, problems_);
      if (number.has_value()) host.shard = static_cast<uint32_t>(*number);
    }
    const Value* key = RequiredOfLedgers(fields, item, "node_key");
    if (key == nullptr) return;
    const auto digits = ReadText(*key, "node_key", problems_);
    if (!digits.has_value()) return;
    const auto bytes = base::FromHex(*digits);
    if (bytes.ok() && bytes->size() == 32) return;
    problems_.Add(key->place,
                  "'node_key' is no Ed25519 public key: write the 64 hexadecimal digits "
                  "that 'hamisha-ledger init' printed");
  }

  const Value* RequiredOfLedgers(Fields& fields, const Value& item, absl::string_view key) {
    if (item.Find(key) == nullptr) {
      problems_.Add(item.place, absl::StrCat("host has no '", key, "': write '", key, ": …'"));
    }
    return fields.Get(key);
  }

  std::string ReadOneOf(const Value* value, absl::string_view key,
                        const std::vector<std::string>& known) {
    if (value == nullptr) return "";
    const auto name = ReadName(*value, key, problems_);
    if (!name.has_value()) return "";
    if (std::find(known.begin(), known.end(), name->text) != known.end()) return name->text;
    if (!known.empty()) {  // Else the missing list has been named already.
      problems_.Add(name->place, absl::StrCat("unknown ", key, " ", Quoted(name->text),
                                              Suggest(name->text, known)));
    }
    return "";
  }

  void ReadGroups(const Value* value) {
    if (value == nullptr) return;
    const Fields fields(*value, "groups", problems_);
    if (!fields.is_map()) return;
    std::vector<std::string> hosts;
    for (const InventoryHost& host : inventory_.hosts) hosts.push_back(host.name.text);
    std::map<std::string, std::vector<uint32_t>> groups;
    for (size_t i = 0; i < value->keys.size(); ++i) {
      const auto name = ReadName(value->keys[i], "groups", problems_);
      if (!name.has_value()) continue;
      if (inventory_.groups.contains(name->text)) {
        problems_.Add(name->place, absl::StrCat("group '", name->text,
                                                "' has a name that is taken: rename the group"));
        continue;
      }
      groups[name->text] = ReadMembers(value->values[i], name->text, hosts);
    }
    inventory_.groups.merge(groups);
  }

  std::vector<uint32_t> ReadMembers(const Value& value, const std::string& group,
                                    const std::vector<std::string>& hosts) {
    std::set<uint32_t> members;
    const auto names = ReadNames(value, group, false, problems_);
    if (!names.has_value()) return {};
    for (const Located& name : *names) {
      const auto found = std::find(hosts.begin(), hosts.end(), name.text);
      if (found == hosts.end() && hosts.empty()) continue;  // The missing list has been named.
      if (found == hosts.end()) {
        problems_.Add(name.place,
                      absl::StrCat("unknown host ", Quoted(name.text), Suggest(name.text, hosts)));
        continue;
      }
      members.insert(static_cast<uint32_t>(found - hosts.begin()));
    }
    return {members.begin(), members.end()};
  }

  void CheckShards() {
    std::map<std::pair<uint32_t, std::string>, const InventoryHost*> nodes;
    std::map<uint32_t, const InventoryHost*> first_by_shard;
    for (const InventoryHost& host : inventory_.hosts) {
      if (!host.shard.has_value()) continue;
      first_by_shard.emplace(*host.shard, &host);
      if (host.site.empty()) continue;
      const auto [other, added] = nodes.emplace(std::pair(*host.shard, host.site), &host);
      if (added) continue;
      problems_.Add(host.name.place,
                    absl::StrCat("host '", host.name.text, "' serves shard ", *host.shard,
                                 " on site '", host.site, "', as '", other->second->name.text,
                                 "' does: write one host a shard and site"));
    }
    uint32_t expected = 0;
    for (const auto& [shard, host] : first_by_shard) {
      if (shard != expected) {
        problems_.Add(
            host->name.place,
            absl::StrCat("no host serves shard ", expected, ", but this one serves shard ", shard,
                         ": number the shards 0, 1, 2, … without a gap"));
        return;
      }
      ++expected;
    }
    inventory_.shard_count = expected;
  }

  Problems& problems_;
  Inventory inventory_;
};

}  // namespace

const InventoryHost* Inventory::FindNode(uint32_t shard, const std::string& site) const {
  for (const InventoryHost& host : hosts) {
    if (host.shard == shard && host.site == site) return &host;
  }
  return nullptr;
}

std::vector<std::string> Inventory::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, members] : groups) names.push_back(name);
  return names;
}

Inventory ReadInventory(const Value& root, Problems& problems) {
  return Reader(problems).Read(root);
}

}  // namespace orchestrator
