#include "benchmarks/orchestrator/orchestrator_process.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"

namespace benchmarks {
namespace {

constexpr double kStartSecondsMax = 60;
constexpr char kListens[] = "listening on ";

// The whole of a small file in /proc.
std::string ReadProc(int pid, const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(absl::StrCat("/proc/", pid, "/", name)).rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OrchestratorProcess>> OrchestratorProcess::Start(
    const std::string& program, const std::string& folder, const std::string& listen) {
  const std::string output = absl::StrCat(folder, "/output");
  RETURN_IF_ERROR(base::SystemFileSystem().RemoveAll(output));
  RETURN_IF_ERROR(base::SystemFileSystem().CreateFolders(absl::StrCat(folder, "/state")));
  ASSIGN_OR_RETURN(
      std::unique_ptr<base::Process> process,
      base::SystemCommandRunner().Start(
          {.arguments = {program, "--state", absl::StrCat(folder, "/state"), "--listen", listen},
           .output = output}));
  std::unique_ptr<OrchestratorProcess> started(new OrchestratorProcess(std::move(process)));
  for (const double start = SecondsNow(); SecondsNow() - start < kStartSecondsMax;) {
    std::ifstream lines(output);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(kListens, 0) != 0 || lines.eof()) continue;
      started->address_ = line.substr(sizeof(kListens) - 1);
      return started;
    }
    if (!started->process_->Running()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return absl::DeadlineExceededError(
      absl::StrCat(program, " does not listen: its output is in ", output));
}

OrchestratorProcess::~OrchestratorProcess() {
  process_->Signal(SIGTERM);
  process_->Wait();
}

void OrchestratorProcess::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

double OrchestratorProcess::MemoryMiB() const {
  std::istringstream pages(ReadProc(process_->pid(), "statm"));
  double total = 0;
  double resident = 0;
  pages >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

double OrchestratorProcess::CpuSeconds() const {
  const std::string stat = ReadProc(process_->pid(), "stat");
  // After the name in brackets, which may hold anything: user time is the 12th, system time next.
  const std::vector<std::string> fields =
      absl::StrSplit(stat.substr(std::min(stat.size(), stat.rfind(')') + 2)), ' ');
  if (fields.size() < 13) return 0;
  return (std::stod(fields[11]) + std::stod(fields[12])) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace benchmarks
