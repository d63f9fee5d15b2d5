#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/copy.pb.h"
#include "ledger/copy/piece_files.h"
#include "ledger/copy/piece_plan.h"

namespace ledger {

// INVALID_ARGUMENT when it is not what this program can take for `shard`: a name that leads
// elsewhere, no snapshot of its position.
absl::Status CheckManifest(const pb::CopyManifest& manifest, uint32_t shard);

// A copy that is coming in, in DATA_DIR/incoming: its files, and which pieces of them are there. A
// crash at any point loses at most what was not saved. Only Write() may be called by several
// threads, each with its own pieces.
class Incoming {
 public:
  // What there is from `source`; without it a beginning under an id of chance. `files` must outlive
  // it.
  static absl::StatusOr<std::unique_ptr<Incoming>> Open(base::FileSystem& files,
                                                        const std::string& data_dir,
                                                        const std::string& source);

  const std::string& copy_id() const { return state_.manifest().copy_id(); }
  const pb::IncomingCopy& state() const { return state_; }

  // What the source keeps under our id, checked, and how much it has sent. Begins anew when it is
  // not what the pieces that are there are of. Durable.
  absl::Status Accept(const pb::CopyManifest& manifest, uint64_t sent_bytes);
  // How much more the source has sent than came, when it has sent so much.
  uint64_t SentAgain(uint64_t sent_bytes, uint64_t durable_bytes) const;

  // Of what was accepted. For its user to keep.
  PiecePlan Plan() const;
  absl::Status Write(const Piece& piece, const AlignedBuffer& buffer);
  // Syncs the files of the pieces that were written since, then records the bits of all. After an
  // error nothing is recorded any more: what was written since may be lost, whatever a later sync
  // says, and has to come again.
  absl::Status Save(const std::vector<Piece>& written, std::string bits);

  // All pieces are there. DATA_LOSS when the snapshot is not what its checksums say; CANCELLED soon
  // after `cancelled` is set.
  absl::Status CheckSnapshot(const std::atomic<bool>& cancelled) const;
  // From now on the copy is the node's data at its next start: FinishCopy(). Durable.
  absl::Status MarkWhole();
  // Nothing of it is wanted.
  absl::Status Discard();

 private:
  Incoming(base::FileSystem& files, std::string data_dir);
  std::string PathOf(const pb::CopyFile& file) const;
  absl::Status BeginAnew(const std::string& source);
  absl::Status MakeFiles();
  absl::Status SaveState();

  base::FileSystem& files_;
  const std::string data_dir_;
  const std::string folder_;
  pb::IncomingCopy state_;
  std::unique_ptr<PieceFiles> opened_;  // Of what was accepted.
  absl::Status saved_;                  // The first error of Save().
};

}  // namespace ledger
