#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/command_runner.h"

namespace benchmarks {

// A running hamisha-orchestrator, ended by the destructor.
class OrchestratorProcess {
 public:
  // Returns when it listens. `folder` gets its state and its output. DEADLINE_EXCEEDED when it does
  // not listen within a minute.
  static absl::StatusOr<std::unique_ptr<OrchestratorProcess>> Start(const std::string& program,
                                                                    const std::string& folder,
                                                                    const std::string& listen);
  ~OrchestratorProcess();
  OrchestratorProcess(const OrchestratorProcess&) = delete;
  OrchestratorProcess& operator=(const OrchestratorProcess&) = delete;

  const std::string& address() const { return address_; }
  void Kill();  // -9

  double MemoryMiB() const;   // Resident.
  double CpuSeconds() const;  // So far, of all its threads.

 private:
  explicit OrchestratorProcess(std::unique_ptr<base::Process> process)
      : process_(std::move(process)) {}

  const std::unique_ptr<base::Process> process_;
  std::string address_;
};

}  // namespace benchmarks
