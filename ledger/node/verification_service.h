#pragma once

#include "hamisha/ledger/v1/verification.grpc.pb.h"
#include "ledger/node/challenger.h"
#include "ledger/node/verifier.h"
#include "ledger/node/writer.h"

namespace ledger {

// hamisha/ledger/v1/verification.proto. All that it is given must outlive it.
class VerificationService final : public pb::Verification::CallbackService {
 public:
  VerificationService(Writer& writer, Challenger& challenger, Verifier& verifier)
      : writer_(writer), challenger_(challenger), verifier_(verifier) {}

  using Reactor = grpc::ServerUnaryReactor;
  using Context = grpc::CallbackServerContext;
  Reactor* VerifyAgainst(Context* context, const pb::VerifyAgainstRequest* request,
                         pb::VerifyAgainstResponse* response) override;
  Reactor* Challenge(Context* context, const pb::ChallengeRequest* request,
                     pb::ChallengeStarted* response) override;
  Reactor* GetChallenge(Context* context, const pb::GetChallengeRequest* request,
                        pb::ChallengeState* response) override;
  Reactor* ReadImage(Context* context, const pb::ReadImageRequest* request,
                     pb::ImagePart* response) override;
  Reactor* CertifyCutover(Context* context, const pb::Signed* request,
                          pb::Signed* response) override;
  Reactor* ListInFlight(Context* context, const pb::ListInFlightRequest* request,
                        pb::InFlightPage* response) override;

 private:
  Reactor* Run(Reactor* reactor, Writer::Task task);

  Writer& writer_;
  Challenger& challenger_;
  Verifier& verifier_;
};

}  // namespace ledger
