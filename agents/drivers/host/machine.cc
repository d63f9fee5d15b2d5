#include "agents/drivers/host/machine.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agents/drivers/host/proc.h"
#include "base/hash.h"

namespace agents {
namespace {

using hamisha::agent::v1::HostFacts;

// Files of /proc and /sys say that they are empty until they are read.
std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void ReadKernel(HostFacts& facts) {
  utsname name{};
  if (::uname(&name) == 0) facts.set_kernel_release(name.release);
  const CpuInfo cpu = ParseCpuInfo(ReadText("/proc/cpuinfo"));
  facts.set_cpu_model(cpu.model);
  facts.set_cpus(cpu.count);
  for (const std::string& feature : cpu.features) facts.add_cpu_features(feature);
  facts.set_memory_bytes(ParseMemoryBytes(ReadText("/proc/meminfo")));
  facts.set_transparent_huge_pages(
      ParseChosen(ReadText("/sys/kernel/mm/transparent_hugepage/enabled")));
  uint64_t map_count = 0;
  if (absl::SimpleAtoi(ReadText("/proc/sys/vm/max_map_count"), &map_count)) {
    facts.set_map_count_max(map_count);
  }
}

void ReadClock(HostFacts& facts) {
  timex kernel{};  // No mode: only asks.
  const int state = ::adjtimex(&kernel);
  if (state < 0) return;
  facts.set_clock_synchronized(state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0);
  constexpr int64_t kMicrosecondsPerSecond = 1'000'000;
  auto& error = *facts.mutable_clock_error_max();
  error.set_seconds(kernel.maxerror / kMicrosecondsPerSecond);
  error.set_nanos(static_cast<int32_t>(kernel.maxerror % kMicrosecondsPerSecond * 1'000));
}

// "/usr/share/zoneinfo/Africa/Nairobi" → "Africa/Nairobi".
std::string TimeZoneName() {
  if (const char* const zone = std::getenv("TZ"); zone != nullptr && *zone != '\0') return zone;
  std::error_code error;
  const std::string target = std::filesystem::read_symlink("/etc/localtime", error);
  const std::string folder = "zoneinfo/";
  const size_t at = target.find(folder);
  if (!error && at != std::string::npos) return target.substr(at + folder.size());
  return std::filesystem::exists("/etc/localtime", error) ? "of /etc/localtime" : "UTC";
}

// What stat says of a file's blocks, whatever those of the file system are.
constexpr uint64_t kStatBlockBytes = 512;

// What the folder's files occupy, each once however many names it has: what a node keeps for a copy
// are links. Those that go away meanwhile do not count.
absl::StatusOr<uint64_t> OccupiedBytes(const std::string& root) {
  uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> linked;
  std::vector<std::filesystem::path> folders = {root};
  while (!folders.empty()) {
    const std::filesystem::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
      struct stat status {};
      if (::lstat(it->path().c_str(), &status) != 0) continue;
      if (S_ISDIR(status.st_mode)) folders.push_back(it->path());
      const bool is_counted = !S_ISDIR(status.st_mode) && status.st_nlink > 1 &&
                              !linked.emplace(status.st_dev, status.st_ino).second;
      if (!is_counted) bytes += static_cast<uint64_t>(status.st_blocks) * kStatBlockBytes;
    }
    const bool has_gone = error == std::errc::no_such_file_or_directory && folder != root;
    if (error && !has_gone) {
      return absl::InternalError(absl::StrCat("reading ", folder.string(), ": ", error.message()));
    }
  }
  return bytes;
}

std::string DeviceOf(const std::string& folder) {
  const std::string text = ReadText("/proc/sys/kernel/random/boot_id");
  const absl::string_view boot = absl::StripAsciiWhitespace(text);
  struct stat status {};
  if (boot.empty() || ::stat(folder.c_str(), &status) != 0) return "";
  return absl::StrCat(boot, ", ", major(status.st_dev), ":", minor(status.st_dev));
}

void ReadDataFolder(HostFacts& facts) {
  const std::string folder = DataFolderOf(facts.node());
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(folder, error);
  if (!error) {
    facts.set_data_mount(ParseMountOf(
        ReadText(absl::StrCat("/proc/", facts.node().pid(), "/mountinfo")), real.string()));
  }
  facts.set_data_device(DeviceOf(folder));
  if (const auto bytes = OccupiedBytes(folder); bytes.ok()) facts.set_data_bytes(*bytes);
}

void ReadDiskFree(HostFacts& facts) {
  struct statvfs disk {};
  if (::statvfs(DataFolderOf(facts.node()).c_str(), &disk) == 0) {
    facts.set_disk_free_bytes(uint64_t{disk.f_bavail} * disk.f_frsize);
  }
}

}  // namespace

absl::StatusOr<std::string> ProgramSha256(int pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/exe");
  std::ifstream program(path, std::ios::binary);
  base::Sha256 hash;
  std::vector<char> chunk(size_t{1} << 20);
  uint64_t bytes = 0;
  while (program.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
         program.gcount() > 0) {
    hash.Update(chunk.data(), static_cast<size_t>(program.gcount()));
    bytes += static_cast<uint64_t>(program.gcount());
  }
  if (bytes == 0) {
    return absl::NotFoundError(
        absl::StrCat(path, " cannot be read: let the agent run as the program's user"));
  }
  return base::ToHex(hash.Finish());
}

std::string DataFolderOf(const hamisha::ledger::v1::NodeDescription& node) {
  const std::filesystem::path folder = node.config().data_dir();
  if (folder.is_absolute()) return folder;
  std::error_code error;
  return std::filesystem::read_symlink(absl::StrCat("/proc/", node.pid(), "/cwd"), error) / folder;
}

void ReadMachine(HostFacts& facts) {
  ReadKernel(facts);
  ReadClock(facts);
  facts.set_time_zone(TimeZoneName());
  facts.set_open_files_max(
      ParseOpenFilesMax(ReadText(absl::StrCat("/proc/", facts.node().pid(), "/limits"))));
  ReadDataFolder(facts);
  ReadDiskFree(facts);
}

void ReadClockAndDisk(HostFacts& facts) {
  ReadClock(facts);
  ReadDiskFree(facts);
}

}  // namespace agents
