#include "base/open_files.h"

#include <sys/resource.h>

namespace base {

void RaiseOpenFilesLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // May fail where a sandbox forbids it: then it stays.
}

}  // namespace base
