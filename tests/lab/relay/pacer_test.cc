#include "lab/relay/pacer.h"

#include <catch2/catch.hpp>

namespace lab {
namespace {

constexpr absl::Duration kDelay = absl::Milliseconds(75);
constexpr uint64_t kMegabytePerSecond = 1'000'000;

TEST_CASE("bytes arrive after the time on the line and the delay", "[relay]") {
  struct Row {
    const char* what;
    uint64_t bandwidth_bytes_per_s;
    size_t bytes;
    absl::Duration arrives;
  };
  const auto row = GENERATE(values<Row>({
      {"no limit: the delay alone", 0, 1'000'000, absl::Milliseconds(75)},
      {"1 MB/s, 1,000 bytes: 1 ms more", kMegabytePerSecond, 1'000, absl::Milliseconds(76)},
      {"1 MB/s, 1 MB: 1 s more", kMegabytePerSecond, 1'000'000, absl::Milliseconds(1'075)},
      {"the end of a stream weighs nothing", kMegabytePerSecond, 0, absl::Milliseconds(75)},
  }));
  DYNAMIC_SECTION(row.what) {
    Pacer pacer(kDelay, row.bandwidth_bytes_per_s);
    CHECK(pacer.Send(absl::ZeroDuration(), row.bytes) == row.arrives);
  }
}

TEST_CASE("what is sent later waits for what was sent before", "[relay]") {
  Pacer pacer(kDelay, kMegabytePerSecond);
  CHECK(pacer.Send(absl::ZeroDuration(), 10'000) == absl::Milliseconds(85));
  CHECK(pacer.Send(absl::Milliseconds(1), 1'000) == absl::Milliseconds(86));

  SECTION("an idle line saves nothing up") {
    CHECK(pacer.Send(absl::Seconds(60), 1'000) == absl::Seconds(60) + absl::Milliseconds(76));
  }
}

TEST_CASE("a busy line asks to wait until little is left in front of it", "[relay]") {
  Pacer pacer(kDelay, kMegabytePerSecond);
  CHECK(pacer.ReadyAt() < absl::ZeroDuration());
  pacer.Send(absl::ZeroDuration(), 100'000);
  CHECK(pacer.ReadyAt() == absl::Milliseconds(95));
}

TEST_CASE("a line that becomes slow, and fast again, keeps the order", "[relay]") {
  Pacer pacer(kDelay, kMegabytePerSecond);
  pacer.Change(absl::Seconds(2), 1'000);
  CHECK(pacer.Send(absl::ZeroDuration(), 1'000) == absl::Seconds(3));
  pacer.Change(kDelay, kMegabytePerSecond);
  CHECK(pacer.Send(absl::Seconds(1), 1'000) == absl::Seconds(3));
  CHECK(pacer.Send(absl::Seconds(5), 1'000) == absl::Seconds(5) + absl::Milliseconds(76));
}

TEST_CASE("a connection's window fills the line", "[relay]") {
  const Pacer fast(kDelay, 200 * kMegabytePerSecond);
  CHECK(fast.window_bytes() >= 15'000'000);
  CHECK(fast.window_bytes() <= 20'000'000);
}

}  // namespace
}  // namespace lab
