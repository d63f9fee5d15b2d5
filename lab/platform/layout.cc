#include "lab/platform/layout.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lab {

std::vector<Host> HostsOf(const LabFile& lab) {
  std::vector<Host> hosts;
  for (const char* const site : {"source", "target"}) {
    for (uint32_t shard = 0; shard < lab.shards; ++shard) {
      hosts.push_back({.name = NodeName(site, shard), .site = site, .shard = shard});
    }
  }
  for (uint32_t gateway = 0; gateway < lab.gateways; ++gateway) {
    hosts.push_back({.name = GatewayName(gateway), .site = "target", .gateway = true});
  }
  return hosts;
}

Layout::Layout(LabFile lab, std::string directory, Addresses addresses)
    : lab_(std::move(lab)),
      directory_(std::move(directory)),
      addresses_(std::move(addresses)),
      hosts_(HostsOf(lab_)) {}

std::string Layout::KeyPath(const std::string& directory, const std::string& person) {
  return absl::StrCat(directory, "/people/", person);
}

std::string Layout::NodeFolder(const std::string& directory, const std::string& node) {
  return absl::StrCat(directory, "/nodes/", node);
}

const std::string& Layout::AddressOf(const Host& node, const std::string& site) const {
  return (node.site == site ? addresses_.direct : addresses_.relayed).at(node.name);
}

hamisha::ledger::v1::NodeConfig Layout::NodeConfigOf(const Host& host) const {
  hamisha::ledger::v1::NodeConfig config;
  config.set_shard(host.shard);
  config.set_node_id(host.name);
  config.set_listen(addresses_.direct.at(host.name));
  config.set_data_dir(NodeFolder(directory_, host.name));
  config.set_first_owner(NodeName("source", host.shard));
  config.set_lab_faults(true);
  for (const Host& node : hosts_) {
    if (node.gateway || node.shard != host.shard) continue;
    hamisha::ledger::v1::Member& member = *config.add_members();
    member.set_node_id(node.name);
    member.set_site(node.site);
    member.set_address(AddressOf(node, host.site));
    member.set_client_address(AddressOf(node, "target"));
    member.set_public_key(addresses_.keys.at(node.name));
  }
  return config;
}

hamisha::ledger::v1::GatewayConfig Layout::GatewayConfigOf(const Host& host) const {
  hamisha::ledger::v1::GatewayConfig config;
  config.set_listen(addresses_.direct.at(host.name));
  config.set_data_dir(absl::StrCat(directory_, "/gateways/", host.name));
  config.set_first_site("source");
  for (const Host& node : hosts_) {
    if (node.gateway) continue;
    hamisha::ledger::v1::GatewayNode& known = *config.add_nodes();
    known.set_shard(node.shard);
    known.set_node_id(node.name);
    known.set_site(node.site);
    known.set_address(AddressOf(node, host.site));
  }
  return config;
}

hamisha::agent::v1::AgentConfig Layout::AgentConfigOf(const Host& host) const {
  hamisha::agent::v1::AgentConfig config;
  config.set_host(host.name);
  config.set_data_dir(absl::StrCat(directory_, "/agents/", host.name));
  const bool across = host.site == "source";
  config.set_orchestrator((across ? addresses_.relayed : addresses_.direct).at("orchestrator"));
  if (host.gateway) {
    config.set_gateway(addresses_.direct.at(host.name));
  } else {
    config.set_ledger(addresses_.direct.at(host.name));
  }
  if (const auto ahead = lab_.clock_ahead.find(host.site); ahead != lab_.clock_ahead.end()) {
    config.mutable_lab_clock_ahead()->set_seconds(absl::ToInt64Seconds(ahead->second));
  }
  return config;
}

std::string Layout::Inventory() const {
  std::string text = "apiVersion: hamisha/v1\nkind: Inventory\nsites: [source, target]\nhosts:\n";
  std::map<std::string, std::vector<std::string>> groups;
  for (const Host& host : hosts_) {
    groups[host.gateway ? "gateways" : absl::StrCat(host.site, "s")].push_back(host.name);
    if (host.gateway) {
      absl::StrAppend(&text, "  - {name: ", host.name, ", site: ", host.site, ", kind: gateway}\n");
    } else {
      absl::StrAppend(&text, "  - {name: ", host.name, ", site: ", host.site,
                      ", kind: ledger, shard: ", host.shard,
                      ", node_key: ", addresses_.keys.at(host.name), "}\n");
    }
  }
  absl::StrAppend(&text, "groups:\n");
  for (const auto& [name, members] : groups) {
    absl::StrAppend(&text, "  ", name, ": [", absl::StrJoin(members, ", "), "]\n");
  }
  if (!lab_.people.empty()) absl::StrAppend(&text, "people:\n");
  for (const LabPerson& person : lab_.people) {
    absl::StrAppend(&text, "  - {name: ", person.name, ", roles: [",
                    absl::StrJoin(person.roles, ", "), "], key: \"",
                    addresses_.people.at(person.name), "\"}\n");
  }
  return text;
}

}  // namespace lab
