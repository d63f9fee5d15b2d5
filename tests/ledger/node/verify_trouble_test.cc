// A comparison with a primary that is slow, has forgotten, or does not answer.
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/random.h"
#include "ledger/core/certificate.h"
#include "ledger/core/challenge.h"
#include "rpc/rpc.h"
#include "tests/ledger/node/cluster.h"
#include "tests/ledger/node/pair.h"

namespace ledger {
namespace {

// What a node hashed for a challenge it forgets as soon as there is a digest.
void ForgetImages(Cluster& cluster, const std::string& node) {
  cluster.Stop(node);
  cluster.Start(node, [](NodeOptions& options) { options.challenge_kept = absl::ZeroDuration(); });
}

TEST_CASE("a primary that keeps no image any more is compared with by its digest", "[verify]") {
  Pair pair;
  ForgetImages(pair.cluster, "source");
  CHECK(pair.Verified().equal());
}

TEST_CASE("digests that differ count though where is not found: the node must not open",
          "[verify]") {
  Pair pair;
  ForgetImages(pair.cluster, "source");
  REQUIRE(Call(pair.cluster.faults("target"), &pb::Faults::Stub::FlipStateBit,
               pb::FlipStateBitRequest())
              .ok());
  const pb::VerifyAgainstResponse verified = pair.Verified();
  CHECK_FALSE(verified.equal());
  CHECK_THAT(verified.difference(), Catch::Contains("digests differ; where is not known: "));
  CHECK_THAT(verified.difference(), Catch::Contains("not kept here (any more)"));
  const pb::NodeStatus status = pair.cluster.Status("target");
  CHECK(status.state_differs());
  CHECK_THAT(status.fault(), Catch::Contains("where is not known"));
  const auto sealed = Seal(pair.cluster.node("source"), "run", "target");
  REQUIRE(sealed.ok());
  pair.AwaitEqual();
  CHECK_FALSE(Compare(pair.cluster.node("target"), sealed.response).response.equal());
  CHECK(Open(pair.cluster.node("target"), sealed.response).status.error_code() == grpc::DATA_LOSS);
}

// A primary whose log never gets further: the checkpoints of its challenges do not come.
class Silent final : public pb::Verification::Service, public pb::Node::Service {
 public:
  explicit Silent(const std::string& address) {
    running_ = rpc::Serve({.listen = address,
                           .services = {static_cast<pb::Verification::Service*>(this),
                                        static_cast<pb::Node::Service*>(this)}})
                   .value();
  }
  ~Silent() override {
    over_.Notify();
    running_.server->Shutdown();
    running_.server->Wait();
  }
  grpc::Status Challenge(grpc::ServerContext* /*context*/, const pb::ChallengeRequest* request,
                         pb::ChallengeStarted* response) override {
    const base::Hash256 drawn = base::DrawNonce();
    const base::Hash256 nonce = ChallengeNonce(drawn, base::ToHash256(request->nonce()).value());
    response->set_position(1'000);
    response->set_nonce(std::string(base::AsBytes(nonce)));
    response->set_drawn(std::string(base::AsBytes(drawn)));
    return grpc::Status::OK;
  }
  grpc::Status GetChallenge(grpc::ServerContext* /*context*/,
                            const pb::GetChallengeRequest* request,
                            pb::ChallengeState* response) override {
    response->set_nonce(request->nonce());
    if (!is_asked_.exchange(true)) asked_.Notify();
    return grpc::Status::OK;
  }
  grpc::Status PullRecords(grpc::ServerContext* /*context*/, const pb::PullRequest* /*request*/,
                           grpc::ServerWriter<pb::RecordChunk>* /*writer*/) override {
    over_.WaitForNotification();
    return grpc::Status::OK;
  }
  void AwaitAsked() { asked_.WaitForNotification(); }

 private:
  absl::Notification over_;
  absl::Notification asked_;
  std::atomic<bool> is_asked_ = false;
  rpc::RunningServer running_;
};

// The target follows one that is silent.
struct WithSilent {
  Pair pair{{"source", "target", "silent"}};
  Silent silent{StoppedAddress(pair)};

  WithSilent() { pair.cluster.Follow("target", "silent"); }
  // Until the call is cancelled, since nobody answers.
  grpc::Status Verify(grpc::ClientContext& context) {
    pb::VerifyAgainstRequest request;
    request.set_node_id("silent");
    pb::VerifyAgainstResponse response;
    return pair.cluster.verification("target").VerifyAgainst(&context, request, &response);
  }
  static std::string StoppedAddress(Pair& pair) {
    pair.cluster.Stop("silent");
    return pair.cluster.Address("silent");
  }
};

TEST_CASE("the primary is asked while this node waits, so that it keeps what it hashed",
          "[verify]") {
  WithSilent with;
  grpc::ClientContext context;
  std::thread verifying([&] { CHECK_FALSE(with.Verify(context).ok()); });
  with.silent.AwaitAsked();
  context.TryCancel();
  verifying.join();
}

TEST_CASE("a comparison that nobody waits for any more makes room for the next", "[verify]") {
  WithSilent with;
  grpc::ClientContext context;
  std::thread verifying([&] { CHECK_FALSE(with.Verify(context).ok()); });
  with.silent.AwaitAsked();
  CHECK(with.pair.Verify().status.error_code() == grpc::ABORTED);
  context.TryCancel();
  verifying.join();
  grpc::StatusCode code = grpc::ABORTED;
  for (int tries = 0; code == grpc::ABORTED && tries < 50'000; ++tries) {
    code = with.pair.Verify().status.error_code();
  }
  CHECK(code == grpc::FAILED_PRECONDITION);  // Not ABORTED: it was looked at, and follows another.
}

TEST_CASE("a comparison ends when its node is told to follow another", "[verify]") {
  WithSilent with;
  std::thread verifying([&] {
    const auto verified = with.pair.Verify("target", "silent");
    CHECK(verified.status.error_code() == grpc::FAILED_PRECONDITION);
  });
  with.silent.AwaitAsked();
  with.pair.cluster.Follow("target", "source");
  verifying.join();
}

}  // namespace
}  // namespace ledger
