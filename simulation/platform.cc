#include "simulation/platform.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace simulation {
namespace {

// Medians, of rehearsals on small machines; what grows with the data is for `expected_duration`.
const std::map<std::string, absl::Duration>& UsualByAction() {
  static const auto& usual = *new std::map<std::string, absl::Duration>{
      {"gateway.hold", absl::Milliseconds(5)},     {"gateway.readiness", absl::Milliseconds(5)},
      {"gateway.release", absl::Milliseconds(10)}, {"gateway.reopen", absl::Milliseconds(5)},
      {"gateway.restrict", absl::Milliseconds(5)}, {"gateway.route", absl::Milliseconds(5)},
      {"host.compare", absl::Milliseconds(20)},    {"host.facts", absl::Seconds(3)},
      {"ledger.await_lag", absl::Seconds(1)},      {"ledger.await_position", absl::Milliseconds(2)},
      {"ledger.certify", absl::Milliseconds(200)}, {"ledger.challenge", absl::Seconds(20)},
      {"ledger.compare", absl::Milliseconds(5)},   {"ledger.follow", absl::Milliseconds(50)},
      {"ledger.open", absl::Milliseconds(5)},      {"ledger.readiness", absl::Milliseconds(300)},
      {"ledger.refuse", absl::Milliseconds(5)},    {"ledger.replicate", absl::Milliseconds(200)},
      {"ledger.seal", absl::Milliseconds(5)},      {"ledger.unseal", absl::Milliseconds(5)},
      {"probe.canary", absl::Milliseconds(5)},
  };
  return usual;
}

absl::Duration UsualOf(const std::string& action) {
  const auto found = UsualByAction().find(action);
  return found == UsualByAction().end() ? absl::Milliseconds(100) : found->second;
}

// Log-normal: most near the median, few far above.
absl::Duration Around(absl::Duration median, Dice& dice) {
  constexpr double kSigma = 0.3;
  const double radius = std::sqrt(-2 * std::log(1 - dice.Unit()));
  const double normal = radius * std::cos(2 * std::numbers::pi * dice.Unit());
  return median * std::exp(kSigma * normal);
}

std::string HostLine(const std::string& name, const std::string& rest) {
  return absl::StrCat("  - {name: ", name, ", ", rest, "}\n");
}

// A public key as OpenSSH writes them; nobody has the private one.
std::string KeyOf(absl::string_view name) {
  constexpr absl::string_view kType = "ssh-ed25519";
  constexpr size_t kKeyBytes = 32;
  const auto part = [](absl::string_view bytes) {
    return absl::StrCat(absl::string_view("\0\0\0", 3),
                        std::string(1, static_cast<char>(bytes.size())), bytes);
  };
  std::string key(kKeyBytes, '\0');
  std::copy(name.begin(), name.end(), key.begin());
  return absl::StrCat(kType, " ", absl::Base64Escape(part(kType) + part(key)));
}

}  // namespace

std::string MakeInventory(uint32_t shards, uint32_t gateways) {
  const std::string key(64, 'a');  // Nothing is signed here.
  std::string hosts;
  std::map<std::string, std::string> groups;
  const auto add = [&](const std::string& group, const std::string& name, const std::string& rest) {
    absl::StrAppend(&hosts, HostLine(name, rest));
    absl::StrAppend(&groups[group], groups[group].empty() ? "" : ", ", name);
  };
  for (const char* const site : {"source", "target"}) {
    for (uint32_t shard = 0; shard < shards; ++shard) {
      add(absl::StrCat(site, "s"), absl::StrCat(site, "-", shard),
          absl::StrCat("site: ", site, ", kind: ledger, shard: ", shard, ", node_key: ", key));
    }
  }
  for (uint32_t gateway = 0; gateway < gateways; ++gateway) {
    add("gateways", absl::StrCat("gateway-", gateway), "site: target, kind: gateway");
  }
  std::string people;
  for (const auto& [name, roles] : {std::pair("asha", "ops"), std::pair("ben", "business"),
                                    std::pair("chen", "ops, business")}) {
    absl::StrAppend(&people, "  - {name: ", name, ", roles: [", roles, "], key: ", KeyOf(name),
                    "}\n");
  }
  std::string text = "apiVersion: hamisha/v1\nkind: Inventory\nsites: [source, target]\nhosts:\n" +
                     hosts + "groups:\n";
  for (const auto& [group, names] : groups)
    absl::StrAppend(&text, "  ", group, ": [", names, "]\n");
  return text + "people:\n" + people;
}

std::function<absl::Duration(const hamisha::agent::v1::Order&, Dice&)> UsualWork(
    const orchestrator::Plan& plan) {
  std::map<std::string, absl::Duration> medians;  // By what an order's key begins with.
  for (const auto& step : plan.steps) {
    medians[step.id] = step.expected_duration > absl::ZeroDuration() ? step.expected_duration
                                                                     : UsualOf(step.apply.action);
    for (size_t i = 0; i < step.rollback.size(); ++i) {
      medians[absl::StrCat(step.id, "/back/", i)] = UsualOf(step.rollback[i].action);
    }
  }
  return [medians](const hamisha::agent::v1::Order& order, Dice& dice) {
    const std::string& step = order.key().step();
    const auto found = medians.find(step.substr(0, step.find('#')));
    // A probe, or an action's own undo.
    return Around(found == medians.end() ? absl::Milliseconds(5) : found->second, dice);
  };
}

std::function<absl::Duration(const orchestrator::PlannedStep&, Dice&)> UsualThought() {
  return [](const orchestrator::PlannedStep& step, Dice& dice) {
    constexpr absl::Duration kUsual = absl::Minutes(2);
    return Around(step.expected_duration > absl::ZeroDuration() ? step.expected_duration : kUsual,
                  dice);
  };
}

}  // namespace simulation
