// What accounts and transfers have in common before anything else of an event is looked at.
#pragma once

#include <cstdint>

#include "ledger/core/types.h"

namespace ledger {

// The place of one event in the ledger's time.
struct Slot {
  uint64_t timestamp_ns;   // The nanosecond that is the event's own, failed or not.
  uint64_t batch_ns;       // The batch's: its last slot.
  bool batch_is_imported;  // As its first event says.
};

template <typename Status, typename Flags, typename Event>
Status CheckTimestamp(const Event& event, const Slot& slot) {
  const bool is_imported = (event.flags & Flags::kImported) != 0;
  if (is_imported != slot.batch_is_imported) {
    return is_imported ? Status::kImportedEventNotExpected : Status::kImportedEventExpected;
  }
  if (!is_imported) return event.timestamp_ns == 0 ? Status::kOk : Status::kTimestampMustBeZero;
  if (event.timestamp_ns == 0 || event.timestamp_ns > kTimestampMaxNs) {
    return Status::kImportedEventTimestampOutOfRange;
  }
  return event.timestamp_ns < slot.batch_ns ? Status::kOk
                                            : Status::kImportedEventTimestampMustNotAdvance;
}

}  // namespace ledger
