#include "ledger/copy/copy_service.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/copy/duration.h"
#include "ledger/copy/piece_reader.h"
#include "rpc/rpc.h"
#include "tests/ledger/copy/source_disk.h"

namespace ledger {
namespace {

constexpr uint64_t kLogBytes = 1'000;  // As told: more than is read instead of a copy.

// A node that offers copies. Its snapshots are taken when the test says so.
class Source {
 public:
  Source() {
    disk.AppendTo(5);
    Serve();
  }
  ~Source() { Stop(); }

  void Restart() {
    Stop();
    disk.OpenExports();
    Serve();
  }

  grpc::Status Begin(const std::string& follower = "target", uint64_t damaged_position = 0) {
    pb::BeginCopyRequest request;
    request.set_follower(follower);
    request.set_damaged_position(damaged_position);
    request.set_copy_id("copy-of-" + follower);
    grpc::ClientContext context;
    return stub_->BeginCopy(&context, request, &response);
  }
  grpc::Status End(const std::string& follower = "target") {
    pb::EndCopyRequest request;
    request.set_copy_id("copy-of-" + follower);
    grpc::ClientContext context;
    pb::EndCopyResponse ended;
    return stub_->EndCopy(&context, request, &ended);
  }
  void Commit(absl::Duration took) {
    const absl::Duration come = latency.Come();
    disk.clock.Advance(took);
    latency.Answered(come);
  }
  // The one that was asked for is there.
  void TakeSnapshot() {
    disk.TakeSnapshot();
    std::exchange(taken, nullptr)(absl::OkStatus());
  }
  pb::CopyPacing Pacing() {
    grpc::ClientContext context;
    pb::CopyLimits limits;
    REQUIRE(stub_->GetCopyLimits(&context, {}, &limits).ok());
    return limits.pacing();
  }
  const std::string& address() const { return running_.address; }

  SourceDisk disk;
  CommitLatency latency{disk.clock};
  std::function<void(const absl::Status&)> taken;  // Null while none was asked for.
  pb::BeginCopyResponse response;

 private:
  void Serve() {
    throttle_ =
        Throttle::Open(disk.files, disk.Path("copy_limits"), latency, disk.clock, {}).value();
    service_.emplace(CopyParts{.exports = *disk.exports,
                               .throttle = *throttle_,
                               .snapshots = *disk.snapshots,
                               .log = *disk.writer.log,
                               .clock = disk.clock,
                               .tail =
                                   [] {
                                     pb::SourceTail tail;
                                     tail.set_position(5);
                                     tail.set_bytes(kLogBytes);
                                     return tail;
                                   },
                               .take_snapshot = [this](auto done) { taken = std::move(done); },
                               .files = disk.files,
                               .followers = {"target", "third"}});
    running_ = rpc::Serve({.services = {&*service_}}).value();
    stub_ = pb::Copies::NewStub(rpc::Connect(running_.address));
  }
  void Stop() {
    service_->Close();
    running_.server->Shutdown();
    running_.server->Wait();
    running_.server.reset();
    service_.reset();
  }

  std::unique_ptr<Throttle> throttle_;
  std::optional<CopyService> service_;
  rpc::RunningServer running_;
  std::unique_ptr<pb::Copies::Stub> stub_;
};

TEST_CASE("what commits took before the copy stays the measure while its snapshot is written",
          "[copy]") {
  Source source;
  source.Commit(absl::Milliseconds(4));
  REQUIRE(source.Begin().error_code() == grpc::UNAVAILABLE);
  for (int asks = 0; asks < 3; ++asks) {
    source.disk.clock.Advance(absl::Seconds(11));
    source.Commit(absl::Milliseconds(90));
    REQUIRE(source.Begin().error_code() == grpc::UNAVAILABLE);
  }
  source.TakeSnapshot();
  REQUIRE(source.Begin().ok());
  REQUIRE(source.response.has_manifest());
  CHECK(FromProto(source.Pacing().commit_p99_before()) < absl::Milliseconds(5));
}

TEST_CASE("in place of a snapshot that came damaged another is taken", "[copy]") {
  Source source;
  source.Begin();
  source.TakeSnapshot();
  REQUIRE(source.Begin().ok());
  const uint64_t position = source.response.manifest().position();
  source.taken = nullptr;
  CHECK(source.Begin("third", position).error_code() == grpc::UNAVAILABLE);
  CHECK(source.taken);
  CHECK(source.Begin("third", position - 1).ok());
}

TEST_CASE("and after a restart of the source", "[copy]") {
  Source source;
  source.Commit(absl::Milliseconds(4));
  source.Begin();
  source.TakeSnapshot();
  REQUIRE(source.Begin().ok());
  source.Restart();
  source.Commit(absl::Milliseconds(90));
  REQUIRE(source.Begin().ok());
  CHECK(FromProto(source.Pacing().commit_p99_before()) < absl::Milliseconds(5));
}

TEST_CASE("when no copy is left, or waited for, what commits take is measured anew", "[copy]") {
  Source source;
  source.Commit(absl::Milliseconds(4));
  SECTION("after the end of the last") {
    source.Begin();
    source.TakeSnapshot();
    REQUIRE(source.Begin().ok());
    REQUIRE(source.End().ok());
  }
  SECTION("when who waited for a snapshot never came back") {
    source.Begin();
    source.disk.clock.Advance(absl::Minutes(6));
    REQUIRE(source.End().ok());  // Of nothing.
  }
  CHECK_FALSE(source.Pacing().has_commit_p99_before());
}

TEST_CASE("why there is no snapshot is told to who waits for it", "[copy]") {
  Source source;
  source.Begin();
  std::exchange(source.taken, nullptr)(absl::ResourceExhaustedError("the disk is full"));
  const grpc::Status told = source.Begin();
  CHECK(told.error_code() == grpc::UNAVAILABLE);
  CHECK_THAT(told.error_message(), Catch::Contains("no snapshot could be taken: the disk is full"));
  CHECK(source.taken == nullptr);
}

TEST_CASE("only another node of the shard may copy", "[copy]") {
  Source source;
  for (const char* const follower : {"", "source", "stranger"}) {
    CAPTURE(follower);
    CHECK(source.Begin(follower).error_code() == grpc::INVALID_ARGUMENT);
  }
  CHECK(source.taken == nullptr);
}

// What reading ends with that asks with these bytes.
absl::Status Read(const Source& source, const std::string& bytes) {
  grpc::ClientContext context;
  grpc::GenericStub stub(rpc::Connect(source.address()));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, "/hamisha.ledger.v1.Copies/ReadCopy", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  const grpc::Slice slice(bytes);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  queue.Next(&tag, &ok);
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return rpc::FromGrpc(status);
}

TEST_CASE("a request for pieces that cannot be read, or is far too long, is refused", "[copy]") {
  const Source source;
  CHECK(absl::IsInvalidArgument(Read(source, "\xff\xff no message")));
  pb::ReadCopyRequest request;
  for (int range = 0; range < 100'000; ++range) request.add_ranges()->set_bytes(1);
  CHECK(absl::IsInvalidArgument(Read(source, request.SerializeAsString())));
  request.clear_ranges();
  request.add_ranges()->set_bytes(1);
  CHECK(absl::IsNotFound(Read(source, request.SerializeAsString())));
}

}  // namespace
}  // namespace ledger
