#include "lab/relay/flow.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace lab {
namespace {

constexpr size_t kReadBytes = 64 << 10;

bool WouldBlock() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

absl::Duration Flow::Pump(absl::Duration now) {
  if (WantsToRead() && pacer_.ReadyAt() <= now) ReadOnce(now);
  WriteDue(now);
  absl::Duration next = absl::InfiniteDuration();
  if (broken_ || ended_) return next;
  if (!chunks_.empty() && writable_) next = chunks_.front().due;
  if (WantsToRead()) next = std::min(next, std::max(now, pacer_.ReadyAt()));
  return next;
}

bool Flow::WantsToRead() const {
  return readable_ && !read_ended_ && !broken_ && queued_bytes_ < pacer_.window_bytes();
}

// One read a turn, so that connections take turns.
void Flow::ReadOnce(absl::Duration now) {
  std::array<char, kReadBytes>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv.
  const ssize_t got = ::recv(from_, buffer.data(), buffer.size(), 0);
  if (got < 0 && WouldBlock()) {
    readable_ = errno == EINTR;
    return;
  }
  if (got > 0) {
    const size_t bytes = static_cast<size_t>(got);
    chunks_.push_back({pacer_.Send(now, bytes), Kind::kData, std::string(buffer.data(), bytes)});
    queued_bytes_ += bytes;
    return;
  }
  read_ended_ = true;
  chunks_.push_back({pacer_.Send(now, 0), got == 0 ? Kind::kEnd : Kind::kReset, ""});
}

void Flow::WriteDue(absl::Duration now) {
  while (!broken_ && writable_ && !chunks_.empty() && chunks_.front().due <= now) {
    switch (chunks_.front().kind) {
      case Kind::kData: WriteFront(); break;
      case Kind::kEnd:
        ::shutdown(to_, SHUT_WR);
        ended_ = true;
        chunks_.pop_front();
        break;
      case Kind::kReset: broken_ = true; break;
    }
  }
}

void Flow::WriteFront() {
  const std::string& data = chunks_.front().data;
  const ssize_t put =
      ::send(to_, data.data() + written_of_front_, data.size() - written_of_front_, MSG_NOSIGNAL);
  if (put < 0) {
    if (WouldBlock()) {
      writable_ = errno == EINTR;
    } else {
      broken_ = true;
    }
    return;
  }
  written_of_front_ += static_cast<size_t>(put);
  if (written_of_front_ < data.size()) return;
  queued_bytes_ -= data.size();
  written_of_front_ = 0;
  chunks_.pop_front();
}

}  // namespace lab
