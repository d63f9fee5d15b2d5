#include "ledger/node/read_pool.h"

#include <catch2/catch.hpp>
#include <optional>
#include <utility>

#include "absl/synchronization/notification.h"

namespace ledger {
namespace {

TEST_CASE("answers have room up to so many bytes, and again once one is sent", "[reads]") {
  ReadPool pool({.threads = 1, .waiting_max = 10, .bytes_max = 1'000});
  auto first = pool.Reserve(600);
  REQUIRE(first.ok());
  std::optional<ReadPool::Room> kept(*std::move(first));
  CHECK(absl::IsResourceExhausted(pool.Reserve(401).status()));
  CHECK(pool.Reserve(400).ok());  // And given back at once.
  CHECK(pool.Reserve(400).ok());
  kept.reset();
  CHECK(pool.Reserve(1'000).ok());
}

TEST_CASE("an answer that would take more than all is refused", "[reads]") {
  ReadPool pool({.threads = 1, .waiting_max = 10, .bytes_max = 1'000});
  CHECK(absl::IsResourceExhausted(pool.Reserve(1'001).status()));
  CHECK(absl::IsResourceExhausted(pool.Reserve(UINT64_MAX).status()));
}

TEST_CASE("so many reads wait behind the one under way, and no more", "[reads]") {
  ReadPool pool({.threads = 1, .waiting_max = 2, .bytes_max = 1'000});
  absl::Notification begun;
  absl::Notification may_end;
  REQUIRE(pool.Submit([&] {
                begun.Notify();
                may_end.WaitForNotification();
              })
              .ok());
  begun.WaitForNotification();
  int run = 0;
  CHECK(pool.Submit([&] { ++run; }).ok());
  CHECK(pool.Submit([&] { ++run; }).ok());
  CHECK(absl::IsResourceExhausted(pool.Submit([&] { ++run; })));
  may_end.Notify();
  pool.Stop();
  CHECK(run == 2);
  CHECK(absl::IsUnavailable(pool.Submit([] {})));
}

}  // namespace
}  // namespace ledger
