#include "orchestrator/forecast/simulation.h"

#include <algorithm>

#include "base/invariant.h"

namespace orchestrator {
namespace {

using State = StepPosition::State;

constexpr uint64_t kBatches = Forecaster::kDraws / kBatch;
constexpr Draws kNoTime = {};

// Streams of random numbers: of forward steps their index, and from these on the rest.
constexpr uint64_t kLuckStream = uint64_t{1} << 62;
constexpr uint64_t kBackStream = uint64_t{1} << 61;
constexpr uint64_t kAskStream = uint64_t{1} << 60;
constexpr uint64_t kBackActionsMax = 64;  // Of one step, with streams of their own.

// SplitMix64: a number for each place, so that a draw does not depend on what was drawn before, and
// a later forecast of the same run has the same luck.
uint64_t RandomAt(uint64_t seed, uint64_t stream, uint64_t place) {
  uint64_t x = seed + 0x9e3779b97f4a7c15 * (stream * 4096 + place + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void Add(const Draws& draws, Draws& to) {
  for (size_t i = 0; i < kBatch; ++i) to[i] += draws[i];
}

void KeepLatest(const Draws& draws, Draws& latest) {
  for (size_t i = 0; i < kBatch; ++i) latest[i] = std::max(latest[i], draws[i]);
}

void Append(const Draws& draws, std::vector<float>& to) {
  to.insert(to.end(), draws.begin(), draws.end());
}

// What asking for an outcome takes, on a step that is under way when the run goes back.
const Quantiles& Asking() {
  static const Quantiles quantiles =
      Quantiles::Between(absl::Milliseconds(200), absl::Seconds(2), absl::Seconds(10));
  return quantiles;
}

}  // namespace

Simulation::Simulation(const Forecaster& forecaster, const RunPosition& position, absl::Time now)
    : forecaster_(forecaster),
      plan_(forecaster.plan()),
      position_(position),
      now_(now),
      undos_(plan_.steps.size()),
      ends_(plan_.steps.size()),
      shares_(plan_.steps.size(), 0) {
  INVARIANT(position.steps.size() == plan_.steps.size());
  Prepare();
  PreparePhases();
  PrepareUndos();
}

void Simulation::Prepare() {
  if (position_.window.has_value()) {
    const absl::Duration until = position_.window->start - now_;
    window_begins_ = static_cast<float>(std::max(0.0, absl::ToDoubleSeconds(until)));
  }
  left_.reserve(plan_.steps.size());
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    const StepPosition& at = position_.steps[i];
    const Quantiles& whole = forecaster_.durations().forward[i].quantiles;
    if (at.state == State::kOver) {
      left_.emplace_back();
    } else if (at.state == State::kUnderWay && plan_.steps[i].gate.has_value()) {
      left_.push_back(
          Quantiles::Fixed(std::max(absl::ZeroDuration(), whole.P50() - (now_ - at.begun))));
    } else {
      left_.push_back(at.state == State::kUnderWay ? whole.After(now_ - at.begun) : whole);
    }
  }
  uint32_t groups = 0;
  for (const uint32_t group : forecaster_.needs_group()) groups = std::max(groups, group + 1);
  group_ends_.resize(groups);
  for (uint64_t place = 0; place < Forecaster::kDraws / 8; ++place) {
    uint64_t bits = RandomAt(forecaster_.seed(), kLuckStream, place);
    for (int i = 0; i < 8; ++i, bits >>= 8) {
      luck_.push_back(static_cast<uint8_t>(bits % Quantiles::kCount));
    }
  }
}

void Simulation::PreparePhases() {
  for (const PlannedStep& step : plan_.steps) {
    if (phases_.empty() || phases_.back() != step.phase) phases_.push_back(step.phase);
    phase_of_.push_back(static_cast<uint32_t>(phases_.size() - 1));
  }
  phase_lengths_.resize(phases_.size());
  phase_ends_.resize(phases_.size());
}

// Next are the steps that wait for nothing but what is under way or over. The worst moment ahead is
// the end, or right before the first point of no return: what comes after one is never undone.
void Simulation::PrepareUndos() {
  std::vector<uint8_t> never(plan_.steps.size(), 0);
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    const PlannedStep& step = plan_.steps[i];
    const StepPosition& at = position_.steps[i];
    never[i] = step.point_of_no_return ? 1 : 0;
    bool next = at.state != State::kOver;
    for (const uint32_t need : step.needs) {
      never[i] = never[i] | never[need];
      next = next && position_.steps[need].state != State::kAhead;
    }
    undos_[i].now = at.to_undo;
    undos_[i].next = at.to_undo || (next && never[i] == 0);
    undos_[i].worst = at.to_undo || (at.state != State::kOver && never[i] == 0);
  }
}

void Simulation::Run() {
  for (uint64_t batch = 0; batch < kBatches; ++batch) {
    Forward(batch);
    TakePhases();
    if (batch == 0) FollowCriticalPaths();
    Back(batch);
  }
  for (auto* draws : {&finish_, &back_now_, &back_next_, &back_worst_}) {
    std::sort(draws->begin(), draws->end());
  }
  for (auto* phases : {&phase_lengths_, &phase_ends_}) {
    for (std::vector<float>& draws : *phases) std::sort(draws.begin(), draws.end());
  }
}

void Simulation::Draw(const Quantiles& quantiles, uint64_t stream, uint64_t batch,
                      Draws& out) const {
  const float* const seconds = quantiles.data();
  const uint8_t* const luck = luck_.data() + batch * kBatch;
  for (size_t place = 0; place < kBatch / 8; ++place) {
    uint64_t bits = RandomAt(forecaster_.seed(), stream, batch * (kBatch / 8) + place);
    for (size_t i = place * 8; i < place * 8 + 8; ++i, bits >>= 8) {
      const auto own = static_cast<uint8_t>(bits % Quantiles::kCount);
      const bool shared = (bits & 0xc0) == 0;  // One chance in four.
      out[i] = seconds[shared ? luck[i] : own];
    }
  }
}

const Draws& Simulation::BeginOf(uint32_t step) {
  const std::vector<uint32_t>& needs = plan_.steps[step].needs;
  if (needs.empty()) return kNoTime;
  if (needs.size() == 1) return ends_[needs[0]];
  const uint32_t group = forecaster_.needs_group()[step];
  Draws& latest = group_ends_[group];
  if (group_known_[group] == 0) {
    group_known_[group] = 1;
    latest = ends_[needs[0]];
    for (size_t i = 1; i < needs.size(); ++i) KeepLatest(ends_[needs[i]], latest);
  }
  return latest;
}

void Simulation::Forward(uint64_t batch) {
  group_known_.assign(group_ends_.size(), 0);
  phase_batch_.assign(phases_.size(), kNoTime);
  Draws finish = kNoTime;
  Draws takes;
  for (uint32_t step = 0; step < plan_.steps.size(); ++step) {
    Draws& end = ends_[step];
    if (position_.steps[step].state == State::kOver) {
      end = kNoTime;
      continue;
    }
    end = kNoTime;
    if (position_.steps[step].state == State::kAhead) {
      end = BeginOf(step);
      if (!plan_.steps[step].before_window) {
        for (float& time : end) time = std::max(time, window_begins_);
      }
    }
    Draw(left_[step], step, batch, takes);
    Add(takes, end);
    KeepLatest(end, phase_batch_[phase_of_[step]]);
    KeepLatest(end, finish);
  }
  Append(finish, finish_);
}

// A phase begins when the one before has ended, and not before the window unless it may.
void Simulation::TakePhases() {
  Draws before = kNoTime;
  for (size_t phase = 0; phase < phases_.size(); ++phase) {
    Draws end = phase_batch_[phase];
    KeepLatest(before, end);
    Draws length;
    for (size_t i = 0; i < kBatch; ++i) length[i] = end[i] - before[i];
    Append(length, phase_lengths_[phase]);
    Append(end, phase_ends_[phase]);
    before = end;
  }
}

void Simulation::Back(uint64_t batch) {
  Draws now = kNoTime;
  Draws next = kNoTime;
  Draws worst = kNoTime;
  Draws takes;
  const auto add = [&](const Undo& undo, Basis basis) {
    if (undo.now) Add(takes, now);
    const bool guessed = position_.rehearsal && basis == Basis::kTimeout;
    if (undo.next && !guessed) Add(takes, next);
    if (undo.worst) Add(takes, worst);
  };
  for (uint32_t step = 0; step < plan_.steps.size(); ++step) {
    const Undo& undo = undos_[step];
    if (!undo.worst && !undo.next) continue;
    const std::vector<TakenFrom>& back = forecaster_.durations().back[step];
    const StepPosition& at = position_.steps[step];
    for (size_t i = at.back_done; i < back.size(); ++i) {
      const bool runs = i == at.back_done && at.back_begun < absl::InfiniteFuture();
      Draw(runs ? back[i].quantiles.After(now_ - at.back_begun) : back[i].quantiles,
           kBackStream + step * kBackActionsMax + i, batch, takes);
      add(undo, back[i].basis);
    }
    if (!position_.steps[step].uncertain) continue;
    Draw(Asking(), kAskStream + step, batch, takes);
    add(undo, Basis::kAction);
  }
  Append(now, back_now_);
  Append(next, back_next_);
  Append(worst, back_worst_);
}

// Of the first batch: that is enough for shares, and paths may be long.
void Simulation::FollowCriticalPaths() {
  for (size_t draw = 0; draw < kBatch; ++draw) {
    const float finish = finish_[draw];
    if (finish <= 0) continue;
    uint32_t step = 0;
    for (uint32_t i = 1; i < plan_.steps.size(); ++i) {
      if (ends_[i][draw] > ends_[step][draw]) step = i;
    }
    while (true) {
      const bool ahead = position_.steps[step].state == State::kAhead;
      const bool follows = ahead && !plan_.steps[step].needs.empty();
      const uint32_t need = follows ? LastNeedOf(step, draw) : step;
      float begin = follows ? ends_[need][draw] : 0;
      const bool waits = ahead && !plan_.steps[step].before_window && window_begins_ > begin;
      if (waits) begin = window_begins_;
      shares_[step] += static_cast<double>((ends_[step][draw] - begin) / finish) / kBatch;
      if (!follows || waits || begin <= 0) break;
      step = need;
    }
  }
}

uint32_t Simulation::LastNeedOf(uint32_t step, size_t draw) const {
  const std::vector<uint32_t>& needs = plan_.steps[step].needs;
  return *std::max_element(needs.begin(), needs.end(),
                           [&](uint32_t a, uint32_t b) { return ends_[a][draw] < ends_[b][draw]; });
}

}  // namespace orchestrator
