#include "base/memory.h"

#include <malloc.h>

namespace base {

// Either switches off that glibc finds a limit by itself, which is at most twice what was freed.
void KeepFreedMemory() {
  constexpr int kPieceBytesMax = 8 << 20;
  constexpr int kKeptBytesMax = 64 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kPieceBytesMax);
  ::mallopt(M_TRIM_THRESHOLD, kKeptBytesMax);
}

}  // namespace base
