#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace orchestrator {

//                 ┌───────────────────────────────┐
//                 ▼                               │
// pending ──► running ◄──► probing ──► retry_wait ┘         the way forward
//  │   │        ▲  └───────────┴────────────┤
//  │   ▼        │                           ├─► succeeded ───────────┐
//  │ awaiting ──┘ (a gate: succeeded)       ├─► failed ──┬─► passed ─┤
//  ▼   ▼                                    └─► unknown ─┘           │
// skipped                 (people: again, passed, or resolved)       │
//   ┌────────────────────────────────────────────────────────────────┘  (or from where it is)
//   └─► settling ──► undoing ──► undone                     the way back
//          ▲            └──────► undo_failed
//          └─── asked for again ─────┘  (and an undone step that follows such a one on the way
//          back)
enum class StepState : uint8_t {
  kPending,
  kAwaiting,    // People are asked.
  kRunning,     // At least one host's order is out.
  kProbing,     // A host's outcome is unknown, and is being asked for.
  kRetryWait,   // All that is left to do waits for its next attempt.
  kSucceeded,   // On all hosts.
  kFailed,      // Certainly, on at least one.
  kUnknown,     // On at least one, after all probes.
  kPassed,      // Failed or unknown, and a person let the run go on.
  kSettling,    // Outcomes that are not known are probed, and late orders fenced, before the undo.
  kUndoing,     // Its way back runs.
  kUndone,      // All of its way back succeeded.
  kUndoFailed,  // Some of its way back did not; a new request tries again.
  kSkipped,     // Never begun (counts as succeeded), or nothing of it is left to go on with.
};

enum class StepEvent : uint8_t {
  kAsk,
  kStart,
  kProbe,
  kWait,
  kResume,
  kSucceed,
  kFail,
  kGiveUp,
  kPass,
  kSkip,
  kSettle,
  kUndo,
  kUndoSucceed,
  kUndoFail,
};

// waiting ──► sent ──► succeeded | failed | unknown
//              ▲ │
//              │ ├──► retry_wait (failed, attempts left) ──► sent
//              │ └──► probing ──► succeeded | failed | unknown
//              └─────────┘ (certainly not there)
// A late answer, or a person, leads out of unknown as it does out of probing; a person's retry out
// of failed.
enum class HostState : uint8_t {
  kWaiting,
  kSent,
  kProbing,
  kRetryWait,
  kSucceeded,
  kFailed,
  kUnknown,
};
inline constexpr size_t kHostStates = 7;

enum class HostEvent : uint8_t { kSend, kProbe, kWait, kSucceed, kFail, kGiveUp };

template <typename State, typename Event>
struct Transition {
  State source;
  Event event;
  State target;
};

// Every transition there is; any other is a bug of the engine.
inline constexpr auto kStepTransitions = std::to_array<Transition<StepState, StepEvent>>({
    {StepState::kPending, StepEvent::kStart, StepState::kRunning},
    {StepState::kPending, StepEvent::kSkip, StepState::kSkipped},
    {StepState::kPending, StepEvent::kAsk, StepState::kAwaiting},
    {StepState::kAwaiting, StepEvent::kStart, StepState::kRunning},
    {StepState::kAwaiting, StepEvent::kSucceed, StepState::kSucceeded},
    {StepState::kAwaiting, StepEvent::kFail, StepState::kFailed},
    {StepState::kAwaiting, StepEvent::kSkip, StepState::kSkipped},
    {StepState::kRunning, StepEvent::kProbe, StepState::kProbing},
    {StepState::kRunning, StepEvent::kWait, StepState::kRetryWait},
    {StepState::kRunning, StepEvent::kSucceed, StepState::kSucceeded},
    {StepState::kRunning, StepEvent::kFail, StepState::kFailed},
    {StepState::kRunning, StepEvent::kGiveUp, StepState::kUnknown},
    {StepState::kRunning, StepEvent::kSettle, StepState::kSettling},
    {StepState::kRunning, StepEvent::kSkip, StepState::kSkipped},
    {StepState::kProbing, StepEvent::kResume, StepState::kRunning},
    {StepState::kProbing, StepEvent::kWait, StepState::kRetryWait},
    {StepState::kProbing, StepEvent::kSucceed, StepState::kSucceeded},
    {StepState::kProbing, StepEvent::kFail, StepState::kFailed},
    {StepState::kProbing, StepEvent::kGiveUp, StepState::kUnknown},
    {StepState::kProbing, StepEvent::kSettle, StepState::kSettling},
    {StepState::kProbing, StepEvent::kSkip, StepState::kSkipped},
    {StepState::kRetryWait, StepEvent::kResume, StepState::kRunning},
    {StepState::kRetryWait, StepEvent::kProbe, StepState::kProbing},
    {StepState::kRetryWait, StepEvent::kFail, StepState::kFailed},
    {StepState::kRetryWait, StepEvent::kGiveUp, StepState::kUnknown},
    {StepState::kRetryWait, StepEvent::kSettle, StepState::kSettling},
    {StepState::kRetryWait, StepEvent::kSkip, StepState::kSkipped},
    {StepState::kSucceeded, StepEvent::kSettle, StepState::kSettling},
    {StepState::kFailed, StepEvent::kAsk, StepState::kAwaiting},
    {StepState::kFailed, StepEvent::kResume, StepState::kRunning},
    {StepState::kFailed, StepEvent::kPass, StepState::kPassed},
    {StepState::kFailed, StepEvent::kSettle, StepState::kSettling},
    {StepState::kUnknown, StepEvent::kResume, StepState::kRunning},
    {StepState::kUnknown, StepEvent::kPass, StepState::kPassed},
    {StepState::kUnknown, StepEvent::kSettle, StepState::kSettling},
    {StepState::kPassed, StepEvent::kSettle, StepState::kSettling},
    {StepState::kSettling, StepEvent::kUndo, StepState::kUndoing},
    {StepState::kUndoing, StepEvent::kUndoSucceed, StepState::kUndone},
    {StepState::kUndoing, StepEvent::kUndoFail, StepState::kUndoFailed},
    {StepState::kUndoFailed, StepEvent::kSettle, StepState::kSettling},
    {StepState::kUndone, StepEvent::kUndoFail, StepState::kUndoFailed},
});

