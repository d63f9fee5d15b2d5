#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "base/signing.h"
#include "hamisha/ledger/v1/node.pb.h"
#include "ledger/core/certificate.h"

namespace ledger {

// INVALID_ARGUMENT names the file and what is wrong with it.
absl::StatusOr<pb::NodeConfig> ReadConfig(base::FileSystem& files, const std::string& path);

// The members' keys of a configuration in which all that a node relies on holds.
absl::StatusOr<MemberKeys> CheckConfig(const pb::NodeConfig& config);

// Creates DATA_DIR/key.pem, or leaves the one that is there: the public key, 64 hexadecimal digits.
absl::StatusOr<std::string> CreateKey(base::FileSystem& files, const std::string& data_dir);

// The node's key. FAILED_PRECONDITION when it is not the one that the members list for the node.
absl::StatusOr<base::SigningKey> LoadKey(base::FileSystem& files, const pb::NodeConfig& config,
                                         const MemberKeys& keys);

}  // namespace ledger
