#include "benchmarks/common/folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace benchmarks {

absl::StatusOr<std::unique_ptr<Folder>> Folder::Create(const std::string& parent,
                                                       const std::string& name) {
  std::string path = absl::StrCat(parent, "/", name, "-XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("cannot create ", path, ": ",
                                                      std::generic_category().message(errno),
                                                      "; --folder must name a writable folder"));
  }
  return std::unique_ptr<Folder>(new Folder(std::move(path)));
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace benchmarks
