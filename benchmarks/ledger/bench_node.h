#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/common/folder.h"
#include "ledger/node/node.h"

namespace benchmarks {

// A ledger node in this program, with a folder of its own on the disk that is measured.
class BenchNode {
 public:
  static absl::StatusOr<std::unique_ptr<BenchNode>> Start(const std::string& parent,
                                                          bool has_checkpoints = true);

  const std::string& address() const { return node_->address(); }
  // Accounts 1 to `count` without limits. May be called again with more: those are created.
  absl::Status CreateAccounts(uint64_t count);
  // How many transfers it holds.
  absl::StatusOr<uint64_t> Transfers() const;
  // What the folder takes of the disk, also what is reserved there.
  uint64_t DiskBytes() const;
  // Takes a snapshot: its bytes.
  absl::StatusOr<uint64_t> TakeSnapshot() const;
  // Stops it and starts it again: the seconds until it serves again.
  absl::StatusOr<double> Restart();

 private:
  explicit BenchNode(std::unique_ptr<Folder> folder) : folder_(std::move(folder)) {}
  absl::Status Prepare();
  absl::Status Launch();

  const std::unique_ptr<Folder> folder_;
  ledger::NodeOptions options_;
  std::unique_ptr<ledger::LedgerNode> node_;
  uint64_t accounts_ = 0;
};

}  // namespace benchmarks
