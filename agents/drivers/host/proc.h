// Reads the kernel's texts: /proc and /sys. Pure; what a text does not say is empty or 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace agents {

struct CpuInfo {
  std::string model;
  uint32_t count = 0;
  std::vector<std::string> features;  // Of those that the ledger's speed depends on, sorted.
};
CpuInfo ParseCpuInfo(absl::string_view cpuinfo);

// MemTotal of /proc/meminfo.
uint64_t ParseMemoryBytes(absl::string_view meminfo);

// The soft limit of open files in /proc/PID/limits; UINT64_MAX for "unlimited".
uint64_t ParseOpenFilesMax(absl::string_view limits);

// The word in brackets: "always [madvise] never".
std::string ParseChosen(absl::string_view choices);

// "ext4 rw,relatime": the mount that holds the absolute `path`, by /proc/PID/mountinfo.
std::string ParseMountOf(absl::string_view mountinfo, const std::string& path);

}  // namespace agents
