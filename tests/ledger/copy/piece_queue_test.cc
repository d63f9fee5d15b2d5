#include "ledger/copy/piece_queue.h"

#include <grpcpp/support/slice.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

namespace ledger {
namespace {

grpc::ByteBuffer PieceOf(size_t bytes) {
  const grpc::Slice slice(std::string(bytes, 'x'));
  return {&slice, 1};
}

TEST_CASE("a queue gives pieces in the order in which they came", "[copy]") {
  PieceQueue queue;
  queue.Put(PieceOf(1));
  queue.Put(PieceOf(2));
  grpc::ByteBuffer first;
  grpc::ByteBuffer second;
  REQUIRE(queue.Take(first));
  REQUIRE(queue.Take(second));
  CHECK(first.Length() == 1);
  CHECK(second.Length() == 2);
}

TEST_CASE("a closed queue gives what is in it, and then no more", "[copy]") {
  PieceQueue queue;
  queue.Put(PieceOf(1));
  queue.Close();
  grpc::ByteBuffer piece;
  CHECK(queue.Take(piece));
  CHECK_FALSE(queue.Take(piece));
}

TEST_CASE("more pieces than a queue holds all come through it", "[copy]") {
  constexpr size_t kPieces = 100 * PieceQueue::kPiecesMax;
  PieceQueue queue;
  std::thread receives([&queue] {
    for (size_t i = 1; i <= kPieces; ++i) queue.Put(PieceOf(i));
    queue.Close();
  });
  size_t taken = 0;
  size_t in_order = 0;
  for (grpc::ByteBuffer piece; queue.Take(piece);)
    if (piece.Length() == ++taken) ++in_order;
  receives.join();
  CHECK(taken == kPieces);
  CHECK(in_order == kPieces);
}

}  // namespace
}  // namespace ledger
