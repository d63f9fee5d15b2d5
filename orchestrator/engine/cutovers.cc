#include "orchestrator/engine/cutovers.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "hamisha/ledger/v1/verification.pb.h"

namespace orchestrator {
namespace {

using hamisha::ledger::v1::CutoverStatement;
using hamisha::ledger::v1::Signed;

std::optional<CutoverStatement> StatementOf(const Signed& certificate) {
  CutoverStatement statement;
  if (certificate.type() != "hamisha.cutover.v1" ||
      !statement.ParseFromString(certificate.payload())) {
    return std::nullopt;
  }
  return statement;
}

std::string Both(const char* what, const std::string& one, const std::string& other) {
  return absl::StrCat(what, " ", one, " and ", other);
}

std::string Both(const char* what, uint64_t one, uint64_t other) {
  return Both(what, absl::StrCat(one), absl::StrCat(other));
}

// What differs first.
std::string DifferenceOf(const CutoverStatement& one, const CutoverStatement& other) {
  if (one.position() != other.position()) {
    return Both("position", one.position(), other.position());
  }
  if (one.log_hash() != other.log_hash()) {
    return Both("log hash", base::ToHex(one.log_hash()), base::ToHex(other.log_hash()));
  }
  if (one.state_root() != other.state_root()) {
    return Both("state root", base::ToHex(one.state_root()), base::ToHex(other.state_root()));
  }
  if (one.challenge().position() != other.challenge().position()) {
    return Both("challenge at position", one.challenge().position(), other.challenge().position());
  }
  if (one.challenge().digest() != other.challenge().digest()) {
    return Both("challenge's digest", base::ToHex(one.challenge().digest()),
                base::ToHex(other.challenge().digest()));
  }
  if (one.in_flight().pendings() != other.in_flight().pendings()) {
    return Both("open pending transfers", one.in_flight().pendings(), other.in_flight().pendings());
  }
  return "sums, names, times or what is listed of pending transfers";
}

}  // namespace

std::string CutoverContradiction(const Signed& one, const Signed& other) {
  const auto first = StatementOf(one);
  const auto second = StatementOf(other);
  if (!first || !second || one.payload() == other.payload()) return "";
  if (first->shard() != second->shard() || first->epoch() != second->epoch()) return "";
  return absl::StrCat("shard ", first->shard(), ", epoch ", first->epoch(), ": '", one.signer(),
                      "' and '", other.signer(),
                      "' do not certify the same cutover: ", DifferenceOf(*first, *second));
}

std::vector<std::string> CutoverContradictions(const std::vector<Signed>& certificates) {
  std::map<std::pair<uint32_t, uint64_t>, const Signed*> firsts;
  std::vector<std::string> found;
  for (const Signed& certificate : certificates) {
    const auto statement = StatementOf(certificate);
    if (!statement) continue;
    const auto [first, is_first] =
        firsts.try_emplace({statement->shard(), statement->epoch()}, &certificate);
    std::string contradiction = CutoverContradiction(*first->second, certificate);
    if (!contradiction.empty()) found.push_back(std::move(contradiction));
  }
  return found;
}

}  // namespace orchestrator
