// Ids between the wire and memory.
#pragma once

#include "base/id128.h"
#include "hamisha/ledger/v1/ledger.pb.h"

namespace ledger {

namespace pb = ::hamisha::ledger::v1;

inline base::Id128 FromProto(const pb::Id& id) { return {.high = id.high(), .low = id.low()}; }

inline void SetProto(const base::Id128& id, pb::Id* out) {
  out->set_high(id.high);
  out->set_low(id.low);
}

inline pb::Id ToProto(const base::Id128& id) {
  pb::Id out;
  SetProto(id, &out);
  return out;
}

}  // namespace ledger
