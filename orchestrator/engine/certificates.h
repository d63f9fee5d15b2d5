#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace orchestrator {

// The certificates that a run's results brought, by shard. They are not judged here: who acts on
// one checks it.
class Certificates {
 public:
  // Keeps it unless it is there already. One whose payload cannot be read is dropped.
  void Add(const hamisha::ledger::v1::Signed& certificate);

  // How what it states of a cutover contradicts what is there already; "" when it does not.
  std::string Contradiction(const hamisha::ledger::v1::Signed& certificate) const;

  // In order of arrival.
  const std::vector<hamisha::ledger::v1::Signed>& OfShard(uint32_t shard) const;

  // By shard, then in order of arrival.
  std::vector<hamisha::ledger::v1::Signed> All() const;

 private:
  std::map<uint32_t, std::vector<hamisha::ledger::v1::Signed>> by_shard_;
};

}  // namespace orchestrator
