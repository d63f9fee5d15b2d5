// What an auditor needs to check a run's signatures with ssh-keygen alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hamisha/orchestrator/v1/orchestrator.pb.h"

namespace orchestrator {

struct ApprovalFile {
  std::string name;
  std::string content;
};

struct ApprovalFiles {
  // allowed_signers, and of each signed act the statement and the signature.
  std::vector<ApprovalFile> files;
  // For a shell; one for each signature, with status 0 when it is good.
  std::vector<std::string> commands;
};

// `folder` is where the files will be, for the commands. FAILED_PRECONDITION when the run's people
// have a key that is none.
absl::StatusOr<ApprovalFiles> ApprovalFilesOf(const hamisha::orchestrator::v1::RunView& run,
                                              const std::string& folder);

}  // namespace orchestrator
