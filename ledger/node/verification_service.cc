#include "ledger/node/verification_service.h"

#include <utility>

#include "base/random.h"
#include "ledger/node/ledger_service.h"
#include "rpc/rpc.h"

namespace ledger {
namespace {

template <typename Response>
grpc::ServerUnaryReactor* Finish(grpc::ServerUnaryReactor* reactor,
                                 const absl::StatusOr<Response>& result, Response* response) {
  if (result.ok()) *response = *result;
  reactor->Finish(ToGrpcWithOwner(result.status()));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* VerificationService::Run(Reactor* reactor, Writer::Task task) {
  const absl::Status status = writer_.Run(std::move(task));
  if (!status.ok()) reactor->Finish(rpc::ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* VerificationService::VerifyAgainst(
    Context* context, const pb::VerifyAgainstRequest* request,
    pb::VerifyAgainstResponse* response) {
  Reactor* const reactor = context->DefaultReactor();
  verifier_.Verify(
      *request,
      [=](const absl::StatusOr<pb::VerifyAgainstResponse>& result) {
        Finish(reactor, result, response);
      },
      [context] { return context->IsCancelled(); });  // It lives until the reactor finishes.
  return reactor;
}

grpc::ServerUnaryReactor* VerificationService::Challenge(Context* context,
                                                         const pb::ChallengeRequest* request,
                                                         pb::ChallengeStarted* response) {
  Reactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<base::Hash256> asked = base::ToHash256(request->nonce());
  if (!asked.ok()) {
    reactor->Finish(rpc::ToGrpc(absl::InvalidArgumentError("draw a nonce of 32 bytes")));
    return reactor;
  }
  const base::Hash256 drawn = base::DrawNonce();
  const base::Hash256 nonce = ChallengeNonce(drawn, *asked);
  const bool keeps_tree = request->keeps_tree();
  return Run(reactor, [=, this](Shard& shard) {
    // Here, where challenges begin one after the other.
    if (challenger_.is_hashing()) {
      return reactor->Finish(rpc::ToGrpc(
          absl::AbortedError("a challenge is being hashed; ask again when it is done")));
    }
    shard.StartChallenge(nonce, keeps_tree, [=](const absl::StatusOr<uint64_t>& position) {
      if (position.ok()) {
        response->set_position(*position);
        response->set_nonce(std::string(base::AsBytes(nonce)));
        response->set_drawn(std::string(base::AsBytes(drawn)));
      }
      reactor->Finish(ToGrpcWithOwner(position.status()));
    });
  });
}

grpc::ServerUnaryReactor* VerificationService::GetChallenge(Context* context,
                                                            const pb::GetChallengeRequest* request,
                                                            pb::ChallengeState* response) {
  return Finish(context->DefaultReactor(), challenger_.Get(request->nonce()), response);
}

grpc::ServerUnaryReactor* VerificationService::ReadImage(Context* context,
                                                         const pb::ReadImageRequest* request,
                                                         pb::ImagePart* response) {
  return Finish(context->DefaultReactor(), challenger_.Read(*request), response);
}

grpc::ServerUnaryReactor* VerificationService::CertifyCutover(Context* context,
                                                              const pb::Signed* request,
                                                              pb::Signed* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=](Shard& shard) {
    // Only what is durable is certified.
    shard.WhenDurable(
        [=, certificate = shard.CertifyCutover(*request)](const absl::Status& status) {
          Finish(reactor, status.ok() ? certificate : absl::StatusOr<pb::Signed>(status), response);
        });
  });
}

grpc::ServerUnaryReactor* VerificationService::ListInFlight(Context* context,
                                                            const pb::ListInFlightRequest* request,
                                                            pb::InFlightPage* response) {
  Reactor* const reactor = context->DefaultReactor();
  return Run(reactor, [=](Shard& shard) {
    shard.WhenDurable([=, page = shard.ListInFlight(*request)](const absl::Status& status) {
      Finish(reactor, status.ok() ? page : absl::StatusOr<pb::InFlightPage>(status), response);
    });
  });
}

}  // namespace ledger
