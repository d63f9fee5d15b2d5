#include "ledger/client/merging_client.h"

#include <utility>

#include "ledger/client/batch.h"

namespace ledger {
namespace {

// The part of a merged call's answer that is of the events [first, first + count).
pb::CreateResponse PartOf(const pb::CreateResponse& merged, uint32_t first, uint32_t count) {
  pb::CreateResponse part;
  for (const pb::EventResult& result : merged.results()) {
    if (result.index() < first || result.index() >= first + count) continue;
    pb::EventResult& own = *part.add_results();
    own = result;
    own.set_index(result.index() - first);
  }
  *part.mutable_commits() = merged.commits();
  return part;
}

}  // namespace

MergingClient::MergingClient(Send send, size_t calls_max)
    : send_(std::move(send)), calls_max_(calls_max) {}

absl::StatusOr<pb::CreateResponse> MergingClient::CreateTransfers(
    const pb::CreateTransfersRequest& request) {
  // Nothing to merge: the ledger says what is wrong with it.
  if (request.transfers().empty()) return send_(request);
  Waiting own(request);
  const absl::MutexLock lock(&mutex_);
  waiting_.push_back(&own);
  while (!own.is_done) {
    if (own.is_taken || !MayLead()) {
      own.changed.Wait(&mutex_);
      continue;
    }
    const std::vector<Waiting*> taken = Take();
    ++calls_;
    mutex_.Unlock();
    SendMerged(taken);
    mutex_.Lock();
    --calls_;
    for (Waiting* const waiting : taken) {
      waiting->is_done = true;
      waiting->changed.Signal();
    }
    if (MayLead()) waiting_.front()->changed.Signal();
  }
  return std::move(own.result);
}

// The oldest, and those behind it that go together with it in one call.
std::vector<MergingClient::Waiting*> MergingClient::Take() {
  std::vector<Waiting*> taken;
  uint32_t events = 0;
  while (!waiting_.empty()) {
    const pb::CreateTransfersRequest& next = waiting_.front()->request;
    if (!taken.empty()) {
      const pb::CreateTransfersRequest& last = taken.back()->request;
      if (next.epoch() != last.epoch() || !CanJoin(last, events, next)) break;
    }
    events += static_cast<uint32_t>(next.transfers_size());
    waiting_.front()->is_taken = true;
    taken.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return taken;
}

void MergingClient::SendMerged(const std::vector<Waiting*>& taken) const {
  if (taken.size() > 1) {
    pb::CreateTransfersRequest merged = taken.front()->request;
    for (size_t i = 1; i < taken.size(); ++i) {
      merged.mutable_transfers()->MergeFrom(taken[i]->request.transfers());
    }
    const absl::StatusOr<pb::CreateResponse> response = send_(merged);
    if (!absl::IsInvalidArgument(response.status())) {
      uint32_t first = 0;
      for (Waiting* const waiting : taken) {
        const auto count = static_cast<uint32_t>(waiting->request.transfers_size());
        waiting->result = response.ok() ? PartOf(*response, first, count) : response;
        first += count;
      }
      return;
    }
  }
  for (Waiting* const waiting : taken) waiting->result = send_(waiting->request);
}

}  // namespace ledger
