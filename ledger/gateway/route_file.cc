#include "ledger/gateway/route_file.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace ledger {
namespace {

using Json = nlohmann::json;

Json ToJson(uint32_t shard, const SavedGate& gate) {
  return {{"shard", shard},
          {"node_id", gate.route.node_id},
          {"epoch", gate.route.epoch},
          {"epoch_highest", gate.epoch_highest},
          {"holding", gate.holding},
          {"max_hold_ms", absl::ToInt64Milliseconds(gate.bounds.max_hold)},
          {"max_requests", gate.bounds.max_requests},
          {"max_bytes", gate.bounds.max_bytes}};
}

SavedGate ToGate(const Json& json) {
  return {.route = {.node_id = json.at("node_id").get<std::string>(),
                    .epoch = json.at("epoch").get<uint64_t>()},
          .epoch_highest = json.at("epoch_highest").get<uint64_t>(),
          .holding = json.at("holding").get<bool>(),
          .bounds = {.max_hold = absl::Milliseconds(json.at("max_hold_ms").get<int64_t>()),
                     .max_requests = json.at("max_requests").get<uint64_t>(),
                     .max_bytes = json.at("max_bytes").get<uint64_t>()}};
}

Json ToJson(const pb::Restriction& closed) {
  Json codes = Json::array();
  for (const uint32_t code : closed.transfer_codes()) codes.push_back(code);
  return {{"new_accounts", closed.new_accounts()},
          {"balance_limits", closed.balance_limits()},
          {"transfer_codes", std::move(codes)}};
}

pb::Restriction ToRestriction(const Json& json) {
  pb::Restriction closed;
  closed.set_new_accounts(json.at("new_accounts").get<bool>());
  closed.set_balance_limits(json.at("balance_limits").get<bool>());
  for (const Json& code : json.at("transfer_codes")) {
    closed.add_transfer_codes(code.get<uint32_t>());
  }
  return closed;
}

}  // namespace

absl::StatusOr<SavedGateway> ReadRouteFile(base::FileSystem& files, const std::string& path) {
  if (!files.Exists(path)) return SavedGateway();
  const auto text = files.Read(path);
  if (!text.ok()) return text.status();
  try {
    SavedGateway gateway;
    const Json file = Json::parse(*text);
    for (const Json& json : file.at("gates")) {
      gateway.gates[json.at("shard").get<uint32_t>()] = ToGate(json);
    }
    if (file.contains("closed")) gateway.closed = ToRestriction(file.at("closed"));
    return gateway;
  } catch (const Json::exception& error) {
    return absl::DataLossError(
        absl::StrCat("cannot understand ", path, ": ", error.what(),
                     "; remove it to start on the first site's routes, then route again"));
  }
}

absl::Status WriteRouteFile(base::FileSystem& files, const std::string& path,
                            const SavedGateway& gateway) {
  Json json = {{"gates", Json::array()}, {"closed", ToJson(gateway.closed)}};
  for (const auto& [shard, gate] : gateway.gates) json["gates"].push_back(ToJson(shard, gate));
  return files.Replace(path, json.dump(2) + "\n");
}

}  // namespace ledger
