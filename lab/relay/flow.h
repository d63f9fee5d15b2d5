#pragma once

#include <deque>
#include <string>

#include "absl/time/time.h"
#include "lab/relay/pacer.h"

namespace lab {

// One direction of one relayed connection: reads from one socket, keeps what is under way, and
// writes to the other when it is due. Owns neither socket; both are non-blocking and watched
// edge-triggered. Memory is bounded by the pacer's window: beyond it nothing is read, and the
// sender meets TCP's own back pressure. Not thread-safe.
class Flow {
 public:
  Flow(int from, int to, Pacer& pacer) : from_(from), to_(to), pacer_(pacer) {}

  void MayRead() { readable_ = true; }
  void MayWrite() { writable_ = true; }

  // Moves what can be moved at `now`. Returns when to call again; InfiniteDuration(): after the
  // next MayRead() or MayWrite().
  absl::Duration Pump(absl::Duration now);

  bool ended() const { return ended_; }    // The end of the stream was passed on.
  bool broken() const { return broken_; }  // Reset by one side: both are to be reset.

 private:
  enum class Kind { kData, kEnd, kReset };
  struct Chunk {
    absl::Duration due;
    Kind kind;
    std::string data;
  };

  bool WantsToRead() const;
  void ReadOnce(absl::Duration now);
  void WriteDue(absl::Duration now);
  void WriteFront();

  const int from_;
  const int to_;
  Pacer& pacer_;
  std::deque<Chunk> chunks_;
  size_t queued_bytes_ = 0;
  size_t written_of_front_ = 0;
  bool readable_ = false;
  bool writable_ = false;
  bool read_ended_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace lab
