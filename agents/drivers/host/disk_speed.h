#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/file_system.h"

namespace agents {

inline constexpr uint64_t kDiskProbeBytesMax = uint64_t{64} << 20;

// How fast `folder`'s disk takes writes past the page cache, synced, in bytes a second: the best of
// a few rounds, since other work slows some of them. Writes at most kDiskProbeBytesMax, for some
// seconds at most, to a file that is gone afterwards, also when this program is killed meanwhile.
absl::StatusOr<uint64_t> MeasureDiskWrite(base::FileSystem& files, const base::Clock& clock,
                                          const std::string& folder);

}  // namespace agents
