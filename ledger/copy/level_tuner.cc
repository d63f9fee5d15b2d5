#include "ledger/copy/level_tuner.h"

#include <algorithm>

#include "ledger/copy/piece_codec.h"

namespace ledger {
namespace {

constexpr int kPieces = 16;
constexpr absl::Duration kTime = absl::Milliseconds(200);
constexpr double kStoodStill = 0.5;  // Between two pieces, of the time between two decisions.
constexpr double kGain = 1.05;       // What a higher level must give to be kept.
constexpr int kRestMax = 64;
// A core compresses no faster: trying it costs more than any link so fast would give back.
constexpr double kFasterThanCompressing = 400e6;

}  // namespace

void LevelTuner::Note(const Sent& sent, absl::Duration now) {
  if (since_ == -absl::InfiniteDuration()) since_ = last_ = now - sent.compressing - sent.waiting;
  ++pieces_;
  raw_bytes_ += sent.raw_bytes;
  compressing_ += sent.compressing;
  // What it waited before is the last decision's.
  waiting_ += std::min(sent.waiting, now - since_);
  longest_pause_ = std::max(longest_pause_, now - last_);
  last_ = now;
  if (pieces_ < kPieces || now - since_ < kTime) return;
  // A link that stood still has not become slow.
  if (longest_pause_ < kStoodStill * (now - since_)) {
    Decide(static_cast<double>(raw_bytes_) / absl::ToDoubleSeconds(now - since_));
  }
  since_ = now;
  pieces_ = 0;
  raw_bytes_ = 0;
  compressing_ = waiting_ = longest_pause_ = absl::ZeroDuration();
}

void LevelTuner::Decide(double bytes_per_s) {
  if (is_trying_) {
    is_trying_ = false;
    if (bytes_per_s < kGain * before_) {
      --level_;
      rest_ = rest_next_;
      rest_next_ = std::min(2 * rest_next_, kRestMax);
      return;
    }
    rest_next_ = 1;
  }
  if (level_ > 0 && compressing_ > 2 * waiting_) {
    --level_;
    rest_ = rest_next_;
    return;
  }
  if (rest_ > 0) {
    --rest_;
    return;
  }
  if (level_ == PieceEncoder::kLevelMax || waiting_ <= compressing_) return;
  if (level_ == 0 && bytes_per_s > kFasterThanCompressing) return;
  ++level_;
  is_trying_ = true;
  before_ = bytes_per_s;
}

}  // namespace ledger
