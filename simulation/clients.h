#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "simulation/environment.h"
#include "simulation/gateway.h"

namespace simulation {

struct Workload {
  double writes_per_s = 150;  // On all shards together, whatever becomes of earlier ones.
  uint32_t writes_max = 60;
};

// Clients that write through the gateways. A write that is not answered, or is told to come later,
// is sent again with its id, to any gateway, until it is made.
class Clients {
 public:
  Clients(Environment& environment, HostIndex host, std::vector<Gateway*> gateways, uint32_t shards)
      : environment_(environment), host_(host), gateways_(std::move(gateways)), shards_(shards) {}

  void Begin(const Workload& workload);
  void Stop() { writes_left_ = 0; }

  bool AllAnswered() const { return open_ == 0; }
  uint64_t answered() const { return answered_; }
  absl::Duration longest_wait() const { return longest_wait_; }

 private:
  struct Write {
    uint64_t id;
    uint32_t shard;
    absl::Duration begun;
    uint32_t attempt = 0;
    bool is_answered = false;
  };

  void NextLater();
  void Send(size_t index);
  void Answered(size_t index, uint32_t attempt, const absl::Status& status);
  void Again(size_t index, uint32_t attempt);

  Environment& environment_;
  const HostIndex host_;
  const std::vector<Gateway*> gateways_;
  const uint32_t shards_;
  Life life_;
  Workload workload_;
  uint32_t writes_left_ = 0;
  std::vector<Write> writes_;
  uint64_t open_ = 0;
  uint64_t answered_ = 0;
  absl::Duration longest_wait_;
};

}  // namespace simulation
