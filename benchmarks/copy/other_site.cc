#include "benchmarks/copy/other_site.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/priority.h"
#include "base/status_macros.h"
#include "lab/relay/relay.h"
#include "ledger/node/node.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

// Between the processes go lines. Orders: "start CONFIG" in hexadecimal, "cut", "heal"; the end of
// them is an order to end. Answers: "at ADDRESS" or "not ERROR", then "said SENTENCE"s.
constexpr absl::string_view kStart = "start ";
constexpr absl::string_view kAt = "at ";
constexpr absl::string_view kNot = "not ";
constexpr absl::string_view kSaid = "said ";

void Put(int connection, absl::string_view words) {
  const std::string line = absl::StrCat(absl::StrReplaceAll(words, {{"\n", " "}}), "\n");
  size_t put = 0;
  while (put < line.size()) {
    const ssize_t got = ::send(connection, line.data() + put, line.size() - put, MSG_NOSIGNAL);
    if (got <= 0) return;  // The other has gone, which reading tells.
    put += static_cast<size_t>(got);
  }
}

class Lines {
 public:
  explicit Lines(int connection) : file_(::fdopen(::dup(connection), "r")) {}
  ~Lines() {
    std::free(line_);
    if (file_ != nullptr) std::fclose(file_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  std::optional<std::string> Next() {
    const ssize_t got = file_ == nullptr ? -1 : ::getline(&line_, &room_, file_);
    if (got <= 0) return std::nullopt;
    return std::string(line_, static_cast<size_t>(got) - 1);
  }

 private:
  std::FILE* const file_;
  char* line_ = nullptr;
  size_t room_ = 0;
};

// The link, with a thread that moves what crosses it.
class Link {
 public:
  static absl::StatusOr<std::unique_ptr<Link>> Create(const lab::LinkOptions& options) {
    ASSIGN_OR_RETURN(auto relay, lab::Relay::Create(options, base::SystemClock()));
    return std::unique_ptr<Link>(new Link(std::move(relay)));
  }
  ~Link() {
    ending_ = true;
    relay_->Wake();
    thread_.join();
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  lab::Relay& relay() { return *relay_; }

 private:
  explicit Link(std::unique_ptr<lab::Relay> relay) : relay_(std::move(relay)) {
    thread_ = std::thread([this] {
      while (!ending_) relay_->RunOnce(absl::Seconds(1));
    });
  }
  std::unique_ptr<lab::Relay> relay_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

// What the other process is.
class Site {
 public:
  Site(int connection, std::optional<lab::LinkOptions> link)
      : connection_(connection), link_options_(link) {}

  void Run() {
    Lines orders(connection_);
    while (const std::optional<std::string> order = orders.Next()) {
      if (absl::StartsWith(*order, kStart)) {
        const absl::Status status = Start(absl::HexStringToBytes(order->substr(kStart.size())));
        Put(connection_, status.ok() ? absl::StrCat(kAt, node_->address())
                                     : absl::StrCat(kNot, status.message()));
      }
      if (link_ != nullptr && *order == "cut") link_->relay().Cut();
      if (link_ != nullptr && *order == "heal") link_->relay().Heal();
    }
  }

 private:
  absl::Status Start(const std::string& config) {
    ledger::NodeOptions options;
    if (!options.config.ParseFromString(config)) return absl::InternalError("no configuration");
    if (link_options_) {
      ASSIGN_OR_RETURN(link_, Link::Create(*link_options_));
      pb::Member& source = *options.config.mutable_members(0);
      ASSIGN_OR_RETURN(const std::string address,
                       link_->relay().Listen(lab::Site::kTarget, source.address()));
      source.set_address(address);
    }
    options.say = [this](const std::string& sentence) {
      Put(connection_, absl::StrCat(kSaid, sentence));
    };
    ASSIGN_OR_RETURN(node_, ledger::LedgerNode::Start(options));
    return absl::OkStatus();
  }

  const int connection_;
  const std::optional<lab::LinkOptions> link_options_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<ledger::LedgerNode> node_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OtherSite>> OtherSite::Fork(std::optional<lab::LinkOptions> link) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::InternalError(
        absl::StrCat("socketpair: ", std::generic_category().message(errno)));
  }
  const pid_t process = ::fork();
  if (process < 0) {
    return absl::InternalError(absl::StrCat("fork: ", std::generic_category().message(errno)));
  }
  ::close(ends[process == 0 ? 0 : 1]);
  if (process > 0) return std::unique_ptr<OtherSite>(new OtherSite(process, ends[0]));
  // Who is interrupted is the other, who then ends this one.
  std::signal(SIGINT, SIG_IGN);
  base::RunWhenIdle();
  Site(ends[1], link).Run();
  std::_Exit(0);
}

OtherSite::OtherSite(pid_t process, int connection) : process_(process), connection_(connection) {}

OtherSite::~OtherSite() {
  ::shutdown(connection_, SHUT_WR);
  ::waitpid(process_, nullptr, 0);
  if (listening_.joinable()) listening_.join();
  ::close(connection_);
}

void OtherSite::Order(absl::string_view line) const { Put(connection_, line); }

absl::StatusOr<std::string> OtherSite::Start(const pb::NodeConfig& config,
                                             std::function<void(const std::string&)> hear) {
  listening_ = std::thread([this, hear = std::move(hear)] { Listen(hear); });
  Order(absl::StrCat(kStart, absl::BytesToHexString(config.SerializeAsString())));
  const absl::MutexLock lock(&mutex_);
  const auto is_answered = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return address_.has_value();
  };
  mutex_.Await(absl::Condition(&is_answered));
  return *address_;
}

void OtherSite::Listen(const std::function<void(const std::string&)>& hear) {
  Lines lines(connection_);
  absl::StatusOr<std::string> address = absl::InternalError("the target's process has ended");
  while (const std::optional<std::string> line = lines.Next()) {
    if (absl::StartsWith(*line, kSaid)) hear(line->substr(kSaid.size()));
    if (absl::StartsWith(*line, kNot)) address = absl::InternalError(line->substr(kNot.size()));
    if (absl::StartsWith(*line, kAt)) address = line->substr(kAt.size());
    if (!absl::StartsWith(*line, kNot) && !absl::StartsWith(*line, kAt)) continue;
    const absl::MutexLock lock(&mutex_);
    address_ = address;
  }
  const absl::MutexLock lock(&mutex_);
  if (!address_) address_ = address;
}

}  // namespace benchmarks
