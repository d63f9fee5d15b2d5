#pragma once

#include <string>

namespace orchestrator {

inline const std::string kNodeKey(64, 'a');

// A public key as ssh-keygen writes it, of nobody.
inline const std::string kPersonKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA nobody";

// Two shards, two gateways.
inline const std::string kInventory =
    "apiVersion: hamisha/v1\n"
    "kind: Inventory\n"
    "sites: [source, target]\n"
    "hosts:\n"
    "  - {name: source-0, site: source, kind: ledger, shard: 0, node_key: " +
    kNodeKey +
    "}\n"
    "  - {name: source-1, site: source, kind: ledger, shard: 1, node_key: " +
    kNodeKey +
    "}\n"
    "  - {name: target-0, site: target, kind: ledger, shard: 0, node_key: " +
    kNodeKey +
    "}\n"
    "  - {name: target-1, site: target, kind: ledger, shard: 1, node_key: " +
    kNodeKey +
    "}\n"
    "  - {name: gateway-0, site: target, kind: gateway}\n"
    "  - {name: gateway-1, site: target, kind: gateway}\n"
    "groups:\n"
    "  sources: [source-0, source-1]\n"
    "  targets: [target-0, target-1]\n"
    "  gateways: [gateway-0, gateway-1]\n";

// To be added to an inventory: a role each, and one with both.
inline const std::string kPeople =
    "people:\n"
    "  - {name: asha, roles: [ops], key: ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAILIrh/2KxsGabtT/1oamEw9ZcjZ6lSChuK7zO4tbXjNA}\n"
    "  - {name: ben, roles: [business], key: ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIGcAhpyP90gONKcKcIsChwDbqjoDO1ZSuQOv6J9JoxRW}\n"
    "  - {name: chen, roles: [ops, business], key: ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIDq9cuxjUtYIXYXjTwR43KfRTvgEjzwZhuKBBtZUcTlG}\n";

inline const std::string kPlaybook = R"(apiVersion: hamisha/v1
kind: Playbook
metadata: {name: small, description: A small one}
window: {start: 2015-04-18T23:00:00+03:00, end: 2015-04-19T12:00:00+03:00, rollback_reserve: 90m}
vars: {lag: 2s}
phases:
  - name: prepare
    steps:
      - id: replicate
        action: ledger.replicate
        hosts: targets
        with: {from: source}
        timeout: 10s
      - id: lag
        action: ledger.await_lag
        hosts: targets
        with: {max_lag: "${lag}"}
        retries: 2
        delay: 500ms
  - name: freeze
    on_failure: rollback
    steps:
      - id: hold
        action: gateway.hold
        hosts: [gateway-0, gateways]
        needs: [lag]
        with: {max_hold: 20s}
      - id: seal
        name: Seal all
        action: ledger.seal
        hosts: sources
        with: {to: target}
        on_failure: stop
        expected_duration: 300ms
        rollback:
          - {action: ledger.refuse, hosts: targets}
          - {action: ledger.unseal, hosts: sources, timeout: 7s}
)";

// `text` with the first `from` replaced by `to`; "" when it is not there.
inline std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) return "";
  return text.replace(at, from.size(), to);
}

}  // namespace orchestrator
