// ledger.challenge, ledger.certify.
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agents/drivers/ledger/drivers.h"
#include "agents/drivers/ledger/node_control.h"
#include "agents/runtime/call.h"
#include "base/hash.h"
#include "hamisha/action/v1/ledger.pb.h"

namespace agents {
namespace {

namespace action = ::hamisha::action::v1;
using Result = ::hamisha::agent::v1::OrderResult;

constexpr absl::Duration kPollPause = absl::Milliseconds(50);
constexpr absl::Duration kAnswerPause = absl::Seconds(1);

double ToSeconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + 1e-9 * duration.nanos();
}

class ChallengeDriver final : public ActionDriver<action::LedgerChallenge> {
 public:
  ChallengeDriver(NodeStub node, VerificationStub verification)
      : node_(std::move(node)), verification_(std::move(verification)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerChallenge& challenge) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    const auto against = NodeOnSite(order.order(), status->shard(), challenge.against());
    if (!against.ok()) return Failed(against.status().message());
    return Succeeded(absl::StrCat("would hash all state of ", status->node_id(), " and ", *against,
                                  " from scratch; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerChallenge& challenge) override {
    const auto self = SelfOf(node_, order);
    if (!self.ok()) return ReadError("asking the ledger node", self.status());
    const auto against = NodeOnSite(order.order(), self->shard, challenge.against());
    if (!against.ok()) return Failed(against.status().message());
    if (*against == self->node_id) {
      return Failed(absl::StrCat(*against,
                                 " cannot be compared with itself: correct `hosts` or "
                                 "`against`"));
    }
    const auto verified = Verify(order, *against);
    const std::string shard = absl::StrCat("shard ", self->shard);
    if (verified.ok()) return Judge(*self, *verified);
    Result result = ReadError(absl::StrCat("challenging ", shard), verified.status());
    // It may have been found meanwhile, by the state roots in the log.
    const auto status = StatusOnce(node_, order);
    result.set_mismatch(status.ok() && status->state_differs());
    return result;
  }

  // Comparing changes nothing.
  Result Probe(OrderContext& order, const action::LedgerChallenge& challenge) override {
    return Apply(order, challenge);
  }

 private:
  // Again while another comparison is under way.
  absl::StatusOr<ledger_pb::VerifyAgainstResponse> Verify(OrderContext& order,
                                                          const std::string& against) {
    while (true) {
      ledger_pb::VerifyAgainstRequest request;
      request.set_node_id(against);
      // The node gives up first, and says why.
      const absl::Duration limit = std::max(order.Remaining() - kAnswerPause, kAnswerPause);
      request.mutable_timeout()->set_seconds(absl::ToInt64Seconds(limit));
      auto verified = CallUntilAnswered<ledger_pb::VerifyAgainstResponse>(
          order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
            return verification_->VerifyAgainst(client, request, response);
          });
      if (verified.ok() || !absl::IsAborted(verified.status())) return verified;
      if (!order.Wait(kPollPause)) return verified;
    }
  }

  static Result Judge(const NodeName& self, const ledger_pb::VerifyAgainstResponse& verified) {
    const ledger_pb::ChallengeState& here = verified.here();
    const std::string where =
        absl::StrCat("shard ", self.shard, " at position ", WithThousands(here.position()), ": ");
    Result result =
        verified.equal()
            ? Succeeded(absl::StrCat(
                  where, "all state hashed from scratch on both sides is equal, ",
                  WithThousands(here.facts().accounts()), " accounts, ",
                  WithThousands(here.facts().open_pendings()), " open pending transfers"))
            : Failed(absl::StrCat(where, verified.difference(),
                                  ". One of the two is damaged: do not open this replica; find out "
                                  "which by its log (hamisha-ledger replay) and build it anew"));
    result.set_mismatch(!verified.equal());
    auto& facts = *result.mutable_facts();
    facts["shard"] = absl::StrCat(self.shard);
    facts["position"] = absl::StrCat(here.position());
    facts["nonce"] = base::ToHex(absl::string_view(here.nonce()));
    facts["digest"] = base::ToHex(absl::string_view(here.digest()));
    facts["digest_there"] = base::ToHex(absl::string_view(verified.there().digest()));
    facts["hashing_s"] = absl::StrCat(ToSeconds(verified.hashing()));
    if (!verified.equal()) facts["search_s"] = absl::StrCat(ToSeconds(verified.search()));
    return result;
  }

