#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "hamisha/lab/v1/lab.pb.h"
#include "lab/platform/lab_file.h"
#include "lab/platform/layout.h"
#include "lab/platform/log_file.h"
#include "lab/platform/node_monitor.h"
#include "lab/platform/port.h"
#include "lab/platform/supervisor.h"
#include "lab/relay/relay.h"

namespace lab {

struct PlatformOptions {
  LabFile lab;
  std::string directory;                        // Absolute; made where it is not there.
  std::string programs;                         // The folder of our programs.
  std::function<void(const std::string&)> say;  // A line for people; any thread.
};

// Two sites, their ledger nodes, gateways, agents, the orchestrator and the link, all as processes
// of this machine with everything in one directory. They end with this object, and with this
// program however it ends. Safe for any thread.
class Platform {
 public:
  // Returns once every agent has reported to the orchestrator. An error names the process and the
  // last lines that it wrote.
  static absl::StatusOr<std::unique_ptr<Platform>> BringUp(PlatformOptions options,
                                                           const base::Clock& clock);
  ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  void SlowLink(const LinkOptions& link) { relay_->Change(link); }
  void RestoreLink() { relay_->Change(options_.lab.link); }
  void CutLink() { relay_->Cut(); }
  void HealLink() { relay_->Heal(); }
  // SIGKILL; it stays down until started. NOT_FOUND for a name that is not of this lab.
  absl::Status Kill(const std::string& process);
  // On its old port; returns when it listens.
  absl::Status Start(const std::string& process);
  absl::Status Flip(const FlipStateBit& flip);

  // Until every agent has a connection to the orchestrator.
  absl::Status AwaitAgents();

  hamisha::lab::v1::LabView View() const;
  const LabFile& lab() const { return options_.lab; }
  const std::string& directory() const { return options_.directory; }
  const std::string& orchestrator() const { return ports_.at("orchestrator").address(); }
  std::vector<std::string> gateways() const;
  std::vector<NodeAddress> nodes() const;
  std::string inventory_path() const { return options_.directory + "/inventory.yaml"; }
  // Processes that ended by themselves, in words.
  std::vector<std::string> unexpected_ends() const;

  // For programs beside the platform, such as the load. They write DIR/logs/<name>.log.
  base::Command CommandOf(const std::string& name, const std::string& program,
                          std::vector<std::string> arguments) const;
  LogFile LogOf(const std::string& name) const;
  Supervisor& supervisor() { return *supervisor_; }
  // Runs a program to its end. An error unless it ends with 0.
  absl::Status RunToEnd(const std::string& name, const std::string& program,
                        std::vector<std::string> arguments, absl::Duration timeout);

 private:
  struct Service {
    std::string name;
    base::Command command;
    bool listens = false;
    std::string address;
  };

  Platform(PlatformOptions options, const base::Clock& clock);

  absl::Status Prepare();
  absl::Status StartRelay(Addresses& addresses);
  absl::Status MakeNodes(Addresses& addresses);
  absl::Status MakePeople(Addresses& addresses);
  absl::Status WriteConfigs(const Layout& layout);
  absl::Status WriteConfig(const std::string& name, const google::protobuf::Message& config);
  absl::Status StartAll();
  std::string ConfigPath(const std::string& name) const;
  const Service* FindService(const std::string& name) const;
  // Returns when it listens, where it does.
  absl::Status Launch(const Service& service);
  absl::Status AwaitListening(const Service& service, uint64_t log_offset);
  void OnDeath(const std::string& name, int code);

  const PlatformOptions options_;
  const base::Clock& clock_;
  const std::vector<Host> hosts_;
  std::map<std::string, ReservedPort> ports_;  // By node, gateway or "orchestrator".
  std::vector<Service> services_;              // In order of start; fixed after Prepare().
  std::unique_ptr<Relay> relay_;

  mutable absl::Mutex mutex_;
  std::map<std::string, std::string> ends_ ABSL_GUARDED_BY(mutex_);  // Unexpected ones, by name.
  std::vector<std::string> ends_ever_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread relay_thread_;
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace lab
