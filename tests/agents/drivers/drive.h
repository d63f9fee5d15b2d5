// What the tests of drivers share: orders, and a way to run one.
#pragma once

#include <string>
#include <vector>

#include "agents/runtime/driver.h"
#include "base/clock.h"
#include "hamisha/agent/v1/agent.pb.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace agents {

namespace pb = ::hamisha::agent::v1;
namespace ledger_pb = ::hamisha::ledger::v1;

// An order for `host` ("source-0", "gateway-0", …) of shards 0 and 1, or of its own shard only.
inline pb::Order MakeOrder(const std::string& host, pb::Mode mode,
                           const google::protobuf::Message& action,
                           const std::vector<uint32_t>& shards = {0}) {
  pb::Order order;
  order.mutable_key()->set_run("run-1");
  order.mutable_key()->set_step("step");
  order.mutable_key()->set_host(host);
  order.mutable_key()->set_attempt(1);
  order.set_mode(mode);
  order.mutable_action()->PackFrom(action);
  order.mutable_timeout()->set_seconds(20);
  for (const uint32_t shard : shards) {
    pb::ShardContext& context = *order.add_shards();
    context.set_shard(shard);
    for (const std::string site : {"source", "target"}) {
      pb::ShardNode& node = *context.add_nodes();
      node.set_node_id(site + "-" + std::to_string(shard));
      node.set_site(site);
      node.set_host(node.node_id());
    }
  }
  return order;
}

inline pb::OrderResult Drive(const Drivers& drivers, const pb::Order& order) {
  Driver* const driver = drivers.Find(order.action().type_url());
  if (driver == nullptr) return Failed("no such driver");
  OrderContext context(order, base::SystemClock(), [](const std::string& /*message*/) {});
  return driver->Run(context);
}

inline ledger_pb::Signed SealOf(uint64_t epoch, const std::string& owner,
                                const std::string& successor, uint64_t position = 10,
                                const std::string& run = "run-1") {
  ledger_pb::SealStatement statement;
  statement.set_shard(static_cast<uint32_t>(owner.back() - '0'));
  statement.set_epoch(epoch);
  statement.set_position(position);
  statement.set_log_hash("hash-" + std::to_string(position));
  statement.set_state_root("root");
  statement.set_owner(owner);
  statement.set_successor(successor);
  statement.set_run(run);
  ledger_pb::Signed certificate;
  certificate.set_type("hamisha.seal.v1");
  certificate.set_payload(statement.SerializeAsString());
  certificate.set_signer(owner);
  return certificate;
}

inline ledger_pb::Signed RefusalOf(uint64_t epoch, const std::string& refuser) {
  ledger_pb::RefusalStatement statement;
  statement.set_shard(static_cast<uint32_t>(refuser.back() - '0'));
  statement.set_epoch(epoch);
  statement.set_refuser(refuser);
  ledger_pb::Signed certificate;
  certificate.set_type("hamisha.refusal.v1");
  certificate.set_payload(statement.SerializeAsString());
  certificate.set_signer(refuser);
  return certificate;
}

}  // namespace agents
