#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "ledger/gateway/lane.h"
#include "simulation/environment.h"
#include "simulation/ledger_node.h"

namespace simulation {

// One gateway: the real lanes (ledger/gateway/lane.h) behind calls that break, and a file that
// keeps routes and holds over a crash. What was kept in memory is lost with the process.
class Gateway {
 public:
  using Answer = absl::AnyInvocable<void(const absl::Status&)>;
  using Nodes = std::map<std::string, LedgerNode*>;  // By id.

  Gateway(Environment& environment, std::string name, HostIndex host, const Nodes& nodes);

  // A shard that it serves, and where its writes go at first.
  void AddShard(uint32_t shard, const std::string& node);

  // A transfer of a client. Answered once: UNAVAILABLE when the process ends before it
  // could.
  void Write(uint32_t shard, uint64_t id, Answer answer);

  // As by hamisha.ledger.v1.Gateway; UNAVAILABLE when the process is down.
  struct Route {
    uint32_t shard;
    std::string node;
    uint64_t epoch;
  };
  absl::Status Hold(const std::vector<uint32_t>& shards, absl::Duration max_hold);
  absl::Status SetRoutes(const std::vector<Route>& routes);
  absl::Status Release(const std::vector<uint32_t>& shards);
  struct Gate {
    uint32_t shard;
    std::string node;
    bool holding;
    uint64_t held_requests;
  };
  std::vector<Gate> Gates() const;

  // Classes of writes that are closed, by number; clients here write of none of them.
  void Close(std::set<uint64_t> classes) { closed_ = std::move(classes); }
  const std::set<uint64_t>& closed() const { return closed_; }

  void Crash();
  void Start();

  const std::string& name() const { return name_; }
  HostIndex host() const { return host_; }
  const Life& life() const { return life_; }

 private:
  struct Saved {
    ledger::LaneRoute route;
    uint64_t epoch_highest = 0;
    bool holding = false;
    ledger::LaneBounds bounds = {};
  };

  void Do(uint32_t shard, ledger::LaneEffects effects);
  void Send(uint32_t shard, const ledger::SendCall& send);
  void EndCall(uint32_t shard, ledger::CallId call, ledger::CallEnd end);
  void TickLater(uint32_t shard);
  void Save();

  Environment& environment_;
  const std::string name_;
  const HostIndex host_;
  const Nodes& nodes_;
  Life life_;
  std::map<uint32_t, Saved> saved_;  // The file; and of it:
  std::set<uint64_t> closed_;

  std::map<uint32_t, ledger::Lane> lanes_;
  std::map<uint32_t, absl::Duration> ticks_;             // That are asked for.
  std::set<std::pair<uint32_t, ledger::CallId>> calls_;  // That have not ended.
  std::map<ledger::WriteId, Answer> waiting_;
  ledger::WriteId write_newest_ = 0;
};

}  // namespace simulation
