#include "lab/load/outcome.h"

#include <catch2/catch.hpp>

#include "lab/load/histogram.h"

namespace lab {
namespace {

OutcomeRow Row(uint64_t number, size_t legs) {
  OutcomeRow row;
  row.number = number;
  row.scheduled_us = 1'000 * number;
  row.latency_us = 250;
  row.shard = 1;
  row.attempts_failed = 2;
  row.kind = Kind::kB2c;
  row.planned_refusal = true;
  row.answer = {.outcome = Outcome::kRefused, .code = 54, .unexpected = true};
  for (size_t i = 0; i < legs; ++i) row.legs.push_back({{number, i}, {1, 1}, {1, 2}, 10 + i});
  return row;
}

TEST_CASE("rows come back as they were written, up to the end row", "[load]") {
  std::string file =
      EncodeHeader({.shape = {2, 100, 3, 4, 5}, .seed = 9, .rate = 900.5, .started = "now"});
  AppendRow(Row(1, 3), file);
  AppendRow(Row(2, 0), file);
  AppendEnd(2, file);

  absl::string_view rest = file;
  const auto header = TakeHeader(rest);
  REQUIRE(header.ok());
  CHECK(*header == OutcomeHeader{{2, 100, 3, 4, 5}, 9, 900.5, "now"});
  CHECK((*TakeRow(rest))->row == Row(1, 3));
  CHECK((*TakeRow(rest))->row == Row(2, 0));
  const auto end = *TakeRow(rest);
  CHECK(end->end);
  CHECK(end->end_rows == 2);
  CHECK(rest.empty());
}

TEST_CASE("a torn row is not a row, and nonsense is damage", "[load]") {
  std::string file;
  AppendRow(Row(1, 3), file);
  const size_t cut = GENERATE(size_t{0}, size_t{1}, size_t{47}, size_t{48}, size_t{200});
  absl::string_view torn = absl::string_view(file).substr(0, cut);
  const auto taken = TakeRow(torn);
  REQUIRE(taken.ok());
  CHECK_FALSE(taken->has_value());
  CHECK(torn.size() == cut);

  const std::string zeros(100, '\0');
  absl::string_view nonsense = zeros;
  CHECK(TakeRow(nonsense).status().code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("a file that is no outcomes is refused", "[load]") {
  absl::string_view text = "{\"format\":\"other\"}\n";
  CHECK(TakeHeader(text).status().code() == absl::StatusCode::kInvalidArgument);
  text = "hello\n";
  CHECK(TakeHeader(text).status().code() == absl::StatusCode::kInvalidArgument);
  text = "{\"format\":";
  CHECK(TakeHeader(text).status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("the answer to a chain is read", "[load]") {
  struct Reading {
    std::string what;
    std::vector<uint32_t> codes;
    bool sent_before;
    bool repeat;
    uint32_t expected_code;
    Answer answer;
  };
  const auto reading = GENERATE(values<Reading>({
      {"it happened", {0, 0, 0}, false, false, 0, {Outcome::kAcknowledged, 0, false}},
      {"a retry learns that it had happened",
       {46, 1, 1},
       true,
       false,
       0,
       {Outcome::kAcknowledged, 0, false}},
      {"a retry of one leg as well", {46}, true, false, 0, {Outcome::kAcknowledged, 0, false}},
      {"a repeat learns that it had happened",
       {46, 1},
       false,
       true,
       0,
       {Outcome::kAcknowledged, 0, false}},
      {"ids used by another run", {46, 1}, false, false, 0, {Outcome::kUnanswered, 46, true}},
      {"no money", {1, 54, 1}, false, false, 0, {Outcome::kRefused, 54, false}},
      {"refused as planned", {1, 1, 22}, false, false, 22, {Outcome::kRefused, 22, false}},
      {"planned to be refused, and happened",
       {0, 0},
       false,
       false,
       22,
       {Outcome::kAcknowledged, 0, true}},
      {"refused for no good reason", {21, 1}, false, false, 0, {Outcome::kRefused, 21, true}},
      {"a retry of what was refused", {68, 1}, true, false, 0, {Outcome::kRefused, 68, false}},
      {"burnt without a retry", {68, 1}, false, false, 0, {Outcome::kRefused, 68, true}},
      {"a repeat that is refused", {54, 1}, false, true, 0, {Outcome::kRefused, 54, true}},
      {"half a chain", {0, 54}, false, false, 0, {Outcome::kUnanswered, 54, true}},
  }));
  DYNAMIC_SECTION(reading.what) {
    Transaction transaction;
    transaction.repeat = reading.repeat;
    transaction.expected_code = reading.expected_code;
    CHECK(ReadAnswer(transaction, reading.codes, reading.sent_before) == reading.answer);
  }
}

TEST_CASE("percentiles are right within a 64th", "[load]") {
  Histogram histogram;
  CHECK(histogram.Percentile(0.5) == 0);
  for (uint64_t value = 1; value <= 100'000; ++value) histogram.Add(value);
  const double share = GENERATE(0.01, 0.5, 0.9, 0.99, 0.999, 1.0);
  CAPTURE(share);
  const auto exact = static_cast<uint64_t>(share * 100'000);
  CHECK(histogram.Percentile(share) >= exact);
  CHECK(histogram.Percentile(share) <= exact + exact / 64 + 1);
  CHECK(histogram.max() == 100'000);
}

TEST_CASE("small values and one large one keep their places", "[load]") {
  Histogram histogram;
  for (int i = 0; i < 99; ++i) histogram.Add(3);
  histogram.Add(uint64_t{1} << 40);
  CHECK(histogram.Percentile(0.5) == 3);
  CHECK(histogram.Percentile(0.99) == 3);
  CHECK(histogram.Percentile(0.999) == uint64_t{1} << 40);
  histogram.Clear();
  CHECK(histogram.count() == 0);
  CHECK(histogram.Percentile(1) == 0);
}

}  // namespace
}  // namespace lab
