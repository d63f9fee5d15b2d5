#include "base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

#include "base/invariant.h"

namespace base {

void HugePageDeleter::operator()(void* memory) const { ::munmap(memory, kHugePageBytes); }

HugePage AllocateHugePage(bool is_huge) {
  // Twice as much has an aligned part; the rest goes back.
  void* const mapped = ::mmap(nullptr, 2 * kHugePageBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  INVARIANT(mapped != MAP_FAILED);
  char* const begin = static_cast<char*>(mapped);
  const size_t past = reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  const size_t before = past == 0 ? 0 : kHugePageBytes - past;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kHugePageBytes, kHugePageBytes - before);
  if (is_huge) ::madvise(begin + before, kHugePageBytes, MADV_HUGEPAGE);
  return HugePage(begin + before);
}

}  // namespace base
