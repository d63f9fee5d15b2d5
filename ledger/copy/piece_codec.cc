#include "ledger/copy/piece_codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>
#include <zstd.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/invariant.h"

namespace ledger {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr uint32_t kDataTag = GOOGLE_PROTOBUF_WIRE_FORMAT_MAKE_TAG(
    pb::CopyChunk::kDataFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// The message's fields but its data, whose bytes come to `data`; none when it is no message, or the
// data is longer than a piece.
std::optional<std::string> ReadMessage(grpc::ByteBuffer& message, char* data, uint32_t& bytes) {
  grpc::ProtoBufferReader reader(&message);
  if (!reader.status().ok()) return std::nullopt;
  CodedInputStream input(&reader);
  std::string others;
  google::protobuf::io::StringOutputStream stream(&others);
  CodedOutputStream output(&stream);
  bytes = 0;
  while (const uint32_t tag = input.ReadTag()) {
    const bool is_read = tag == kDataTag ? input.ReadVarint32(&bytes) && bytes <= kPieceBytes &&
                                               input.ReadRaw(data, static_cast<int>(bytes))
                                         : WireFormatLite::SkipField(&input, tag, &output);
    if (!is_read) return std::nullopt;
  }
  if (!input.ConsumedEntireMessage()) return std::nullopt;
  output.Trim();
  return others;
}

}  // namespace

PieceEncoder::PieceEncoder() : context_(ZSTD_createCCtx()) { INVARIANT(context_ != nullptr); }
PieceEncoder::~PieceEncoder() { ZSTD_freeCCtx(context_); }

absl::string_view PieceEncoder::Encode(absl::string_view raw, int level, char* room,
                                       pb::CopyChunk& chunk) {
  chunk.set_raw_bytes(static_cast<uint32_t>(raw.size()));
  chunk.set_checksum(base::Checksum64(raw.data(), raw.size()));
  chunk.set_compressed(false);
  if (level == 0) return raw;
  const size_t bytes =
      ZSTD_compressCCtx(context_, room, kPackedBytesMax, raw.data(), raw.size(), level);
  // The room leaves it no other error than memory.
  INVARIANT(ZSTD_isError(bytes) == 0);
  if (bytes >= raw.size()) return raw;
  chunk.set_compressed(true);
  return {room, bytes};
}

grpc::ByteBuffer ToMessage(const pb::CopyChunk& chunk, absl::string_view data,
                           std::shared_ptr<const AlignedBuffer> buffer) {
  std::string before = chunk.SerializeAsString();
  {
    google::protobuf::io::StringOutputStream stream(&before);
    CodedOutputStream output(&stream);
    output.WriteTag(kDataTag);
    output.WriteVarint32(static_cast<uint32_t>(data.size()));
  }
  using Held = std::shared_ptr<const AlignedBuffer>;
  auto* const held = new Held(std::move(buffer));
  const grpc::Slice slices[] = {
      grpc::Slice(before),
      grpc::Slice(
          const_cast<char*>(data.data()), data.size(),  // NOLINT: it is not written.
          [](void* gone) { delete static_cast<Held*>(gone); }, held)};
  return {slices, 2};
}

PieceDecoder::PieceDecoder() : context_(ZSTD_createDCtx()) { INVARIANT(context_ != nullptr); }
PieceDecoder::~PieceDecoder() { ZSTD_freeDCtx(context_); }

absl::Status PieceDecoder::Decode(grpc::ByteBuffer message, pb::CopyChunk& chunk, char* raw) {
  const absl::Status damaged = absl::DataLossError("a piece was damaged on its way");
  uint32_t bytes = 0;
  const std::optional<std::string> others = ReadMessage(message, raw, bytes);
  if (!others || !chunk.ParseFromString(*others)) return damaged;
  if (chunk.raw_bytes() == 0 || chunk.raw_bytes() > kPieceBytes) return damaged;
  size_t raw_bytes = bytes;
  if (chunk.compressed()) {
    std::memcpy(packed_.data(), raw, bytes);
    raw_bytes = ZSTD_decompressDCtx(context_, raw, kPieceBytes, packed_.data(), bytes);
    if (ZSTD_isError(raw_bytes) != 0) return damaged;
  }
  if (raw_bytes != chunk.raw_bytes()) return damaged;
  return base::Checksum64(raw, raw_bytes) == chunk.checksum() ? absl::OkStatus() : damaged;
}

}  // namespace ledger
