#include "tests/ledger/copy/fake_source.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "ledger/copy/piece_codec.h"
#include "ledger/storage/snapshots.h"

namespace ledger {

void Pack(absl::string_view raw, int level, pb::CopyChunk& chunk) {
  std::string room(kPackedBytesMax, '\0');
  const absl::string_view data = PieceEncoder().Encode(raw, level, room.data(), chunk);
  chunk.set_data(data.data(), data.size());
}

FakeSource::FakeSource() {
  base::FileSystem& files = base::SystemFileSystem();
  const auto snapshots = Snapshots::Open(files, folder_.path() + "/snapshots");
  REQUIRE(snapshots.ok());
  const SnapshotFacts facts{
      .shard = kShard, .position = kPosition, .log_hash = base::Sha256Of("h")};
  auto writer = (*snapshots)->Begin(facts);
  REQUIRE(writer.ok());
  for (char part = 'a'; part < 'i'; ++part) {
    REQUIRE((*writer)->Add(2, std::string(900'000, part)).ok());
  }
  REQUIRE((*writer)->Finish().ok());
  REQUIRE(files.CreateFolders(folder_.path() + "/history/runs").ok());
  REQUIRE(files.Replace(folder_.path() + "/history/runs/CURRENT", "MANIFEST-1\n").ok());
  REQUIRE(files.Replace(folder_.path() + "/history/runs/9.sst", std::string(3'000'000, 's')).ok());
  manifest_.set_shard(kShard);
  manifest_.set_position(kPosition);
  manifest_.set_log_hash(std::string(base::AsBytes(facts.log_hash)));
  for (const std::string name : {"snapshots/70", "history/runs/CURRENT", "history/runs/9.sst"}) {
    pb::CopyFile& file = *manifest_.add_files();
    file.set_name(name);
    file.set_bytes(BytesOf(name).size());
  }
  auto running = rpc::Serve({.services = {this}});
  REQUIRE(running.ok());
  running_ = std::move(running).value();
}

FakeSource::~FakeSource() { Stop(); }

void FakeSource::Stop() {
  if (running_.server == nullptr) return;
  running_.server->Shutdown();
  running_.server->Wait();
  running_.server.reset();
}

std::string FakeSource::BytesOf(const std::string& name) const {
  return base::SystemFileSystem().Read(absl::StrCat(folder_.path(), "/", name)).value();
}

uint64_t FakeSource::total_bytes() const { return PiecePlan(manifest_).total_bytes(); }

grpc::Status FakeSource::BeginCopy(grpc::ServerContext* /*context*/,
                                   const pb::BeginCopyRequest* request,
                                   pb::BeginCopyResponse* response) {
  const int number = ++begun;
  if (on_begin) on_begin(number);
  copy_id = request->copy_id();
  if (request->damaged_position() > 0) damaged_position = request->damaged_position();
  response->mutable_tail()->set_position(99);
  if (offers_nothing) return grpc::Status::OK;
  *response->mutable_manifest() = manifest_;
  response->mutable_manifest()->set_copy_id(request->copy_id());
  response->set_sent_bytes(sent_bytes);
  return grpc::Status::OK;
}

grpc::Status FakeSource::ReadCopy(grpc::ServerContext* /*context*/,
                                  const pb::ReadCopyRequest* request,
                                  grpc::ServerWriter<pb::CopyChunk>* writer) {
  int left = 0;
  for (const pb::CopyRange& range : request->ranges()) {
    left += static_cast<int>((range.bytes() + kPieceBytes - 1) / kPieceBytes);
  }
  for (const pb::CopyRange& range : request->ranges()) {
    const std::string bytes = BytesOf(manifest_.files(static_cast<int>(range.file())).name());
    for (uint64_t offset = range.offset(); offset < range.offset() + range.bytes();
         offset += kPieceBytes) {
      pb::CopyChunk chunk;
      chunk.set_file(range.file());
      chunk.set_offset(offset);
      const uint64_t end = std::min(offset + kPieceBytes, range.offset() + range.bytes());
      Pack(absl::string_view(bytes).substr(offset, end - offset), 1, chunk);
      if (on_chunk && !on_chunk(++chunks_, chunk)) {
        return {grpc::UNAVAILABLE, "broken by the test"};
      }
      sent_bytes += chunk.raw_bytes();
      for (int times = --left > 0 ? 1 : last_chunk_sent; times > 0; --times) {
        if (!writer->Write(chunk)) return {grpc::UNAVAILABLE, "gone"};
      }
    }
  }
  return grpc::Status::OK;
}

}  // namespace ledger
