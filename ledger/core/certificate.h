#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "base/signing.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "hamisha/ledger/v1/verification.pb.h"
#include "ledger/core/ownership.h"
#include "ledger/core/state_machine.h"

namespace ledger {

// The keys that certificates of a shard are checked against: node id → 32 bytes.
using MemberKeys = std::map<std::string, std::string>;

namespace pb = ::hamisha::ledger::v1;

pb::Signed SignSeal(const pb::SealStatement& statement, const base::SigningKey& key);
pb::Signed SignRefusal(const pb::RefusalStatement& statement, const base::SigningKey& key);
pb::Signed SignCutover(const pb::CutoverStatement& statement, const std::string& signer,
                       const base::SigningKey& key);

// The statement of a certificate for `shard`: signed by the member that it says sealed (refused),
// all fields there and well-formed. UNAUTHENTICATED or INVALID_ARGUMENT says what is wrong.
absl::StatusOr<pb::SealStatement> VerifySeal(const pb::Signed& certificate, uint32_t shard,
                                             const MemberKeys& keys);
absl::StatusOr<pb::RefusalStatement> VerifyRefusal(const pb::Signed& certificate, uint32_t shard,
                                                   const MemberKeys& keys);

// Signed by the owner or the successor that it names.
absl::StatusOr<pb::CutoverStatement> VerifyCutover(const pb::Signed& certificate,
                                                   const MemberKeys& keys);

// Only of statements that were verified.
SealFacts ToFacts(const pb::SealStatement& statement);
RefusalFacts ToFacts(const pb::RefusalStatement& statement);

pb::Invariants ToProto(const Totals& totals);

// What a cutover's statement has of a seal's; the rest is left empty.
pb::CutoverStatement ToCutover(const pb::SealStatement& seal);

// In words what differs first between what was certified and what was found: position, log hash,
// counts, sums, state root; "" when nothing does.
std::string FirstDifference(const pb::SealStatement& certified, const pb::SealStatement& found);

// The same for two statements of one cutover.
std::string CutoverDifference(const pb::CutoverStatement& one, const pb::CutoverStatement& other);

}  // namespace ledger
