#pragma once

#include <cstddef>
#include <memory>

namespace base {

// What a machine maps with one entry: random looks into large tables cost half as much in such
// pages as in those of 4 KiB.
inline constexpr size_t kHugePageBytes = 2 << 20;

struct HugePageDeleter {
  void operator()(void* memory) const;
};
using HugePage = std::unique_ptr<void, HugePageDeleter>;

// Zeroed memory of kHugePageBytes, aligned to as much. `is_huge` asks for one huge page; else, or
// where the machine has none, small ones come as touched. Any thread.
//
// A huge page costs its first touch up to 2 ms, so a thread keeps some ready, all there, once the
// first was asked for: who takes them one after the other seldom waits.
HugePage AllocateHugePage(bool is_huge);

}  // namespace base
