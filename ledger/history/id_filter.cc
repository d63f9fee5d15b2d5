#include "ledger/history/id_filter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/status_macros.h"

namespace ledger {
namespace {

constexpr uint64_t kIdsPerBlock = 32;
constexpr uint64_t kWordsPerBlock = 8;
constexpr uint64_t kMagic = 0x31304C49464D4148;  // "HAMFIL01"

struct Header {
  uint64_t magic;
  uint64_t checksum;  // XXH3 of the blocks.
  uint64_t blocks;
  uint64_t reserved[5];
};
static_assert(sizeof(Header) == 64);

// Six of a block's 512 bits, as (word, bit): bits 0 to 53 of the hash; the block is chosen by its
// upper bits.
template <typename Visit>
void VisitBits(uint64_t hash, Visit visit) {
  for (int i = 0; i < 6; ++i) {
    const uint64_t bit = hash >> (9 * i) & 511;
    visit(bit / 64, uint64_t{1} << (bit % 64));
  }
}

// The block takes the top bits; mixed once more the lower ones do not depend on them.
uint64_t BitsOf(uint64_t hash) { return hash * 0xA24BAED4963EE407ULL >> 10; }

}  // namespace

IdFilter::IdFilter(uint64_t ids)
    : blocks_(ids / kIdsPerBlock + 1), built_(blocks_ * kWordsPerBlock) {
  words_ = built_.data();
}

IdFilter::~IdFilter() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_bytes_);
}

void IdFilter::Add(const Id128& id) {
  INVARIANT(!built_.empty());
  const uint64_t hash = HashOf(id);
  uint64_t* const block = &built_[BlockOf(hash) * kWordsPerBlock];
  VisitBits(BitsOf(hash), [block](uint64_t word, uint64_t bit) { block[word] |= bit; });
}

bool IdFilter::MayContain(const Id128& id) const {
  const uint64_t hash = HashOf(id);
  const uint64_t* const block = &words_[BlockOf(hash) * kWordsPerBlock];
  bool all = true;
  VisitBits(BitsOf(hash), [&](uint64_t word, uint64_t bit) { all &= (block[word] & bit) != 0; });
  return all;
}

absl::Status IdFilter::Save(base::FileSystem& files, const std::string& path) const {
  const absl::string_view blocks(reinterpret_cast<const char*>(words_),
                                 blocks_ * kWordsPerBlock * sizeof(uint64_t));
  Header header{};
  header.magic = kMagic;
  header.checksum = base::Checksum64(blocks.data(), blocks.size());
  header.blocks = blocks_;
  std::string content(reinterpret_cast<const char*>(&header), sizeof(header));
  content.append(blocks.data(), blocks.size());
  return files.Replace(path, content);
}

absl::StatusOr<std::unique_ptr<IdFilter>> IdFilter::Map(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));  // NOLINT
  }
  struct stat facts {};
  const bool known = ::fstat(file, &facts) == 0;
  const auto bytes = static_cast<size_t>(facts.st_size);
  void* const mapping =
      known && bytes > 0 ? ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  ::close(file);
  if (mapping == MAP_FAILED) return absl::DataLossError(absl::StrCat(path, ": cannot be mapped"));

  std::unique_ptr<IdFilter> filter(new IdFilter());
  filter->mapping_ = mapping;
  filter->mapping_bytes_ = bytes;
  const auto* const header = static_cast<const Header*>(mapping);
  const char* const blocks = static_cast<const char*>(mapping) + sizeof(Header);
  if (bytes < sizeof(Header) || header->magic != kMagic ||
      header->blocks != (bytes - sizeof(Header)) / (kWordsPerBlock * sizeof(uint64_t)) ||
      header->checksum != base::Checksum64(blocks, bytes - sizeof(Header))) {
    return absl::DataLossError(absl::StrCat(path, ": damaged"));
  }
  filter->blocks_ = header->blocks;
  filter->words_ = reinterpret_cast<const uint64_t*>(blocks);
  return filter;
}

}  // namespace ledger
