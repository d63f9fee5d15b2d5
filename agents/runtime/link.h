#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "hamisha/agent/v1/agent.grpc.pb.h"

namespace agents {

// The agent's stream to the orchestrator, dialled again for ever whenever it ends. Safe for any
// thread; the callbacks come on the link's own thread, one at a time, and for one stream in the
// order hello, message…, ended.
class Link {
 public:
  struct Callbacks {
    std::function<hamisha::agent::v1::Hello()> hello;  // Asked for before every try.
    std::function<void(hamisha::agent::v1::OrchestratorMessage)> received;
    // The stream that had been answered, or one that never was, has ended: why.
    std::function<void(const std::string& why)> ended;
  };

  Link(const std::string& orchestrator, Callbacks callbacks, absl::Duration pause);
  ~Link();

  // Queues it on the stream in force; without one it is dropped (its sender sends again after the
  // next Welcome).
  void Send(hamisha::agent::v1::AgentMessage message);
  // Ends the stream in force; another one is dialled.
  void Close();

 private:
  using Stream = grpc::ClientReaderWriterInterface<hamisha::agent::v1::AgentMessage,
                                                   hamisha::agent::v1::OrchestratorMessage>;

  void Run();
  void RunStream();
  void WriteQueued(Stream& stream);

  const std::unique_ptr<hamisha::agent::v1::AgentLink::Stub> stub_;
  const Callbacks callbacks_;
  const absl::Duration pause_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool unwelcome_ ABSL_GUARDED_BY(mutex_) = false;  // The peer was turned away.
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::deque<hamisha::agent::v1::AgentMessage> outbox_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace agents
