#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "hamisha/ledger/v1/node.pb.h"

namespace ledger {

struct NodeOptions {
  hamisha::ledger::v1::NodeConfig config;
  base::FileSystem* files = &base::SystemFileSystem();
  const base::Clock* clock = &base::SystemClock();
  // Clients' calls that may wait to be decided; further ones are answered RESOURCE_EXHAUSTED.
  size_t requests_max = 16'384;
  // Of answers from history that are not sent yet; further reads are answered RESOURCE_EXHAUSTED.
  uint64_t read_bytes_max = 256 << 20;
  // Between two checkpoints in the log, at least; InfiniteDuration: none are written.
  absl::Duration checkpoint_interval = absl::Milliseconds(100);
  // How long what was hashed for a challenge is kept for a search, from the last question about it.
  absl::Duration challenge_kept = absl::Seconds(15);
  // The disk failed: end the program. By default nothing more happens than that every call is
  // answered UNAVAILABLE from then on. Called on a thread of the node.
  std::function<void(const absl::Status&)> on_fatal;
  // What people should know, a sentence each: a torn tail, how much was replayed. Any thread.
  std::function<void(const std::string&)> say;
};

// One node of one shard: its log, its state, its threads and its server. When a copy of another
// node has come in whole, it ends and begins again with it, on the same address.
class LedgerNode {
 public:
  // Reads the log back, then serves. DATA_LOSS names what is damaged; FAILED_PRECONDITION when the
  // data folder is in use, the key is another's, or the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<LedgerNode>> Start(NodeOptions options);
  ~LedgerNode();  // As Stop().

  // host:port with the port that the kernel chose.
  const std::string& address() const;
  // Ends calls and streams within two seconds, then the threads. What was acknowledged is durable.
  void Stop();

 private:
  struct State;
  explicit LedgerNode(NodeOptions options);
  absl::Status OpenAndServe(const std::string& listen);
  void ReopenWhenCopied();

  const NodeOptions options_;
  std::string address_;
  std::unique_ptr<State> state_;  // The reopening thread's, once it runs.

  absl::Mutex mutex_;
  bool is_copied_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reopening_;
};

// Writes the first record of the shard. Only for `first_owner`, and only into an empty log.
absl::Status Bootstrap(NodeOptions options);

}  // namespace ledger
