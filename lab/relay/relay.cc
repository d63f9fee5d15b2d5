#include "lab/relay/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lab {
namespace {

// What an epoll event is about: a number and one of these in the lowest two bits.
constexpr uint64_t kListenerTag = 0;
constexpr uint64_t kClientTag = 1;
constexpr uint64_t kServerTag = 2;
constexpr uint64_t kTagBits = 2;

uint64_t TagOf(uint64_t number, uint64_t kind) { return number << kTagBits | kind; }

absl::Status ErrnoError(absl::string_view doing) {
  return absl::InternalError(
      absl::StrCat("relay: ", doing, ": ", std::generic_category().message(errno)));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The socket calls take every kind of address by one pointer.
const sockaddr* AsAddress(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

absl::StatusOr<int> PortOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || address.substr(0, colon) != "127.0.0.1" ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port <= 0 || port > 65'535) {
    return absl::InvalidArgumentError(
        absl::StrCat("relay: destination '", address, "' is not 127.0.0.1:port"));
  }
  return port;
}

void NoDelay(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Close(int descriptor, bool reset) {
  if (descriptor < 0) return;
  if (reset) {
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(descriptor);
}

}  // namespace

Relay::Relay(const LinkOptions& options, const base::Clock& clock)
    : clock_(clock),
      round_trip_(options.round_trip),
      to_target_(options.round_trip / 2, options.bandwidth_bytes_per_s),
      to_source_(options.round_trip / 2, options.bandwidth_bytes_per_s) {}

absl::StatusOr<std::unique_ptr<Relay>> Relay::Create(const LinkOptions& options,
                                                     const base::Clock& clock) {
  std::unique_ptr<Relay> relay(new Relay(options, clock));
  relay->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (relay->epoll_ < 0) return ErrnoError("epoll_create1");
  relay->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (relay->wake_ < 0) return ErrnoError("eventfd");
  return relay;
}

Relay::~Relay() {
  const absl::MutexLock lock(&mutex_);
  for (auto& [id, connection] : connections_) {
    Close(connection.client, true);
    Close(connection.server, true);
  }
  for (const Listener& listener : listeners_) Close(listener.descriptor, false);
  Close(epoll_, false);
  Close(wake_, false);
}

absl::StatusOr<std::string> Relay::Listen(Site site, const std::string& destination) {
  ASSIGN_OR_RETURN(const int destination_port, PortOf(destination));
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return ErrnoError("socket");
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (::bind(descriptor, AsAddress(address), length) != 0 || ::listen(descriptor, 128) != 0 ||
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    const absl::Status error = ErrnoError("listen");
    Close(descriptor, false);
    return error;
  }
  const absl::MutexLock lock(&mutex_);
  listeners_.push_back({descriptor, site, destination_port});
  if (!Watch(descriptor, TagOf(listeners_.size() - 1, kListenerTag)))
    return ErrnoError("epoll_ctl");
  return absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
}

void Relay::Change(const LinkOptions& options) {
  {
    const absl::MutexLock lock(&mutex_);
    round_trip_ = options.round_trip;
    to_target_.Change(options.round_trip / 2, options.bandwidth_bytes_per_s);
    to_source_.Change(options.round_trip / 2, options.bandwidth_bytes_per_s);
    next_wake_ = -absl::InfiniteDuration();
  }
  Wake();
}

void Relay::Cut() {
  const absl::MutexLock lock(&mutex_);
  cut_ = true;
}

void Relay::Heal() {
  {
    const absl::MutexLock lock(&mutex_);
    cut_ = false;
    next_wake_ = -absl::InfiniteDuration();
  }
  Wake();
}

bool Relay::cut() const {
  const absl::MutexLock lock(&mutex_);
  return cut_;
}

size_t Relay::connections() const {
  const absl::MutexLock lock(&mutex_);
  return connections_.size();
}

void Relay::Wake() {
  const uint64_t one = 1;
  // Full means that a wake is pending already.
  [[maybe_unused]] const ssize_t put = ::write(wake_, &one, sizeof one);
}

void Relay::RunOnce(absl::Duration wait_max) {
  absl::Duration wait;
  {
    const absl::MutexLock lock(&mutex_);
    wait = WaitFor(wait_max);
  }
  std::array<pollfd, 2> watched = {{{epoll_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  const timespec timeout = absl::ToTimespec(wait);
  ::ppoll(watched.data(), watched.size(), &timeout, nullptr);
  uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_, &wakes, sizeof wakes);

  const absl::MutexLock lock(&mutex_);
  TakeEvents();
  next_wake_ = absl::InfiniteDuration();
  if (cut_) return;
  const absl::Duration now = clock_.MonotonicNow();
  for (Listener& listener : listeners_) Accept(listener, now);
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = it->second;
    next_wake_ = std::min(next_wake_, Advance(it->first, connection, now));
    const bool over = connection.connected && connection.there->ended() && connection.back->ended();
    if (connection.broken || over) {
      Close(connection.client, connection.broken);
      Close(connection.server, connection.broken);
      it = connections_.erase(it);
    } else {
      ++it;
    }
  }
}

absl::Duration Relay::WaitFor(absl::Duration wait_max) const {
  if (cut_ || next_wake_ == absl::InfiniteDuration()) return wait_max;
  return std::clamp(next_wake_ - clock_.MonotonicNow(), absl::ZeroDuration(), wait_max);
}

void Relay::TakeEvents() {
  std::array<epoll_event, 64> events = {};
  const int count = ::epoll_wait(epoll_, events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) HandleEvent(events[static_cast<size_t>(i)].data.u64);
}

// Which of reading and writing became possible does not matter: trying tells.
void Relay::HandleEvent(uint64_t tag) {
  const uint64_t number = tag >> kTagBits;
  const uint64_t kind = tag & ((1 << kTagBits) - 1);
  if (kind == kListenerTag) {
    listeners_[number].pending = true;
    return;
  }
  const auto found = connections_.find(number);
  if (found == connections_.end() || found->second.there == nullptr) return;
  Connection& connection = found->second;
  Flow& incoming = kind == kClientTag ? *connection.there : *connection.back;
  Flow& outgoing = kind == kClientTag ? *connection.back : *connection.there;
  incoming.MayRead();
  outgoing.MayWrite();
  if (kind == kServerTag) connection.connected = true;
}

void Relay::Accept(Listener& listener, absl::Duration now) {
  while (listener.pending) {
    const int client =
        ::accept4(listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
      listener.pending = errno == EINTR || errno == ECONNABORTED;
      continue;
    }
    NoDelay(client);
    connections_.emplace(next_id_++, Connection{.client = client,
                                                .site = listener.site,
                                                .destination_port = listener.destination_port,
                                                .opens_at = now + round_trip_});
  }
}

absl::Duration Relay::Advance(uint64_t id, Connection& connection, absl::Duration now) {
  if (connection.server < 0) {
    if (now < connection.opens_at) return connection.opens_at;
    OpenServer(id, connection);
  }
  if (connection.broken || !connection.connected) return absl::InfiniteDuration();
  const absl::Duration there = connection.there->Pump(now);
  const absl::Duration back = connection.back->Pump(now);
  connection.broken = connection.there->broken() || connection.back->broken();
  return std::min(there, back);
}

// A refused connection shows as an error of the first read.
void Relay::OpenServer(uint64_t id, Connection& connection) {
  connection.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = Loopback(connection.destination_port);
  if (connection.server < 0 ||
      (::connect(connection.server, AsAddress(address), sizeof address) != 0 &&
       errno != EINPROGRESS)) {
    connection.broken = true;
    return;
  }
  NoDelay(connection.server);
  const bool from_source = connection.site == Site::kSource;
  connection.there = std::make_unique<Flow>(connection.client, connection.server,
                                            from_source ? to_target_ : to_source_);
  connection.back = std::make_unique<Flow>(connection.server, connection.client,
                                           from_source ? to_source_ : to_target_);
  connection.broken = !Watch(connection.client, TagOf(id, kClientTag)) ||
                      !Watch(connection.server, TagOf(id, kServerTag));
}

bool Relay::Watch(int descriptor, uint64_t tag) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace lab
