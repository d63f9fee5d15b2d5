#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file_system.h"

namespace ledger {

// The content of a small file with a checksum in front (ledger/FORMAT.md, "Small files"); "" when
// there is none, DATA_LOSS naming the file when it is damaged, with what to do then: for most files
// that is a new node.
inline constexpr absl::string_view kSetUpNewNode =
    "do not start this node again: set up a new node id and let it follow another node of the "
    "shard";
absl::StatusOr<std::string> LoadChecked(base::FileSystem& files, const std::string& path,
                                        absl::string_view advice = kSetUpNewNode);
// Replaces it, durably and as a whole.
absl::Status SaveChecked(base::FileSystem& files, const std::string& path,
                         absl::string_view content);

// Small facts of a node that are not in its log, each a file of its own in the data folder:
// replaced as a whole, durably, with a checksum (ledger/FORMAT.md, "Small files"). Loading gives
// the empty value when there is no file, and DATA_LOSS naming the file when it is damaged.
class SmallFiles {
 public:
  // `files` must outlive it.
  SmallFiles(base::FileSystem& files, std::string folder)
      : files_(files), folder_(std::move(folder)) {}

  // The epochs that this node has refused. Loading makes them durable once more.
  absl::StatusOr<std::vector<uint64_t>> LoadRefusals();
  absl::Status SaveRefusals(const std::vector<uint64_t>& epochs);

  // The node that is followed; "" for none.
  absl::StatusOr<std::string> LoadFollowing();
  absl::Status SaveFollowing(absl::string_view node_id);

  // The newest seal certificate received from another node, serialized; "" for none.
  absl::StatusOr<std::string> LoadCertificate();
  absl::Status SaveCertificate(absl::string_view certificate);

  // The newest challenge that this node answered, serialized; "" for none.
  absl::StatusOr<std::string> LoadChallenge();
  absl::Status SaveChallenge(absl::string_view challenge);

  // What is certified of the newest cutovers, serialized; "" for nothing.
  absl::StatusOr<std::string> LoadCutovers();
  absl::Status SaveCutovers(absl::string_view cutovers);

  // Up to when a history that came as a copy holds transfers, which the log may have yet to get; 0
  // for none.
  absl::StatusOr<uint64_t> LoadCopiedHistory();
  absl::Status SaveCopiedHistory(uint64_t until_ns);

 private:
  absl::StatusOr<std::string> Load(absl::string_view name);
  absl::Status Save(absl::string_view name, absl::string_view content);

  base::FileSystem& files_;
  const std::string folder_;
};

}  // namespace ledger
