#include "ledger/copy/piece_codec.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <iostream>
#include <random>

#include "ledger/copy/buffer_pool.h"
#include "tests/ledger/copy/fake_source.h"

namespace ledger {
namespace {

std::string Rows() {
  std::string rows;
  for (int i = 0; rows.size() < kPieceBytes; ++i) rows += "account " + std::to_string(i) + "; ";
  rows.resize(kPieceBytes);
  return rows;
}

std::string Noise(uint32_t seed) {
  std::mt19937 random(seed);
  std::string noise(kPieceBytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

// What comes of a chunk as any client or server of gRPC writes it.
absl::StatusOr<std::string> Decoded(const pb::CopyChunk& chunk) {
  const grpc::Slice slice(chunk.SerializeAsString());
  std::string raw(kPieceBytes, '\0');
  pb::CopyChunk read;
  if (absl::Status status = PieceDecoder().Decode(grpc::ByteBuffer(&slice, 1), read, raw.data());
      !status.ok()) {
    return status;
  }
  CHECK(read.offset() == chunk.offset());
  raw.resize(read.raw_bytes());
  return raw;
}

TEST_CASE("a piece comes back as it was at every level", "[copy]") {
  const std::string raw = GENERATE(Rows(), std::string("x"));
  for (int level = 0; level <= PieceEncoder::kLevelMax; ++level) {
    CAPTURE(level, raw.size());
    pb::CopyChunk chunk;
    Pack(raw, level, chunk);
    CHECK((Decoded(chunk).value() == raw));
    CHECK(chunk.compressed() == (level > 0 && raw.size() > 1));
  }
}

TEST_CASE("what compression makes no shorter is sent as it is", "[copy]") {
  const uint32_t seed = std::random_device()();
  std::cout << "noise: seed " << seed << "\n";
  const std::string noise = Noise(seed);
  pb::CopyChunk chunk;
  Pack(noise, 3, chunk);
  CHECK_FALSE(chunk.compressed());
  CHECK(chunk.data() == noise);
}

TEST_CASE("a piece of which anything changed on its way is refused", "[copy]") {
  pb::CopyChunk chunk;
  Pack(Rows(), GENERATE(0, 3), chunk);
  const auto change = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(change, chunk.compressed());
  std::string& data = *chunk.mutable_data();
  if (change == 0) data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
  if (change == 1) data.pop_back();
  if (change == 2) chunk.set_checksum(chunk.checksum() ^ 1);
  if (change == 3) chunk.set_raw_bytes(chunk.raw_bytes() - 1);
  if (change == 4) chunk.set_compressed(!chunk.compressed());
  CHECK(absl::IsDataLoss(Decoded(chunk).status()));
}

TEST_CASE("a piece that says it is longer than a piece is refused", "[copy]") {
  pb::CopyChunk chunk;
  chunk.set_data(std::string(kPieceBytes + 1, 'x'));
  chunk.set_raw_bytes(kPieceBytes + 1);
  CHECK(absl::IsDataLoss(Decoded(chunk).status()));
}

TEST_CASE("what is no chunk is refused", "[copy]") {
  const grpc::Slice slice(
      GENERATE(std::string(), std::string("\xff\xff"), std::string("\x32\x7f")));
  std::string raw(kPieceBytes, '\0');
  pb::CopyChunk read;
  CHECK(absl::IsDataLoss(PieceDecoder().Decode(grpc::ByteBuffer(&slice, 1), read, raw.data())));
}

TEST_CASE("a message that is made of the file's bytes is a chunk for everyone", "[copy]") {
  const std::string rows = Rows();
  const int level = GENERATE(0, 3);
  const auto pool = BufferPool::Create();
  const std::shared_ptr<AlignedBuffer> raw = pool->Take();
  std::memcpy(raw->data(), rows.data(), rows.size());
  const std::shared_ptr<AlignedBuffer> room = pool->Take();
  pb::CopyChunk chunk;
  chunk.set_offset(5 * kPieceBytes);
  const absl::string_view data =
      PieceEncoder().Encode(raw->view(0, rows.size()), level, room->data(), chunk);
  const grpc::ByteBuffer message = ToMessage(chunk, data, level == 0 ? raw : room);
  grpc::Slice slice;
  REQUIRE(message.DumpToSingleSlice(&slice).ok());
  pb::CopyChunk read;
  REQUIRE(read.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  CHECK(read.offset() == 5 * kPieceBytes);
  CHECK((Decoded(read).value() == rows));
}

TEST_CASE("a buffer is used again when gRPC does not need it any more, and not before", "[copy]") {
  const auto pool = BufferPool::Create();
  std::shared_ptr<AlignedBuffer> buffer = pool->Take();
  const char* const data = buffer->data();
  {
    const grpc::ByteBuffer message = ToMessage({}, buffer->view(0, kPieceBytes), buffer);
    buffer.reset();
    CHECK(pool->Take()->data() != data);
  }
  const std::shared_ptr<AlignedBuffer> one = pool->Take();
  const std::shared_ptr<AlignedBuffer> other = pool->Take();
  CHECK((one->data() == data || other->data() == data));
}

}  // namespace
}  // namespace ledger
