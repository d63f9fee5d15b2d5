#include "ledger/core/cow_rows.h"

#include <catch2/catch.hpp>

#include <deque>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace ledger {
namespace {

using Rows = CowRows<uint64_t, 8>;

std::vector<uint64_t> Read(const Rows::Frozen& frozen) {
  std::vector<uint64_t> values;
  for (size_t page = 0; page < frozen.pages(); ++page) {
    values.insert(values.end(), frozen.page(page).begin(), frozen.page(page).end());
  }
  return values;
}

TEST_CASE("what is frozen stays while rows change, come and go", "[cow_rows]") {
  Rows rows;
  for (uint64_t i = 0; i < 20; ++i) rows.push_back(i);
  std::vector<uint64_t> before(20);
  std::iota(before.begin(), before.end(), 0);

  const Rows::Frozen frozen = rows.Freeze();
  for (uint64_t i = 0; i < 20; ++i) rows[i] += 100;
  for (uint64_t i = 20; i < 40; ++i) rows.push_back(i);
  rows.pop_back();
  CHECK(Read(frozen) == before);
  CHECK(rows[3] == 103);
  CHECK(rows[38] == 38);
  CHECK(rows.size() == 39);
  rows.Thaw(frozen);

  rows[3] = 7;
  CHECK(rows[3] == 7);
}

TEST_CASE("only pages that change are copied, once each", "[cow_rows]") {
  Rows rows;
  for (uint64_t i = 0; i < 80; ++i) rows.push_back(i);
  const uint64_t bytes = rows.bytes();
  const Rows::Frozen frozen = rows.Freeze();
  CHECK(rows.bytes() == bytes);
  rows[0] = 1;
  rows[1] = 2;
  rows[79] = 3;
  CHECK(rows.bytes() == bytes + 2 * 8 * sizeof(uint64_t));
  rows.Thaw(frozen);

  // They are used again.
  rows.Freeze();
  rows[0] = 1;
  rows[79] = 3;
  CHECK(rows.bytes() == bytes + 2 * 8 * sizeof(uint64_t));
}

TEST_CASE("rows behind the frozen ones on the same page are not lost by a copy", "[cow_rows]") {
  Rows rows;
  rows.push_back(1);
  const Rows::Frozen frozen = rows.Freeze();
  rows.push_back(2);
  rows[0] = 9;
  CHECK(rows[1] == 2);
  CHECK(Read(frozen) == std::vector<uint64_t>{1});
}

TEST_CASE("nothing can be frozen of nothing", "[cow_rows]") {
  Rows rows;
  const Rows::Frozen frozen = rows.Freeze();
  CHECK(Read(frozen).empty());
  rows.push_back(1);
  rows.Thaw(frozen);
  CHECK(rows[0] == 1);
}

TEST_CASE("a page that two moments hold is copied once", "[cow_rows]") {
  Rows rows;
  for (uint64_t i = 0; i < 8; ++i) rows.push_back(i);
  const uint64_t bytes = rows.bytes();
  const Rows::Frozen first = rows.Freeze();
  const Rows::Frozen second = rows.Freeze();
  rows[0] = 9;
  rows[1] = 9;
  CHECK(rows.bytes() == bytes + 8 * sizeof(uint64_t));
  rows.Thaw(first);
  CHECK(Read(second) == std::vector<uint64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("each of several moments keeps what it froze, in whatever order they are thawed",
          "[cow_rows]") {
  struct Moment {
    Rows::Frozen frozen;
    std::vector<uint64_t> expected;
  };
  const uint32_t seed = GENERATE(range(0U, 30U));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Rows rows;
  std::vector<uint64_t> plain;
  std::deque<Moment> moments;
  for (uint64_t step = 0; step < 2'000; ++step) {
    const uint64_t kind = random() % 20;
    if (kind < 4) {
      rows.push_back(step);
      plain.push_back(step);
    } else if (kind == 4 && moments.size() < 4) {
      moments.push_back({rows.Freeze(), plain});
    } else if (kind == 5 && !moments.empty()) {
      const auto one = moments.begin() + static_cast<ptrdiff_t>(random() % moments.size());
      rows.Thaw(one->frozen);
      moments.erase(one);
    } else if (!plain.empty()) {
      const uint64_t row = random() % plain.size();
      rows[row] = plain[row] = random();
    }
    if (step % 50 != 0) continue;
    for (const Moment& moment : moments) REQUIRE(Read(moment.frozen) == moment.expected);
  }
  for (size_t row = 0; row < plain.size(); ++row) REQUIRE(rows[row] == plain[row]);
}

// Under the thread sanitizer this shows that the two share nothing that changes.
TEST_CASE("another thread reads what is frozen while all rows change", "[cow_rows]") {
  Rows rows;
  for (uint64_t i = 0; i < 10'000; ++i) rows.push_back(i);
  for (int round = 0; round < 3; ++round) {
    uint64_t expected = 0;
    for (uint64_t i = 0; i < rows.size(); ++i) expected += std::as_const(rows)[i];
    const Rows::Frozen frozen = rows.Freeze();
    uint64_t sum = 0;
    std::thread reader([&] {
      for (size_t page = 0; page < frozen.pages(); ++page) {
        for (const uint64_t value : frozen.page(page)) sum += value;
      }
    });
    for (uint64_t i = 0; i < 10'000; ++i) rows[i] += 1;
    for (uint64_t i = 0; i < 100; ++i) rows.push_back(i);
    reader.join();
    CHECK(sum == expected);
    rows.Thaw(frozen);
  }
}

}  // namespace
}  // namespace ledger
