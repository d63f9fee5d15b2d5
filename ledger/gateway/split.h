// A request of several shards, taken apart and its answers put together again. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "ledger/client/batch.h"

namespace ledger {

// The events of one shard, in the request's order.
struct Part {
  uint32_t shard;
  WriteBatch batch;
  std::vector<uint32_t> indexes =
      {};  // Where its events stand in the request; empty: at the same places.
};

struct Split {
  std::vector<Part> parts;               // By shard; no part is empty.
  std::vector<pb::EventResult> refused;  // By index: events that are not sent.
};

// Not sent, as no shard could execute them: a transfer between accounts of different shards and a
// chain over several shards (code 1000 for the first event that does not fit, linked_event_failed
// for the rest of its chain), and what names a shard that is not one of `shards`; with several
// shards also a post or void that names no account, in a chain that names none either (code 1004).
// Other ids of 0 and of the largest value name no shard: a node says what is wrong with them.
// `shards` is not empty.
Split SplitByShard(WriteBatch batch, const std::set<uint32_t>& shards);

// Collects the answers of a split request's parts. Not thread-safe.
class Join {
 public:
  // `indexes` are those of the parts, in their order.
  Join(std::vector<std::vector<uint32_t>> indexes, std::vector<pb::EventResult> refused);

  // True when this was the last one.
  bool Add(size_t part, absl::StatusOr<pb::CreateResponse> answer);

  // Once all are there. An error of all parts that says "not executed" stays what it is; when only
  // some failed it is UNAVAILABLE: the request may have been executed in part, and the same ids
  // may be sent again.
  absl::StatusOr<pb::CreateResponse> Finish();

 private:
  std::vector<std::vector<uint32_t>> indexes_;
  std::vector<pb::EventResult> results_;
  std::vector<pb::Commit> commits_;
  std::optional<absl::Status> error_;  // The first one.
  size_t missing_;
  size_t failed_ = 0;
  bool same_errors_ = true;
};

}  // namespace ledger
