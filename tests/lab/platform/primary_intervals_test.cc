#include "lab/platform/primary_intervals.h"

#include <catch2/catch.hpp>

namespace lab {
namespace {

struct Sample {
  const char* node;
  uint64_t epoch;
  int asked_ms;
  int answered_ms;
};

struct Row {
  const char* what;
  std::vector<Sample> samples;
  int primaries_max;
};

TEST_CASE("two primaries are seen where it is certain, and nowhere else", "[lab]") {
  const auto row = GENERATE(values<Row>({
      {"nobody", {}, 0},
      {"one alone", {{"a", 1, 0, 1}, {"a", 1, 10, 11}}, 1},
      {"one after the other", {{"a", 1, 0, 1}, {"a", 1, 10, 11}, {"b", 2, 12, 13}}, 1},
      {"the answer of the first came late: it may have ended before the second began",
       {{"a", 1, 0, 1}, {"a", 1, 10, 30}, {"b", 2, 15, 16}},
       1},
      {"samples that only touch", {{"a", 1, 0, 5}, {"b", 2, 2, 6}}, 1},
      {"the second inside the first's certain time",
       {{"a", 1, 0, 1}, {"b", 2, 5, 6}, {"a", 1, 10, 11}, {"b", 2, 12, 13}},
       2},
      {"the same, told in another order", {{"a", 1, 0, 1}, {"a", 1, 10, 11}, {"b", 2, 5, 6}}, 2},
      {"overlapping certain times",
       {{"a", 1, 0, 1}, {"b", 2, 2, 12}, {"a", 1, 20, 21}, {"b", 2, 30, 31}},
       2},
      {"one epoch, two primaries, long apart", {{"a", 3, 0, 1}, {"b", 3, 9'000, 9'001}}, 2},
      {"there and back again",
       {{"a", 1, 0, 1}, {"b", 2, 10, 11}, {"a", 3, 20, 21}, {"a", 3, 30, 31}},
       1},
  }));
  DYNAMIC_SECTION(row.what) {
    PrimaryIntervals intervals;
    for (const Sample& sample : row.samples) {
      intervals.Add({.shard = 0,
                     .node = sample.node,
                     .epoch = sample.epoch,
                     .asked = absl::Milliseconds(sample.asked_ms),
                     .answered = absl::Milliseconds(sample.answered_ms)});
    }
    CHECK(intervals.primaries_max() == row.primaries_max);
    CHECK(intervals.violations().empty() == (row.primaries_max < 2));
  }
}

TEST_CASE("shards do not mind each other", "[lab]") {
  PrimaryIntervals intervals;
  for (uint32_t shard : {0U, 1U}) {
    intervals.Add({.shard = shard,
                   .node = shard == 0 ? "a" : "b",
                   .epoch = 1,
                   .asked = absl::Milliseconds(1),
                   .answered = absl::Milliseconds(2)});
  }
  CHECK(intervals.violations().empty());
}

TEST_CASE("a violation is told once", "[lab]") {
  PrimaryIntervals intervals;
  for (int ms = 0; ms < 100; ms += 10) {
    for (const char* const node : {"a", "b"}) {
      intervals.Add({.shard = 0,
                     .node = node,
                     .epoch = 5,
                     .asked = absl::Milliseconds(ms),
                     .answered = absl::Milliseconds(ms)});
    }
  }
  CHECK(intervals.violations() ==
        std::vector<std::string>{
            "shard 0: a and b were both primary of epoch 5",
            "shard 0: a and b were primary at the same time, in epochs 5 and 5"});
}

}  // namespace
}  // namespace lab
