#include "lab/platform/layout.h"

#include <catch2/catch.hpp>

#include "lab/platform/port.h"

namespace lab {
namespace {

// Every address is a word that says how it is reached.
Layout OneShard() {
  LabFile lab;
  lab.shards = 1;
  lab.gateways = 1;
  lab.people = {{.name = "asha", .roles = {"ops", "business"}}};
  Addresses addresses;
  addresses.people["asha"] = "ssh-ed25519 AAAA asha";
  for (const char* const name : {"source-0", "target-0", "gateway-0", "orchestrator"}) {
    addresses.direct[name] = std::string("direct:") + name;
    addresses.relayed[name] = std::string("relayed:") + name;
    addresses.keys[name] = std::string("key:") + name;
  }
  return Layout(lab, "/lab", addresses);
}

const Host kSource = {.name = "source-0", .site = "source"};
const Host kTarget = {.name = "target-0", .site = "target"};
const Host kGateway = {.name = "gateway-0", .site = "target", .gateway = true};

TEST_CASE("nodes reach each other across the link, and clients stand at the target", "[lab]") {
  const auto source = OneShard().NodeConfigOf(kSource);
  REQUIRE(source.members_size() == 2);
  CHECK(source.listen() == "direct:source-0");
  CHECK(source.first_owner() == "source-0");
  CHECK(source.members(0).address() == "direct:source-0");
  CHECK(source.members(0).client_address() == "relayed:source-0");
  CHECK(source.members(0).public_key() == "key:source-0");
  CHECK(source.members(1).address() == "relayed:target-0");
  CHECK(source.members(1).client_address() == "direct:target-0");

  const auto target = OneShard().NodeConfigOf(kTarget);
  CHECK(target.members(0).address() == "relayed:source-0");
  CHECK(target.members(1).address() == "direct:target-0");
  CHECK(target.data_dir() == "/lab/nodes/target-0");
}

TEST_CASE("gateways and agents at the target cross the link only for the source", "[lab]") {
  const auto gateway = OneShard().GatewayConfigOf(kGateway);
  REQUIRE(gateway.nodes_size() == 2);
  CHECK(gateway.nodes(0).address() == "relayed:source-0");
  CHECK(gateway.nodes(1).address() == "direct:target-0");
  CHECK(gateway.first_site() == "source");

  CHECK(OneShard().AgentConfigOf(kSource).orchestrator() == "relayed:orchestrator");
  CHECK(OneShard().AgentConfigOf(kSource).ledger() == "direct:source-0");
  CHECK(OneShard().AgentConfigOf(kTarget).orchestrator() == "direct:orchestrator");
  CHECK(OneShard().AgentConfigOf(kGateway).gateway() == "direct:gateway-0");
  CHECK(OneShard().AgentConfigOf(kGateway).ledger().empty());
}

TEST_CASE("the inventory has every host, its groups and the people", "[lab]") {
  CHECK(OneShard().Inventory() == R"(apiVersion: hamisha/v1
kind: Inventory
sites: [source, target]
hosts:
  - {name: source-0, site: source, kind: ledger, shard: 0, node_key: key:source-0}
  - {name: target-0, site: target, kind: ledger, shard: 0, node_key: key:target-0}
  - {name: gateway-0, site: target, kind: gateway}
groups:
  gateways: [gateway-0]
  sources: [source-0]
  targets: [target-0]
people:
  - {name: asha, roles: [ops, business], key: "ssh-ed25519 AAAA asha"}
)");
}

TEST_CASE("reserved ports are all different", "[lab]") {
  const auto one = ReservedPort::Reserve();
  const auto two = ReservedPort::Reserve();
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(one->address() != two->address());
}

}  // namespace
}  // namespace lab
