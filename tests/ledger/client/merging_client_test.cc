#include "ledger/client/merging_client.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "ledger/core/types.h"

namespace ledger {
namespace {

pb::CreateTransfersRequest Request(std::vector<uint64_t> ids, uint32_t last_flags = 0) {
  pb::CreateTransfersRequest request;
  for (const uint64_t id : ids) request.add_transfers()->mutable_id()->set_low(id);
  request.mutable_transfers()->rbegin()->set_flags(last_flags);
  return request;
}

// A ledger that holds its first call until told, so that the others gather behind it. Even ids
// fail with code 1; id 666 makes a call invalid.
class HeldLedger {
 public:
  MergingClient::Send Send() {
    return [this](const pb::CreateTransfersRequest& request) { return Answer(request); };
  }
  void LetGo() { let_go_.Notify(); }
  void AwaitFirst() { first_came_.WaitForNotification(); }
  std::vector<std::vector<uint64_t>> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  absl::StatusOr<pb::CreateResponse> Answer(const pb::CreateTransfersRequest& request) {
    pb::CreateResponse response;
    bool is_invalid = false;
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      is_first = calls_.empty();
      std::vector<uint64_t>& ids = calls_.emplace_back();
      for (int i = 0; i < request.transfers_size(); ++i) {
        ids.push_back(request.transfers(i).id().low());
        is_invalid |= ids.back() == 666;
        if (ids.back() % 2 != 0) continue;
        pb::EventResult& result = *response.add_results();
        result.set_index(static_cast<uint32_t>(i));
        result.set_code(1);
      }
    }
    if (is_first) {
      first_came_.Notify();
      let_go_.WaitForNotification();
    }
    if (is_invalid) return absl::InvalidArgumentError("666");
    return response;
  }

  std::mutex mutex_;
  std::vector<std::vector<uint64_t>> calls_;
  absl::Notification first_came_;
  absl::Notification let_go_;
};

// Sends `first`, and while it is under way the others, one after the other.
std::vector<absl::StatusOr<pb::CreateResponse>> SendBehind(
    HeldLedger& ledger, MergingClient& client,
    const std::vector<pb::CreateTransfersRequest>& requests) {
  std::vector<absl::StatusOr<pb::CreateResponse>> results(requests.size(), absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < requests.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = client.CreateTransfers(requests[i]); });
    if (i == 0) {
      ledger.AwaitFirst();
    } else {
      while (client.waiting() < i) std::this_thread::yield();
    }
  }
  ledger.LetGo();
  for (std::thread& thread : threads) thread.join();
  return results;
}

using Calls = std::vector<std::vector<uint64_t>>;

TEST_CASE("what waits goes into the next call together, in order", "[merging]") {
  HeldLedger ledger;
  MergingClient client(ledger.Send(), 1);
  const auto results =
      SendBehind(ledger, client, {Request({1}), Request({3, 5}), Request({7}), Request({9})});
  CHECK(ledger.calls() == Calls{{1}, {3, 5, 7, 9}});
  for (const auto& result : results) CHECK(result.ok());
}

TEST_CASE("each request gets the results of its own events", "[merging]") {
  HeldLedger ledger;
  MergingClient client(ledger.Send(), 1);
  const auto results =
      SendBehind(ledger, client, {Request({1}), Request({3, 4}), Request({5}), Request({6, 7})});
  CHECK(results[0]->results_size() == 0);
  REQUIRE(results[1]->results_size() == 1);
  CHECK(results[1]->results(0).index() == 1);
  CHECK(results[2]->results_size() == 0);
  REQUIRE(results[3]->results_size() == 1);
  CHECK(results[3]->results(0).index() == 0);
}

TEST_CASE("a chain left open, imported events and another epoch are not merged with others",
          "[merging]") {
  HeldLedger ledger;
  MergingClient client(ledger.Send(), 1);
  pb::CreateTransfersRequest other_epoch = Request({9});
  other_epoch.set_epoch(4);
  SendBehind(ledger, client,
             {Request({1}), Request({3}, TransferFlags::kLinked), Request({5}),
              Request({7}, TransferFlags::kImported), other_epoch});
  CHECK(ledger.calls() == Calls{{1}, {3}, {5}, {7}, {9}});
}

TEST_CASE("one bad request does not spoil the others", "[merging]") {
  HeldLedger ledger;
  MergingClient client(ledger.Send(), 1);
  const auto results =
      SendBehind(ledger, client, {Request({1}), Request({3}), Request({666}), Request({5})});
  CHECK(results[1].ok());
  CHECK(absl::IsInvalidArgument(results[2].status()));
  CHECK(results[3].ok());
  CHECK(ledger.calls() == Calls{{1}, {3, 666, 5}, {3}, {666}, {5}});
}

TEST_CASE("a request without events is not hidden in another's call", "[merging]") {
  int calls = 0;
  MergingClient client([&](const pb::CreateTransfersRequest&) {
    ++calls;
    return absl::InvalidArgumentError("no events");
  });
  CHECK(absl::IsInvalidArgument(client.CreateTransfers({}).status()));
  CHECK(calls == 1);
}

TEST_CASE("no call has more events than a batch may", "[merging]") {
  HeldLedger ledger;
  MergingClient client(ledger.Send(), 1);
  std::vector<uint64_t> many(kBatchEventsMax - 1, 3);
  SendBehind(ledger, client, {Request({1}), Request(many), Request({5}), Request({7})});
  REQUIRE(ledger.calls().size() == 3);
  CHECK(ledger.calls()[1].size() == kBatchEventsMax);
  CHECK(ledger.calls()[2] == std::vector<uint64_t>{7});
}

TEST_CASE("many threads are each answered once", "[merging]") {
  HeldLedger ledger;
  ledger.LetGo();
  MergingClient client(ledger.Send(), 2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&client, &wrong, thread] {
      for (uint64_t i = 0; i < 200; ++i) {
        const uint64_t id = 2 * (thread * 1'000 + i) + i % 2;
        const auto result = client.CreateTransfers(Request({id}));
        const bool is_right = result.ok() && (result->results_size() == 1) == (id % 2 == 0);
        if (!is_right) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  std::multiset<uint64_t> seen;
  for (const auto& call : ledger.calls()) seen.insert(call.begin(), call.end());
  CHECK(seen.size() == 8 * 200);
}

}  // namespace
}  // namespace ledger
