#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "ledger/copy/piece_plan.h"
#include "rpc/rpc.h"
#include "tests/temporary_folder.h"

namespace ledger {

// How a piece is sent.
void Pack(absl::string_view raw, int level, pb::CopyChunk& chunk);

// The source's side of one copy, a real snapshot with a made-up history, which does wrong what a
// test wants.
class FakeSource final : public pb::Copies::Service {
 public:
  static constexpr uint32_t kShard = 3;
  static constexpr uint64_t kPosition = 70;

  FakeSource();
  ~FakeSource() override;

  const std::string& address() const { return running_.address; }
  std::string BytesOf(const std::string& name) const;
  uint64_t total_bytes() const;
  void Stop();

  // Called with each BeginCopy, the how manieth it is, before the answer.
  std::function<void(int number)> on_begin;
  // Called before each chunk, the how manieth it is since the beginning, may change it; false ends
  // the stream.
  std::function<bool(int number, pb::CopyChunk& chunk)> on_chunk;
  int last_chunk_sent = 1;  // How often a stream's last one is.
  bool offers_nothing = false;
  std::atomic<uint64_t> sent_bytes = 0;
  std::atomic<int> begun = 0;
  std::string copy_id;            // As it was asked for last.
  uint64_t damaged_position = 0;  // As it was told last.

 private:
  grpc::Status BeginCopy(grpc::ServerContext* context, const pb::BeginCopyRequest* request,
                         pb::BeginCopyResponse* response) override;
  grpc::Status ReadCopy(grpc::ServerContext* context, const pb::ReadCopyRequest* request,
                        grpc::ServerWriter<pb::CopyChunk>* writer) override;

  TemporaryFolder folder_;
  pb::CopyManifest manifest_;
  std::atomic<int> chunks_ = 0;
  rpc::RunningServer running_;
};

}  // namespace ledger
