#include "ledger/copy/piece_queue.h"

#include <catch2/catch.hpp>
#include <thread>

namespace ledger {
namespace {

ReceivedPiece PieceAt(uint64_t offset) {
  ReceivedPiece piece;
  piece.piece.offset = offset;
  return piece;
}

TEST_CASE("a queue gives pieces in the order in which they came", "[copy]") {
  PieceQueue queue;
  queue.Put(PieceAt(1));
  queue.Put(PieceAt(2));
  ReceivedPiece first;
  ReceivedPiece second;
  REQUIRE(queue.Take(first));
  REQUIRE(queue.Take(second));
  CHECK(first.piece.offset == 1);
  CHECK(second.piece.offset == 2);
}

TEST_CASE("a closed queue gives what is in it, and then no more", "[copy]") {
  PieceQueue queue;
  queue.Put(PieceAt(1));
  queue.Close();
  ReceivedPiece piece;
  CHECK(queue.Take(piece));
  CHECK_FALSE(queue.Take(piece));
}

TEST_CASE("more pieces than a queue holds all come through it", "[copy]") {
  constexpr size_t kPieces = 100 * PieceQueue::kPiecesMax;
  PieceQueue queue;
  std::thread receives([&queue] {
    for (size_t i = 1; i <= kPieces; ++i) queue.Put(PieceAt(i));
    queue.Close();
  });
  size_t taken = 0;
  size_t in_order = 0;
  for (ReceivedPiece piece; queue.Take(piece);)
    if (piece.piece.offset == ++taken) ++in_order;
  receives.join();
  CHECK(taken == kPieces);
  CHECK(in_order == kPieces);
}

}  // namespace
}  // namespace ledger
