// Certificates without their signatures.
#pragma once

#include <optional>
#include <string>

#include "hamisha/ledger/v1/node.pb.h"

namespace simulation {

hamisha::ledger::v1::Signed Sign(const hamisha::ledger::v1::SealStatement& statement,
                                 const std::string& signer);
hamisha::ledger::v1::Signed Sign(const hamisha::ledger::v1::RefusalStatement& statement,
                                 const std::string& signer);

// Nothing when it is another kind of certificate, or of another shard.
std::optional<hamisha::ledger::v1::SealStatement> ReadSeal(
    const hamisha::ledger::v1::Signed& certificate, uint32_t shard);
std::optional<hamisha::ledger::v1::RefusalStatement> ReadRefusal(
    const hamisha::ledger::v1::Signed& certificate, uint32_t shard);

}  // namespace simulation