// For one action on one host: of a step, or of its way back (which does not probe, but tries
// again).
inline constexpr auto kHostTransitions = std::to_array<Transition<HostState, HostEvent>>({
    {HostState::kWaiting, HostEvent::kSend, HostState::kSent},
    {HostState::kWaiting, HostEvent::kFail, HostState::kFailed},
    {HostState::kSent, HostEvent::kProbe, HostState::kProbing},
    {HostState::kSent, HostEvent::kWait, HostState::kRetryWait},
    {HostState::kSent, HostEvent::kSucceed, HostState::kSucceeded},
    {HostState::kSent, HostEvent::kFail, HostState::kFailed},
    {HostState::kSent, HostEvent::kGiveUp, HostState::kUnknown},
    {HostState::kProbing, HostEvent::kSend, HostState::kSent},
    {HostState::kProbing, HostEvent::kProbe, HostState::kProbing},
    {HostState::kProbing, HostEvent::kWait, HostState::kRetryWait},
    {HostState::kProbing, HostEvent::kSucceed, HostState::kSucceeded},
    {HostState::kProbing, HostEvent::kFail, HostState::kFailed},
    {HostState::kProbing, HostEvent::kGiveUp, HostState::kUnknown},
    {HostState::kRetryWait, HostEvent::kSend, HostState::kSent},
    {HostState::kRetryWait, HostEvent::kFail, HostState::kFailed},
    {HostState::kFailed, HostEvent::kSend, HostState::kSent},
    {HostState::kUnknown, HostEvent::kSend, HostState::kSent},
    {HostState::kUnknown, HostEvent::kProbe, HostState::kProbing},
    {HostState::kUnknown, HostEvent::kWait, HostState::kRetryWait},
    {HostState::kUnknown, HostEvent::kSucceed, HostState::kSucceeded},
    {HostState::kUnknown, HostEvent::kFail, HostState::kFailed},
});

template <typename Table, typename State, typename Event>
constexpr std::optional<State> NextIn(const Table& table, State source, Event event) {
  for (const auto& transition : table) {
    if (transition.source == source && transition.event == event) return transition.target;
  }
  return std::nullopt;
}

constexpr std::optional<StepState> NextState(StepState source, StepEvent event) {
  return NextIn(kStepTransitions, source, event);
}
constexpr std::optional<HostState> NextState(HostState source, HostEvent event) {
  return NextIn(kHostTransitions, source, event);
}

template <typename Table>
constexpr bool IsDeterministic(const Table& table) {
  for (size_t i = 0; i < table.size(); ++i) {
    for (size_t j = i + 1; j < table.size(); ++j) {
      if (table[i].source == table[j].source && table[i].event == table[j].event) return false;
    }
  }
  return true;
}
static_assert(IsDeterministic(kStepTransitions), "one (source, event) pair has two targets");
static_assert(IsDeterministic(kHostTransitions), "one (source, event) pair has two targets");

// On the way forward, begun and not ended.
constexpr bool IsActive(StepState state) {
  return state == StepState::kRunning || state == StepState::kProbing ||
         state == StepState::kRetryWait;
}
// Whether anything of it may be there to undo.
constexpr bool MayNeedUndo(StepState state) {
  return IsActive(state) || state == StepState::kSucceeded || state == StepState::kFailed ||
         state == StepState::kUnknown || state == StepState::kPassed ||
         state == StepState::kUndoFailed;
}
constexpr bool IsFinal(HostState state) {
  return state == HostState::kSucceeded || state == HostState::kFailed ||
         state == HostState::kUnknown;
}
// Whether an order of it may still take effect, or may have.
constexpr bool IsUncertain(HostState state) {
  return state == HostState::kSent || state == HostState::kProbing || state == HostState::kUnknown;
}

absl::string_view ToString(StepState state);
absl::string_view ToString(HostState state);

}  // namespace orchestrator
