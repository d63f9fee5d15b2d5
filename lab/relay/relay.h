#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "lab/relay/flow.h"
#include "lab/relay/pacer.h"

namespace lab {

enum class Site { kSource, kTarget };

// The link between the two sites, as a TCP relay: what is sent into one of its listeners comes out
// at the listener's destination half a round trip later, within the link's bandwidth. A new
// connection takes a round trip to be made, and one to a destination that does not answer is reset.
//
// While the link is cut nothing crosses it: connections stay open and silent, new ones are accepted
// and get no further, no byte is lost and no end is seen. Once healed all goes on.
//
// One thread calls RunOnce(); everything else may be called from any thread.
class Relay {
 public:
  // `clock` must outlive the relay.
  static absl::StatusOr<std::unique_ptr<Relay>> Create(const LinkOptions& options,
                                                       const base::Clock& clock);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Listens for those who stand at `site` and want to reach `destination` (127.0.0.1:port) across
  // the link. Returns the address to connect to, with a port that the kernel chose.
  absl::StatusOr<std::string> Listen(Site site, const std::string& destination);

  // For what is sent from now on.
  void Change(const LinkOptions& options);
  void Cut();
  void Heal();
  bool cut() const;
  size_t connections() const;

  // Waits until there is something to do, but at most `wait_max`, and does it.
  void RunOnce(absl::Duration wait_max);
  // Makes the RunOnce() that goes on return.
  void Wake();

 private:
  struct Listener {
    int descriptor;
    Site site;
    int destination_port;
    bool pending = false;  // Connections may wait to be accepted.
  };
  struct Connection {
    int client = -1;
    int server = -1;  // -1 until the round trip of its making is over.
    Site site;
    int destination_port;
    absl::Duration opens_at;
    bool connected = false;
    bool broken = false;
    std::unique_ptr<Flow> there = nullptr;
    std::unique_ptr<Flow> back = nullptr;
  };

  Relay(const LinkOptions& options, const base::Clock& clock);

  absl::Duration WaitFor(absl::Duration wait_max) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeEvents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandleEvent(uint64_t tag) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Accept(Listener& listener, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns when to be called again.
  absl::Duration Advance(uint64_t id, Connection& connection, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenServer(uint64_t id, Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Watch(int descriptor, uint64_t tag);

  const base::Clock& clock_;
  int epoll_ = -1;
  int wake_ = -1;

  mutable absl::Mutex mutex_;
  absl::Duration round_trip_ ABSL_GUARDED_BY(mutex_);
  Pacer to_target_ ABSL_GUARDED_BY(mutex_);
  Pacer to_source_ ABSL_GUARDED_BY(mutex_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration next_wake_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lab
