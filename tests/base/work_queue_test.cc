#include "base/work_queue.h"

#include <catch2/catch.hpp>

#include <vector>

#include "absl/synchronization/notification.h"

namespace base {
namespace {

TEST_CASE("work is done in order, all of it before the queue stops", "[work_queue]") {
  std::vector<size_t> done;
  WorkQueue queue;
  for (size_t number = 0; number < WorkQueue::kWaitingMax; ++number) {
    REQUIRE(queue.Run([&done, number] { done.push_back(number); }));
  }
  queue.Stop();
  REQUIRE(done.size() == WorkQueue::kWaitingMax);
  for (size_t number = 0; number < done.size(); ++number) CHECK(done[number] == number);
}

TEST_CASE("what comes when too much waits is refused", "[work_queue]") {
  absl::Notification began;
  absl::Notification may_end;
  WorkQueue queue;
  REQUIRE(queue.Run([&] {
    began.Notify();
    may_end.WaitForNotification();
  }));
  began.WaitForNotification();
  for (size_t number = 0; number < WorkQueue::kWaitingMax; ++number) REQUIRE(queue.Run([] {}));
  CHECK_FALSE(queue.Run([] {}));
  may_end.Notify();
}

TEST_CASE("what comes after the end is refused", "[work_queue]") {
  WorkQueue queue;
  queue.Stop();
  CHECK_FALSE(queue.Run([] {}));
}

}  // namespace
}  // namespace base
