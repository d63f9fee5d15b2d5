#include "simulation/facts.h"

#include <map>
#include <string>

namespace simulation {
namespace {

using Facts = std::map<std::string, std::string>;

// By the action's message, as agents/drivers name them.
const std::map<std::string, Facts>& FactsByAction() {
  static const Facts gate = {{"shards", "1"},
                             {"held_requests", "0"},
                             {"held_bytes", "0"},
                             {"held_longest_ms", "0"},
                             {"in_flight", "0"}};
  static const Facts node = {{"shard", "0"}, {"epoch", "1"}, {"position", "1"}};
  static const auto& facts = *new std::map<std::string, Facts>{
      {"hamisha.action.v1.GatewayHold", gate},
      {"hamisha.action.v1.GatewayReadiness",
       {{"shards", "1"}, {"held_requests", "0"}, {"in_flight", "0"}, {"route_epoch", "1"}}},
      {"hamisha.action.v1.GatewayRelease", gate},
      {"hamisha.action.v1.GatewayRoute", gate},
      {"hamisha.action.v1.LedgerAwaitLag", {{"lag_records", "0"}}},
      {"hamisha.action.v1.LedgerChallenge",
       {{"shard", "0"}, {"position", "1"}, {"hashing_s", "1"}}},
      {"hamisha.action.v1.LedgerCompare", node},
      {"hamisha.action.v1.LedgerOpen", node},
      {"hamisha.action.v1.LedgerReadiness",
       {{"shard", "0"},
        {"epoch", "1"},
        {"position", "1"},
        {"accounts_unhashed", "0"},
        {"pendings", "0"},
        {"calls_waiting", "0"},
        {"commit_p99_us", "1000"},
        {"lag_records", "0"},
        {"lag_bytes", "0"},
        {"lag_us", "0"},
        {"disk_free_bytes", "1000000000000"},
        {"round_trip_us", "10000"},
        {"clock_offset_us", "0"}}},
      {"hamisha.action.v1.LedgerSeal", node},
      {"hamisha.action.v1.ProbeCanary", {{"shards", "1"}, {"latency_ms_max", "1"}}},
  };
  return facts;
}

}  // namespace

void AddUsualFacts(const hamisha::agent::v1::Order& order,
                   hamisha::agent::v1::OrderResult& result) {
  const std::string& url = order.action().type_url();
  const auto found = FactsByAction().find(url.substr(url.rfind('/') + 1));
  if (found == FactsByAction().end()) return;
  for (const auto& [name, value] : found->second) result.mutable_facts()->insert({name, value});
}

}  // namespace simulation
