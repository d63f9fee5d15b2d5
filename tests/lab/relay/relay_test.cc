#include "lab/relay/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"

namespace lab {
namespace {

constexpr absl::Duration kRoundTrip = absl::Milliseconds(100);

// A non-blocking loopback socket.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() { Close(); }

  void Close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

  // How much was taken.
  size_t Send(const std::string& data) {
    const ssize_t put = ::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL);
    return put < 0 ? 0 : static_cast<size_t>(put);
  }
  void EndSending() { ::shutdown(descriptor_, SHUT_WR); }

  // Takes what is there into `received`.
  void Take() {
    char buffer[65'536];
    while (true) {
      const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
      if (got == 0) ended = true;
      if (got < 0 && errno != EAGAIN && errno != EINTR) reset = true;
      if (got <= 0) return;
      received.append(buffer, static_cast<size_t>(got));
    }
  }

  std::string received;
  bool ended = false;
  bool reset = false;

 private:
  int descriptor_;
};

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Server {
 public:
  Server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof address;
    REQUIRE(::bind(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(socket_.descriptor(), 16) == 0);
    REQUIRE(::getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address), &length) ==
            0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  const std::string& address() const { return address_; }
  Socket Accept() {
    return Socket(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK));
  }
  void Close() { socket_.Close(); }

 private:
  Socket socket_;
  std::string address_;
};

Socket ConnectTo(const std::string& address) {
  int port = 0;
  REQUIRE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  const sockaddr_in to = Loopback(port);
  const int made =
      ::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  REQUIRE((made == 0 || errno == EINPROGRESS));
  return socket;
}

// A relay under a clock that stands still, with one destination at the target.
struct Link {
  explicit Link(uint64_t bandwidth_bytes_per_s = 0)
      : relay(Relay::Create({kRoundTrip, bandwidth_bytes_per_s}, clock).value()),
        address(relay->Listen(Site::kSource, server.address()).value()) {}

  // Lets the relay do all that is to be done at this moment.
  void Settle() {
    for (int i = 0; i < 20; ++i) relay->RunOnce(absl::Milliseconds(1));
  }
  void Advance(absl::Duration by) {
    clock.Advance(by);
    Settle();
  }
  // Until `done`, moving the clock by 1 ms a turn; false after very many turns.
  bool AdvanceUntil(const std::function<bool()>& done) {
    for (int i = 0; i < 100'000; ++i) {
      if (done()) return true;
      relay->RunOnce(absl::ZeroDuration());
      if (i % 10 == 0) clock.Advance(absl::Milliseconds(1));
    }
    return false;
  }
  std::pair<Socket, Socket> Connected() {
    Socket client = ConnectTo(address);
    Settle();
    Advance(kRoundTrip);
    Socket accepted = server.Accept();
    REQUIRE(accepted.open());
    return {std::move(client), std::move(accepted)};
  }

  base::ManualClock clock{absl::UnixEpoch()};
  Server server;
  std::unique_ptr<Relay> relay;
  std::string address;
};

TEST_CASE("a connection takes a round trip to be made", "[relay]") {
  Link link;
  const Socket client = ConnectTo(link.address);
  link.Settle();
  link.Advance(kRoundTrip - absl::Milliseconds(1));
  CHECK_FALSE(link.server.Accept().open());
  link.Advance(absl::Milliseconds(1));
  CHECK(link.server.Accept().open());
}

TEST_CASE("bytes cross in half a round trip, each way", "[relay]") {
  Link link;
  auto [client, server] = link.Connected();
  client.Send("question");
  link.Settle();
  link.Advance(kRoundTrip / 2 - absl::Milliseconds(1));
  server.Take();
  CHECK(server.received.empty());
  link.Advance(absl::Milliseconds(1));
  server.Take();
  CHECK(server.received == "question");

  server.Send("answer");
  link.Settle();
  link.Advance(kRoundTrip / 2 - absl::Milliseconds(1));
  client.Take();
  CHECK(client.received.empty());
  link.Advance(absl::Milliseconds(1));
  client.Take();
  CHECK(client.received == "answer");
}

