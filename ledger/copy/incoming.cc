#include "ledger/copy/incoming.h"

#include <random>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "ledger/storage/small_file.h"
#include "ledger/storage/snapshot.h"

namespace ledger {
namespace {

constexpr int kFilesMax = 100'000;

// The name of a file without a way to elsewhere.
bool IsPlain(absl::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool is_plain = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') ||
                          ('0' <= c && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!is_plain) return false;
  }
  return true;
}

bool IsExpected(absl::string_view name) {
  for (const absl::string_view folder : {"snapshots/", "history/runs/", "history/filters/"}) {
    if (absl::StartsWith(name, folder)) return IsPlain(absl::StripPrefix(name, folder));
  }
  return false;
}

std::string CopyIdOfChance() {
  std::random_device random;
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad8), "-",
                      absl::Hex(random(), absl::kZeroPad8));
}

}  // namespace

absl::Status CheckManifest(const pb::CopyManifest& manifest, uint32_t shard) {
  const std::string what = absl::StrCat("the copy that the source offers, of record ",
                                        manifest.position(), " of shard ", manifest.shard());
  if (manifest.shard() != shard || manifest.position() == 0 || manifest.log_hash().size() != 32) {
    return absl::InvalidArgumentError(what + ", cannot be one of this shard's");
  }
  if (manifest.files_size() > kFilesMax)
    return absl::InvalidArgumentError(what + ": too many files");
  std::set<std::string> names;
  bool has_snapshot = false;
  for (const pb::CopyFile& file : manifest.files()) {
    if (!IsExpected(file.name()) || !names.insert(file.name()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " has a file '", file.name(), "', which it should not"));
    }
    const bool is_snapshot = absl::StartsWith(file.name(), "snapshots/");
    if (is_snapshot && file.name() != absl::StrCat("snapshots/", manifest.position())) {
      return absl::InvalidArgumentError(absl::StrCat(what, " has a snapshot ", file.name()));
    }
    has_snapshot = has_snapshot || is_snapshot;
  }
  return has_snapshot ? absl::OkStatus() : absl::InvalidArgumentError(what + " has no snapshot");
}

Incoming::Incoming(base::FileSystem& files, std::string data_dir)
    : files_(files), data_dir_(std::move(data_dir)), folder_(data_dir_ + "/incoming") {}

absl::StatusOr<std::unique_ptr<Incoming>> Incoming::Open(base::FileSystem& files,
                                                         const std::string& data_dir,
                                                         const std::string& source) {
  std::unique_ptr<Incoming> incoming(new Incoming(files, data_dir));
  const auto content = LoadChecked(files, incoming->folder_ + "/progress");
  const bool is_known = content.ok() && incoming->state_.ParseFromString(*content) &&
                        incoming->state_.source() == source;
  if (!is_known) RETURN_IF_ERROR(incoming->BeginAnew(source));
  return incoming;
}

absl::Status Incoming::BeginAnew(const std::string& source) {
  RETURN_IF_ERROR(Discard());
  state_.Clear();
  state_.set_source(source);
  state_.mutable_manifest()->set_copy_id(CopyIdOfChance());
  RETURN_IF_ERROR(files_.CreateFolders(folder_));
  RETURN_IF_ERROR(files_.SyncFolder(data_dir_));
  return SaveState();
}

absl::Status Incoming::Discard() {
  opened_.reset();
  return files_.RemoveAll(folder_);
}

std::string Incoming::PathOf(const pb::CopyFile& file) const {
  return absl::StrCat(folder_, "/", file.name());
}

absl::Status Incoming::Accept(const pb::CopyManifest& manifest, uint64_t sent_bytes) {
  if (state_.manifest().SerializeAsString() != manifest.SerializeAsString()) {
    const std::string source = state_.source();
    if (state_.manifest().files_size() > 0) RETURN_IF_ERROR(BeginAnew(source));
    *state_.mutable_manifest() = manifest;
    RETURN_IF_ERROR(MakeFiles());
  } else {
    const uint64_t durable = Plan().durable_bytes();
    state_.set_sent_again_bytes(SentAgain(sent_bytes, durable));
    state_.set_done_bytes(durable);
  }
  state_.set_sent_bytes(sent_bytes);
  RETURN_IF_ERROR(SaveState());
  std::vector<std::string> paths;
  for (const pb::CopyFile& file : state_.manifest().files()) paths.push_back(PathOf(file));
  opened_ = std::make_unique<PieceFiles>(files_, std::move(paths));
  return absl::OkStatus();
}

uint64_t Incoming::SentAgain(uint64_t sent_bytes, uint64_t durable_bytes) const {
  // What a source sent before it was restarted it does not know any more.
  const uint64_t sent = sent_bytes - std::min(sent_bytes, state_.sent_bytes());
  const uint64_t came = durable_bytes - std::min(durable_bytes, state_.done_bytes());
  return state_.sent_again_bytes() + sent - std::min(sent, came);
}

absl::Status Incoming::MakeFiles() {
  const std::vector<std::string> folders = {"/snapshots", "/history", "/history/runs",
                                            "/history/filters"};
  for (const std::string& name : folders) {
    RETURN_IF_ERROR(files_.CreateFolders(absl::StrCat(folder_, name)));
  }
  for (const pb::CopyFile& file : state_.manifest().files()) {
    ASSIGN_OR_RETURN(const std::unique_ptr<base::File> made, files_.Open(PathOf(file)));
    // All of it, so that a disk that is too small is met before anything was sent.
    if (file.bytes() > 0) RETURN_IF_ERROR(made->Preallocate(file.bytes()));
    RETURN_IF_ERROR(made->Sync());
  }
  for (const std::string& name : folders) {
    RETURN_IF_ERROR(files_.SyncFolder(absl::StrCat(folder_, name)));
  }
  return files_.SyncFolder(folder_);
}

PiecePlan Incoming::Plan() const {
  PiecePlan plan(state_.manifest());
  plan.Restore(state_.pieces());
  return plan;
}

absl::Status Incoming::Write(const Piece& piece, const AlignedBuffer& buffer) {
  return opened_->Write(piece, buffer);
}

absl::Status Incoming::Save(const std::vector<Piece>& written, std::string bits) {
  RETURN_IF_ERROR(saved_);
  std::set<uint32_t> touched;
  for (const Piece& piece : written) touched.insert(piece.file);
  saved_ = opened_->Sync(touched);
  RETURN_IF_ERROR(saved_);
  state_.set_pieces(std::move(bits));
  saved_ = SaveState();
  return saved_;
}

absl::Status Incoming::SaveState() {
  return SaveChecked(files_, folder_ + "/progress", state_.SerializeAsString());
}

absl::Status Incoming::CheckSnapshot(const std::atomic<bool>& cancelled) const {
  const pb::CopyManifest& manifest = state_.manifest();
  ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotReader> reader,
                   SnapshotReader::Open(files_, folder_ + "/snapshots", manifest.position()));
  if (base::AsBytes(reader->facts().log_hash) != absl::string_view(manifest.log_hash()) ||
      reader->facts().shard != manifest.shard()) {
    return absl::DataLossError("the snapshot that came is of another log than was said");
  }
  while (!cancelled) {
    ASSIGN_OR_RETURN(const SnapshotReader::Chunk* const chunk, reader->Next());
    if (chunk == nullptr) return absl::OkStatus();
  }
  return absl::CancelledError("told to follow another way");
}

absl::Status Incoming::MarkWhole() {
  opened_.reset();
  return SaveChecked(files_, folder_ + "/whole", state_.manifest().SerializeAsString());
}

}  // namespace ledger
