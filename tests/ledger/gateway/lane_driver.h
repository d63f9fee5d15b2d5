// Drives a Lane in tests: names writes and calls, collects effects.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/gateway/lane.h"

namespace ledger {

// A batch of transfers with these ids; `linked` ones are those of negative sign.
inline WriteBatch Transfers(const std::vector<int64_t>& ids) {
  pb::CreateTransfersRequest request;
  for (const int64_t id : ids) {
    pb::Transfer* transfer = request.add_transfers();
    transfer->mutable_id()->set_low(static_cast<uint64_t>(id < 0 ? -id : id));
    transfer->set_flags(id < 0 ? 1 : 0);
  }
  return request;
}

inline std::vector<uint64_t> IdsOf(const WriteBatch& batch) {
  std::vector<uint64_t> ids;
  for (const auto& transfer : std::get<pb::CreateTransfersRequest>(batch).transfers()) {
    ids.push_back(transfer.id().low());
  }
  return ids;
}

struct SentCall {
  CallId call;
  std::string node_id;
  uint64_t epoch;
  std::vector<uint64_t> ids;
};

class LaneDriver {
 public:
  LaneDriver() : lane(0, {.node_id = "source", .epoch = 0}) {}

  // The write's number: 1, 2, 3, …
  WriteId Write(const std::vector<int64_t>& ids) {
    Collect(lane.WriteArrived(++newest, Transfers(ids), now));
    return newest;
  }
  void Answer(CallId call, const std::vector<std::pair<uint32_t, uint32_t>>& results = {},
              uint64_t epoch = 1) {
    CallEnd end{.outcome = CallOutcome::kAnswered};
    for (const auto& [index, code] : results) {
      pb::EventResult* result = end.response.add_results();
      result->set_index(index);
      result->set_code(code);
    }
    end.response.add_commits()->set_epoch(epoch);
    Collect(lane.CallEnded(call, std::move(end), now));
  }
  void Fail(CallId call, CallOutcome outcome) {
    CallEnd end{.outcome = outcome, .error = absl::InvalidArgumentError("why")};
    Collect(lane.CallEnded(call, std::move(end), now));
  }
  void Hold(const LaneBounds& bounds = {}) { Collect(lane.Hold(bounds, now)); }
  void Route(const std::string& node_id, uint64_t epoch) {
    Collect(lane.Route({.node_id = node_id, .epoch = epoch}, now));
  }
  void Release() { Collect(lane.Release(now)); }
  void Advance(absl::Duration by) {
    now += by;
    Collect(lane.Tick(now));
  }

  void Collect(LaneEffects effects) {
    for (LaneEffect& effect : effects) {
      if (auto* send = std::get_if<SendCall>(&effect)) {
        const uint64_t epoch = std::get<pb::CreateTransfersRequest>(*send->batch).epoch();
        sent.push_back({send->call, send->node_id, epoch, IdsOf(*send->batch)});
      } else if (auto* cancel = std::get_if<CancelCall>(&effect)) {
        cancelled.push_back(cancel->call);
      } else if (auto* answer = std::get_if<AnswerWrite>(&effect)) {
        ++answer_counts[answer->write];
        answers.insert_or_assign(answer->write, std::move(answer->answer));
      }
    }
  }

  // "ok", "ok 1:54" with results, or the status' name; "" without an answer.
  std::string Outcome(WriteId write) const {
    const auto found = answers.find(write);
    if (found == answers.end()) return "";
    if (!found->second.ok()) return absl::StatusCodeToString(found->second.status().code());
    std::string text = "ok";
    for (const auto& result : found->second->results()) {
      absl::StrAppend(&text, " ", result.index(), ":", result.code());
    }
    return text;
  }

  Lane lane;
  absl::Duration now = absl::Seconds(100);
  WriteId newest = 0;
  std::vector<SentCall> sent;
  std::vector<CallId> cancelled;
  std::map<WriteId, absl::StatusOr<pb::CreateResponse>> answers;
  std::map<WriteId, int> answer_counts;
};

}  // namespace ledger
