#include "orchestrator/engine/certificates.h"

#include <algorithm>
#include <optional>

#include "hamisha/ledger/v1/verification.pb.h"
#include "orchestrator/engine/cutovers.h"

namespace orchestrator {
namespace {

using hamisha::ledger::v1::Signed;

std::optional<uint32_t> ShardOf(const Signed& certificate) {
  if (certificate.type() == "hamisha.seal.v1") {
    hamisha::ledger::v1::SealStatement seal;
    if (seal.ParseFromString(certificate.payload())) return seal.shard();
  }
  if (certificate.type() == "hamisha.refusal.v1") {
    hamisha::ledger::v1::RefusalStatement refusal;
    if (refusal.ParseFromString(certificate.payload())) return refusal.shard();
  }
  if (certificate.type() == "hamisha.cutover.v1") {
    hamisha::ledger::v1::CutoverStatement cutover;
    if (cutover.ParseFromString(certificate.payload())) return cutover.shard();
  }
  return std::nullopt;
}

bool Equal(const Signed& a, const Signed& b) {
  return a.type() == b.type() && a.payload() == b.payload() && a.signer() == b.signer() &&
         a.signature() == b.signature();
}

}  // namespace

void Certificates::Add(const Signed& certificate) {
  const std::optional<uint32_t> shard = ShardOf(certificate);
  if (!shard.has_value()) return;
  std::vector<Signed>& known = by_shard_[*shard];
  const bool there = std::any_of(known.begin(), known.end(),
                                 [&](const Signed& other) { return Equal(certificate, other); });
  if (!there) known.push_back(certificate);
}

std::string Certificates::Contradiction(const Signed& certificate) const {
  const std::optional<uint32_t> shard = ShardOf(certificate);
  if (!shard.has_value()) return "";
  for (const Signed& other : OfShard(*shard)) {
    std::string found = CutoverContradiction(other, certificate);
    if (!found.empty()) return found;
  }
  return "";
}

const std::vector<Signed>& Certificates::OfShard(uint32_t shard) const {
  static const auto& none = *new std::vector<Signed>;
  const auto found = by_shard_.find(shard);
  return found == by_shard_.end() ? none : found->second;
}

std::vector<Signed> Certificates::All() const {
  std::vector<Signed> all;
  for (const auto& [shard, certificates] : by_shard_) {
    all.insert(all.end(), certificates.begin(), certificates.end());
  }
  return all;
}

}  // namespace orchestrator
