#include "ledger/copy/level_tuner.h"

#include <catch2/catch.hpp>

#include "ledger/copy/piece_codec.h"
#include "ledger/copy/piece_plan.h"

namespace ledger {
namespace {

// A link and a CPU: what a piece at a level costs, one after the other.
struct Machine {
  double link_bytes_per_s;
  double cpu_bytes_per_s;  // At level 1; each further one takes half as long again.
  double shrinks_to;       // At level 1; each further one by 5 % more.

  LevelTuner::Sent PieceAt(int level) const {
    double bytes = static_cast<double>(kPieceBytes);
    double compressing_s = 0;
    for (int i = 1; i <= level; ++i) {
      bytes *= i == 1 ? shrinks_to : 0.95;
      compressing_s =
          i == 1 ? static_cast<double>(kPieceBytes) / cpu_bytes_per_s : compressing_s * 1.5;
    }
    return {.raw_bytes = kPieceBytes,
            .compressing = absl::Seconds(compressing_s),
            .waiting = absl::Seconds(bytes / link_bytes_per_s)};
  }
};

// Where it stands most of the time, after a while.
int LevelFor(const Machine& machine) {
  LevelTuner tuner;
  absl::Duration now = absl::Seconds(100);
  std::vector<int> at(PieceEncoder::kLevelMax + 1);
  for (int piece = 0; piece < 200'000; ++piece) {
    const LevelTuner::Sent sent = machine.PieceAt(tuner.level());
    now += sent.compressing + sent.waiting;
    tuner.Note(sent, now);
    if (piece > 50'000) ++at[static_cast<size_t>(tuner.level())];
  }
  return static_cast<int>(std::max_element(at.begin(), at.end()) - at.begin());
}

TEST_CASE("a fast link gets no compression", "[copy]") {
  CHECK(LevelFor({.link_bytes_per_s = 2e9, .cpu_bytes_per_s = 300e6, .shrinks_to = 0.5}) == 0);
}

TEST_CASE("where the link is faster than compressing, no level is even tried", "[copy]") {
  const Machine machine{.link_bytes_per_s = 1e9, .cpu_bytes_per_s = 300e6, .shrinks_to = 0.5};
  LevelTuner tuner;
  absl::Duration now = absl::Seconds(100);
  int compressed = 0;
  for (int piece = 0; piece < 10'000; ++piece) {
    const LevelTuner::Sent sent = machine.PieceAt(tuner.level());
    now += sent.compressing + sent.waiting;
    tuner.Note(sent, now);
    compressed += tuner.level() > 0 ? 1 : 0;
  }
  CHECK(compressed == 0);
}

TEST_CASE("a slow link gets some", "[copy]") {
  CHECK(LevelFor({.link_bytes_per_s = 20e6, .cpu_bytes_per_s = 300e6, .shrinks_to = 0.3}) >= 1);
}

TEST_CASE("what cannot be compressed is left as it is, however slow the link", "[copy]") {
  CHECK(LevelFor({.link_bytes_per_s = 5e6, .cpu_bytes_per_s = 300e6, .shrinks_to = 1}) == 0);
}

// Of 3,000, with the link cut for a second before every hundredth, or never.
int PiecesCompressed(const Machine& machine, bool is_cut) {
  LevelTuner tuner;
  absl::Duration now = absl::Seconds(100);
  int compressed = 0;
  for (int piece = 0; piece < 3'000; ++piece) {
    LevelTuner::Sent sent = machine.PieceAt(tuner.level());
    if (is_cut && piece % 100 == 99) sent.waiting += absl::Seconds(1);
    now += sent.compressing + sent.waiting;
    tuner.Note(sent, now);
    compressed += tuner.level() > 0 ? 1 : 0;
  }
  return compressed;
}

TEST_CASE("a link that stands still now and then is not taken for a slow one", "[copy]") {
  const Machine machine{.link_bytes_per_s = 150e6, .cpu_bytes_per_s = 100e6, .shrinks_to = 0.9};
  CHECK(PiecesCompressed(machine, true) < 2 * PiecesCompressed(machine, false));
}

TEST_CASE("it comes down when the link becomes fast", "[copy]") {
  const Machine slow{.link_bytes_per_s = 5e6, .cpu_bytes_per_s = 300e6, .shrinks_to = 0.3};
  const Machine fast{.link_bytes_per_s = 5e9, .cpu_bytes_per_s = 300e6, .shrinks_to = 0.3};
  LevelTuner tuner;
  absl::Duration now;
  const auto run = [&](const Machine& machine, int pieces) {
    for (int i = 0; i < pieces; ++i) {
      const LevelTuner::Sent sent = machine.PieceAt(tuner.level());
      now += sent.compressing + sent.waiting;
      tuner.Note(sent, now);
    }
  };
  run(slow, 10'000);
  REQUIRE(tuner.level() >= 1);
  run(fast, 10'000);
  CHECK(tuner.level() <= 1);
}

}  // namespace
}  // namespace ledger
