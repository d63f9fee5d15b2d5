#pragma once

#include <map>
#include <string>
#include <vector>

#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/gateway.pb.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "lab/platform/lab_file.h"

namespace lab {

struct Host {
  std::string name;  // A ledger host is called as its node.
  std::string site;
  bool gateway = false;
  uint32_t shard = 0;  // Of ledger hosts.
};

// Source nodes, target nodes, gateways: the order in which everything is listed and started.
std::vector<Host> HostsOf(const LabFile& lab);

// Where everything is: by node, gateway or "orchestrator".
struct Addresses {
  std::map<std::string, std::string> direct;   // For those on the same site.
  std::map<std::string, std::string> relayed;  // For those across the link.
  std::map<std::string, std::string> keys;     // Public keys of nodes, hexadecimal.
  std::map<std::string, std::string> people;   // Public keys of people, as OpenSSH writes them.
};

// What each program is told. Clients, gateways and the orchestrator stand at the target. Pure.
class Layout {
 public:
  Layout(LabFile lab, std::string directory, Addresses addresses);

  hamisha::ledger::v1::NodeConfig NodeConfigOf(const Host& host) const;
  hamisha::ledger::v1::GatewayConfig GatewayConfigOf(const Host& host) const;
  hamisha::agent::v1::AgentConfig AgentConfigOf(const Host& host) const;
  std::string Inventory() const;  // YAML.

  // Of a person: the private key; the public one beside it.
  static std::string KeyPath(const std::string& directory, const std::string& person);
  static std::string NodeFolder(const std::string& directory, const std::string& node);

 private:
  // As somebody at `site` reaches the node.
  const std::string& AddressOf(const Host& node, const std::string& site) const;

  const LabFile lab_;
  const std::string directory_;
  const Addresses addresses_;
  const std::vector<Host> hosts_;
};

}  // namespace lab
