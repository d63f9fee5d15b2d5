#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "absl/strings/string_view.h"
#include "base/file_system.h"
#include "base/invariant.h"

namespace ledger {

constexpr uint64_t RoundUpToBlock(uint64_t bytes) {
  return (bytes + base::kDirectAlignment - 1) / base::kDirectAlignment * base::kDirectAlignment;
}

// Memory that a direct file can be read into and written from; not set to anything. Movable.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(uint64_t bytes)
      : size_(RoundUpToBlock(bytes)),
        data_(static_cast<char*>(std::aligned_alloc(base::kDirectAlignment, size_))) {
    INVARIANT(data_ != nullptr || size_ == 0);
  }

  char* data() const { return data_.get(); }
  uint64_t size() const { return size_; }
  absl::string_view view(uint64_t begin, uint64_t end) const {
    INVARIANT(begin <= end && end <= size_);
    return {data_.get() + begin, end - begin};
  }

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };
  uint64_t size_ = 0;
  std::unique_ptr<char[], Free> data_;
};

}  // namespace ledger
