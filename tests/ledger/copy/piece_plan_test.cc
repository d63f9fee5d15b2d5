#include "ledger/copy/piece_plan.h"

#include <catch2/catch.hpp>

namespace ledger {
namespace {

pb::CopyManifest Manifest(const std::vector<uint64_t>& bytes) {
  pb::CopyManifest manifest;
  for (const uint64_t file : bytes) manifest.add_files()->set_bytes(file);
  return manifest;
}

TEST_CASE("pieces are a MiB of one file, and the rest of it", "[copy]") {
  PiecePlan plan(Manifest({kPieceBytes + 5, 0, 7}));
  CHECK(plan.total_bytes() == kPieceBytes + 12);
  REQUIRE(plan.missing() == 3);
  CHECK(plan.At(0).bytes == kPieceBytes);
  CHECK(plan.At(1).offset == kPieceBytes);
  CHECK(plan.At(1).bytes == 5);
  CHECK(plan.At(2).file == 2);
  CHECK(plan.At(2).offset == 0);
}

TEST_CASE("a piece is asked for once, and again when it did not come", "[copy]") {
  PiecePlan plan(Manifest({4 * kPieceBytes}));
  CHECK(plan.Take(2) == std::vector<size_t>{0, 1});
  CHECK(plan.Take(1) == std::vector<size_t>{2});
  CHECK(plan.Written(1));
  plan.GiveBack({0, 1});
  CHECK(plan.Take(9) == std::vector<size_t>{0, 3});
  CHECK(plan.Take(9).empty());
}

TEST_CASE("what was not asked for, or came already, is not taken", "[copy]") {
  PiecePlan plan(Manifest({2 * kPieceBytes}));
  CHECK_FALSE(plan.Written(0));
  plan.Take(1);
  CHECK(plan.Written(0));
  CHECK_FALSE(plan.Written(0));
}

TEST_CASE("only what was recorded is there again after a restart", "[copy]") {
  const pb::CopyManifest manifest = Manifest({9 * kPieceBytes, 3});
  PiecePlan plan(manifest);
  plan.Take(10);
  for (const size_t number : {0u, 8u, 9u}) REQUIRE(plan.Written(number));
  const std::vector<size_t> written = plan.written();
  const std::string bits = plan.Bits(written);
  CHECK_FALSE(plan.IsDurable());
  plan.Durable(written);
  CHECK(plan.durable_bytes() == 2 * kPieceBytes + 3);

  PiecePlan again(manifest);
  again.Restore(bits);
  CHECK(again.durable_bytes() == plan.durable_bytes());
  CHECK(again.there_bytes(1) == 3);
  CHECK(again.Take(9) == std::vector<size_t>{1, 2, 3, 4, 5, 6, 7});
  CHECK(again.Bits({}) == bits);
}

TEST_CASE("it is durable when every piece is", "[copy]") {
  PiecePlan plan(Manifest({1, 1}));
  for (const size_t number : plan.Take(2)) plan.Written(number);
  CHECK_FALSE(plan.IsDurable());
  plan.Durable({0});
  CHECK(plan.IsDurable(0));
  CHECK_FALSE(plan.IsDurable(1));
  CHECK_FALSE(plan.IsDurable());
  plan.Durable({1});
  CHECK(plan.IsDurable());
}

TEST_CASE("a copy without a byte is durable at once", "[copy]") {
  CHECK(PiecePlan(Manifest({0, 0})).IsDurable());
}

}  // namespace
}  // namespace ledger
