#include "ledger/copy/piece_codec.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "ledger/copy/piece_plan.h"

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

std::string Decoded(const pb::CopyChunk& chunk) {
  std::string raw(kPieceBytes, '\0');
  PieceDecoder decoder;
  const absl::Status status = decoder.Decode(chunk, raw.data());
  CAPTURE(status);
  REQUIRE(status.ok());
  raw.resize(chunk.raw_bytes());
  return raw;
}

TEST_CASE("a piece comes back as it was at every level", "[copy]") {
  PieceEncoder encoder;
  const std::string raw = GENERATE(Rows(), std::string("x"));
  for (int level = 0; level <= PieceEncoder::kLevelMax; ++level) {
    CAPTURE(level, raw.size());
    pb::CopyChunk chunk;
    encoder.Encode(raw, level, chunk);
    CHECK(Decoded(chunk) == raw);
    CHECK(chunk.compressed() == (level > 0 && raw.size() > 1));
  }
}

TEST_CASE("what compression makes no shorter is sent as it is", "[copy]") {
  const uint32_t seed = std::random_device()();
  std::cout << "noise: seed " << seed << "\n";
  const std::string noise = Noise(seed);
  pb::CopyChunk chunk;
  PieceEncoder().Encode(noise, 3, chunk);
  CHECK_FALSE(chunk.compressed());
  CHECK(chunk.data() == noise);
}

TEST_CASE("a piece of which anything changed on its way is refused", "[copy]") {
  pb::CopyChunk chunk;
  PieceEncoder().Encode(Rows(), GENERATE(0, 3), chunk);
  const auto change = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(change, chunk.compressed());
  std::string& data = *chunk.mutable_data();
  if (change == 0) data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 1);
  if (change == 1) data.pop_back();
  if (change == 2) chunk.set_checksum(chunk.checksum() ^ 1);
  if (change == 3) chunk.set_raw_bytes(chunk.raw_bytes() - 1);
  if (change == 4) chunk.set_compressed(!chunk.compressed());
  std::string raw(kPieceBytes, '\0');
  CHECK(absl::IsDataLoss(PieceDecoder().Decode(chunk, raw.data())));
}

TEST_CASE("a piece that says it is longer than a piece is refused", "[copy]") {
  pb::CopyChunk chunk;
  chunk.set_data(std::string(kPieceBytes + 1, 'x'));
  chunk.set_raw_bytes(kPieceBytes + 1);
  std::string raw(kPieceBytes, '\0');
  CHECK(absl::IsDataLoss(PieceDecoder().Decode(chunk, raw.data())));
}

}  // namespace
}  // namespace ledger
