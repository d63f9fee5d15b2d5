// Shard: challenges of its state, and what follows when it differs from another's.
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/node/shard.h"

namespace ledger {

void Shard::SetOnChallenge(std::function<void(ChallengedState)> on_challenge) {
  on_challenge_ = std::move(on_challenge);
}

void Shard::StartChallenge(const base::Hash256& nonce, bool keeps_tree, Answer<uint64_t> answer) {
  const absl::StatusOr<uint64_t> position = AppendCheckpoint(nonce);
  if (!position.ok()) return answer(position.status());
  if (keeps_tree) tree_wanted_at_ = *position;
  WhenDurable([position, answer = std::move(answer)](const absl::Status& status) {
    status.ok() ? answer(position) : answer(status);
  });
}

bool Shard::KeepsTree(const Record& checkpoint) const {
  return checkpoint.checkpoint().nonce != base::Hash256{} &&
         (is_searching_ || checkpoint.position == tree_wanted_at_);
}

void Shard::BeginChallenge(const Record& checkpoint, std::shared_ptr<KeptTree> tree) {
  const base::Hash256 nonce = checkpoint.checkpoint().nonce;
  if (nonce == base::Hash256{}) return;
  logged_challenge_.set_position(checkpoint.position);
  logged_challenge_.set_nonce(std::string(base::AsBytes(nonce)));
  if (!on_challenge_) return;
  begun_challenge_ = checkpoint.position;
  on_challenge_({.position = checkpoint.position,
                 .nonce = nonce,
                 .log_hash = checkpoint.hash,
                 .image = state_.Freeze(),
                 .tree = std::move(tree)});
}

void Shard::ChallengeDone(const pb::CutoverChallenge& challenge) {
  if (challenge.position() <= newest_challenge_.position()) return;
  newest_challenge_ = challenge;
  SaveLater([files = options_.files, text = challenge.SerializeAsString()] {
    return files->SaveChallenge(text);
  });
  for (auto& [position, cutover] : cutovers_) FillChallenge(cutover);
  // Not while nobody may write: the Open that ends this saves them.
  if (last_ && last_->kind != RecordKind::kSeal) SaveCutovers();
}

// --- When the states differ ---

void Shard::SetOnDifference(std::function<void(const std::string&)> on_difference) {
  on_difference_ = std::move(on_difference);
}

void Shard::Searched(const absl::Status& status) {
  is_searching_ = false;
  if (difference_.ok()) return;
  const std::string found = !distrust_.empty() ? distrust_
                            : status.ok()      ? "the rows are equal again"
                                          : absl::StrCat("where is not known: ", status.message());
  difference_ = absl::DataLossError(absl::StrCat(difference_.message(), ". Searched: ", found));
}

std::string Shard::Fault() const {
  if (difference_.ok()) return distrust_;
  if (!is_searching_ || distrust_.empty()) return std::string(difference_.message());
  return absl::StrCat(difference_.message(), ". Found so far: ", distrust_);
}

absl::Status Shard::CheckTrusted(const SealFacts& seal) const {
  if (!difference_.ok() || distrust_.empty()) return difference_;
  return absl::DataLossError(absl::StrCat("this node must not open: ", distrust_,
                                          ". Refuse on it and unseal '", seal.owner,
                                          "'; set this node up anew"));
}

}  // namespace ledger
