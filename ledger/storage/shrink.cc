#include "ledger/storage/shrink.h"

#include <memory>

#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr uint64_t kStepBytes = 1 << 20;

}  // namespace

absl::Status RemoveInSteps(base::FileSystem& files, const std::string& path, const Pause& pause) {
  ASSIGN_OR_RETURN(const bool is_linked, files.IsLinked(path));
  if (!is_linked) {
    ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file,
                     files.OpenDirect(path, base::IfMissing::kFail));
    ASSIGN_OR_RETURN(uint64_t bytes, file->Size());
    while (bytes > kStepBytes) {
      bytes -= kStepBytes;
      RETURN_IF_ERROR(file->Truncate(bytes));
      RETURN_IF_ERROR(file->Sync());
      RETURN_IF_ERROR(pause());
    }
  }
  return files.Remove(path);
}

}  // namespace ledger