  const NodeStub node_;
  const VerificationStub verification_;
};

class CertifyDriver final : public ActionDriver<action::LedgerCertify> {
 public:
  CertifyDriver(NodeStub node, VerificationStub verification)
      : node_(std::move(node)), verification_(std::move(verification)) {}

 protected:
  Result Check(OrderContext& order, const action::LedgerCertify& /*certify*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    return Succeeded(
        absl::StrCat("would certify what was found at the sealed position; ", Describe(*status)));
  }

  Result Apply(OrderContext& order, const action::LedgerCertify& /*certify*/) override {
    const auto status = StatusOf(node_, order);
    if (!status.ok()) return ReadError("asking the ledger node", status.status());
    const auto seal = NewestSeal(order.order(), *status);
    if (!seal.has_value()) {
      return Failed("nothing to certify: no seal certificate names this node");
    }
    const auto certified = CallUntilAnswered<ledger_pb::Signed>(
        order, OrderContext::EndsOn::kCancel, [&](auto* client, auto* response) {
          return verification_->CertifyCutover(client, *seal, response);
        });
    if (!certified.ok()) {
      Result result = ReadError(absl::StrCat("certifying the cutover of shard ", status->shard()),
                                certified.status());
      // Its log or its state is another than what was sealed.
      result.set_mismatch(absl::IsDataLoss(certified.status()));
      return result;
    }
    return Tell(*certified);
  }

  // Certifying changes nothing.
  Result Probe(OrderContext& order, const action::LedgerCertify& certify) override {
    return Apply(order, certify);
  }

 private:
  // That this node made or that names it.
  static std::optional<ledger_pb::Signed> NewestSeal(const hamisha::agent::v1::Order& order,
                                                     const ledger_pb::NodeStatus& status) {
    std::optional<ledger_pb::Signed> newest;
    uint64_t newest_epoch = 0;
    const auto look = [&](const ledger_pb::Signed& certificate) {
      ledger_pb::SealStatement seal;
      if (certificate.type() != "hamisha.seal.v1" || !seal.ParseFromString(certificate.payload())) {
        return;
      }
      const bool is_ours = seal.shard() == status.shard() && (seal.owner() == status.node_id() ||
                                                              seal.successor() == status.node_id());
      if (!is_ours || seal.epoch() <= newest_epoch) return;
      newest = certificate;
      newest_epoch = seal.epoch();
    };
    for (const ledger_pb::Signed& certificate : order.certificates()) look(certificate);
    for (const ledger_pb::Signed& certificate : status.certificates()) look(certificate);
    return newest;
  }

  static Result Tell(const ledger_pb::Signed& certified) {
    ledger_pb::CutoverStatement statement;
    if (!statement.ParseFromString(certified.payload())) {
      return Failed("what the node certified cannot be read: bring agent and node to one version");
    }
    const ledger_pb::InFlight& in_flight = statement.in_flight();
    const std::string sums =
        absl::StrJoin(in_flight.sums(), " ", [](std::string* out, const auto& sum) {
          absl::StrAppend(out, sum.ledger(), ":", sum.amount());
        });
    Result result =
        Succeeded(absl::StrCat(certified.signer(), " certifies shard ", statement.shard(),
                               " at position ", WithThousands(statement.position()),
                               "; carried across in flight: ", WithThousands(in_flight.pendings()),
                               " open pending transfers"));
    *result.add_certificates() = certified;
    auto& facts = *result.mutable_facts();
    facts["shard"] = absl::StrCat(statement.shard());
    facts["epoch"] = absl::StrCat(statement.epoch());
    facts["position"] = absl::StrCat(statement.position());
    facts["state_root"] = base::ToHex(absl::string_view(statement.state_root()));
    facts["statement_sha256"] = base::ToHex(base::Sha256Of(certified.payload()));
    facts["in_flight"] = absl::StrCat(in_flight.pendings());
    if (!sums.empty()) facts["in_flight_by_currency"] = sums;
    if (statement.challenge().position() != 0) {
      facts["challenge_position"] = absl::StrCat(statement.challenge().position());
      facts["challenge"] = base::ToHex(absl::string_view(statement.challenge().digest()));
    }
    return result;
  }

  const NodeStub node_;
  const VerificationStub verification_;
};

}  // namespace

void AddVerificationDrivers(const NodeStub& node, const VerificationStub& verification,
                            Drivers& drivers) {
  drivers.Add(std::make_unique<ChallengeDriver>(node, verification));
  drivers.Add(std::make_unique<CertifyDriver>(node, verification));
}

}  // namespace agents