TEST_CASE("one side may end and still hear the other", "[relay]") {
  Link link;
  auto [client, server] = link.Connected();
  client.Send("last words");
  client.EndSending();
  link.Settle();
  link.Advance(kRoundTrip / 2);
  server.Take();
  CHECK(server.received == "last words");
  CHECK(server.ended);

  server.Send("noted");
  server.EndSending();
  link.Settle();
  link.Advance(kRoundTrip / 2);
  client.Take();
  CHECK(client.received == "noted");
  CHECK(client.ended);
  CHECK(link.relay->connections() == 0);
}

TEST_CASE("a destination that does not listen resets the connection", "[relay]") {
  Link link;
  link.server.Close();
  Socket client = ConnectTo(link.address);
  link.Settle();
  link.Advance(kRoundTrip);
  link.Advance(kRoundTrip / 2);
  client.Take();
  CHECK((client.reset || client.ended));
  CHECK(link.relay->connections() == 0);
}

TEST_CASE("a cut link keeps everything and passes nothing, and goes on when healed", "[relay]") {
  Link link;
  auto [client, server] = link.Connected();
  client.Send("on its way");
  link.Settle();
  link.relay->Cut();
  client.Send(", and more");
  server.Send("the other way");
  Socket newcomer = ConnectTo(link.address);
  link.Settle();
  link.Advance(absl::Hours(1));
  server.Take();
  client.Take();
  CHECK(server.received.empty());
  CHECK(client.received.empty());
  CHECK_FALSE(client.ended);
  CHECK_FALSE(link.server.Accept().open());

  link.relay->Heal();
  link.Settle();
  link.Advance(kRoundTrip);
  server.Take();
  client.Take();
  CHECK(server.received == "on its way, and more");
  CHECK(client.received == "the other way");
  CHECK(link.server.Accept().open());
}

TEST_CASE("the end of a side is not seen across a cut link", "[relay]") {
  Link link;
  auto [client, server] = link.Connected();
  link.relay->Cut();
  client.Close();
  link.Settle();
  link.Advance(absl::Hours(1));
  server.Take();
  CHECK_FALSE(server.ended);
  CHECK_FALSE(server.reset);
  link.relay->Heal();
  link.Settle();
  link.Advance(kRoundTrip);
  server.Take();
  CHECK((server.ended || server.reset));
}

// Goal: no cut, however placed, loses, repeats or swaps a byte, and memory stays bounded.
// Method: random bytes in random pieces through a slow link with random cuts.
TEST_CASE("every byte arrives once and in order through any cuts", "[relay][property]") {
  const uint32_t seed = GENERATE(range(1U, 9U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  Link link(seed % 2 == 0 ? 0 : 20'000'000);
  auto [client, server] = link.Connected();
  std::string content(2'000'000 + random() % 1'000'000, '\0');
  for (char& byte : content) byte = static_cast<char>(random());

  size_t sent = 0;
  const bool done = link.AdvanceUntil([&, &to = server, &from = client] {
    if (random() % 500 == 0) link.relay->Cut();
    if (random() % 50 == 0) link.relay->Heal();
    const size_t piece = 1 + random() % 100'000;
    if (sent < content.size()) {
      sent += from.Send(content.substr(sent, piece));
      if (sent == content.size()) from.EndSending();
    }
    to.Take();
    return to.ended;
  });
  REQUIRE(done);
  CHECK(server.received.size() == content.size());
  CHECK(server.received == content);
}

TEST_CASE("a receiver that does not read holds the sender back", "[relay]") {
  Link link(1'000'000);
  auto [client, server] = link.Connected();
  const std::string piece(1 << 20, 'x');
  size_t sent = 0;
  for (int i = 0; i < 1'000; ++i) {
    sent += client.Send(piece);
    link.relay->RunOnce(absl::ZeroDuration());
    link.clock.Advance(absl::Seconds(1));
  }
  CAPTURE(sent);
  CHECK(sent < 64U << 20);
}

}  // namespace
}  // namespace lab
