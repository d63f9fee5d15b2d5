// hamisha-ledger: one node of one shard.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/locks.h"
#include "base/memory.h"
#include "base/status_macros.h"
#include "hamisha/ledger/v1/copy.grpc.pb.h"
#include "ledger/copy/limits_text.h"
#include "ledger/node/config.h"
#include "ledger/node/node.h"
#include "ledger/node/offline_check.h"
#include "ledger/node/replay.h"
#include "rpc/rpc.h"

namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr int kFailed = 1;

void Say(const std::string& sentence) {
  const std::string now =
      absl::FormatTime(absl::RFC3339_full, base::SystemClock().WallNow(), absl::LocalTimeZone());
  std::cerr << absl::StrCat(now, " ", sentence, "\n") << std::flush;
}

int Fail(const absl::Status& status) {
  Say(absl::StrCat("hamisha-ledger: ", std::string(status.message())));
  return kFailed;
}

int Init(const std::string& data_dir) {
  const auto key = ledger::CreateKey(base::SystemFileSystem(), data_dir);
  if (!key.ok()) return Fail(key.status());
  std::cout << *key << std::endl;
  return 0;
}

int Bootstrap(const std::string& path) {
  auto config = ledger::ReadConfig(base::SystemFileSystem(), path);
  if (!config.ok()) return Fail(config.status());
  ledger::NodeOptions options;
  options.config = std::move(config).value();
  options.say = Say;
  const absl::Status status = ledger::Bootstrap(std::move(options));
  return status.ok() ? 0 : Fail(status);
}

int Serve(const std::string& path) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto config = ledger::ReadConfig(base::SystemFileSystem(), path);
  if (!config.ok()) return Fail(config.status());
  ledger::NodeOptions options;
  options.config = std::move(config).value();
  options.say = Say;
  options.on_fatal = [](const absl::Status& status) { std::_Exit(Fail(status)); };
  const auto node = ledger::LedgerNode::Start(std::move(options));
  if (!node.ok()) return Fail(node.status());
  std::cout << "listening on " << (*node)->address() << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  Say("stopping");
  (*node)->Stop();
  return 0;
}

int Replay(const std::string& data_dir, uint32_t shard) {
  const auto replayed = ledger::ReplayLog(base::SystemFileSystem(), data_dir, shard);
  if (!replayed.ok()) return Fail(replayed.status());
  std::cout << ledger::ToJson(*replayed) << std::endl;
  return 0;
}

int Prove(const std::string& data_dir, ledger::AccountAt wanted, const std::string& account) {
  const auto id = ledger::ParseAccountId(account);
  if (!id.ok()) return Fail(id.status());
  wanted.account = *id;
  const auto proof = ledger::ProveFromLog(base::SystemFileSystem(), data_dir, wanted);
  if (!proof.ok()) return Fail(proof.status());
  std::cout << ledger::ToJson(*proof) << std::endl;
  return 0;
}

int Verify(const ledger::CutoverFiles& given) {
  const auto checked = ledger::CheckCutover(base::SystemFileSystem(), given);
  if (!checked.ok()) return Fail(checked.status());
  std::cout << *checked << std::endl;
  return 0;
}

// What `limits` was told to change.
struct LimitChanges {
  std::string address;
  std::string max_rate;
  std::optional<double> latency_ratio;
  std::vector<std::string> quiet;
  std::string zone;
  bool no_quiet = false;

  bool any() const {
    return !max_rate.empty() || latency_ratio.has_value() || !quiet.empty() || no_quiet;
  }
};

absl::Status Change(const LimitChanges& changes, pb::CopyLimits& limits) {
  if (!changes.max_rate.empty()) {
    ASSIGN_OR_RETURN(const uint64_t rate, ledger::ParseRate(changes.max_rate));
    limits.set_max_bytes_per_s(rate);
  }
  if (changes.latency_ratio) limits.set_max_commit_latency_ratio(*changes.latency_ratio);
  if (changes.no_quiet || !changes.quiet.empty()) limits.clear_quiet_hours();
  for (const std::string& text : changes.quiet) {
    ASSIGN_OR_RETURN(*limits.add_quiet_hours(), ledger::ParseQuietHours(text, changes.zone));
  }
  return absl::OkStatus();
}

// Shows the limits of a node that runs, changed first where that was asked for.
int Limits(const LimitChanges& changes) {
  const auto stub = pb::Copies::NewStub(rpc::Connect(changes.address));
  pb::CopyLimits limits;
  grpc::ClientContext asking;
  grpc::Status answer = stub->GetCopyLimits(&asking, pb::GetCopyLimitsRequest(), &limits);
  if (answer.ok() && changes.any()) {
    const absl::Status changed = Change(changes, limits);
    if (!changed.ok()) return Fail(changed);
    grpc::ClientContext setting;
    const pb::CopyLimits wanted = limits;
    answer = stub->SetCopyLimits(&setting, wanted, &limits);
  }
  if (!answer.ok()) return Fail(rpc::FromGrpc(answer));
  std::cout << ledger::ToText(limits) << std::flush;
  return 0;
}

void AddLimitOptions(CLI::App& limits, LimitChanges& changes) {
  limits.add_option("address", changes.address, "host:port of a node that runs.")->required();
  limits.add_option("--max-rate", changes.max_rate, "As 50MB/s, as sent; 0: no limit.");
  limits.add_option("--latency-ratio", changes.latency_ratio,
                    "Slower while the p99 of commits is above so many times what it is without "
                    "a copy, as 2; 0: not looked at.");
  CLI::Option* const quiet = limits.add_option(
      "--quiet", changes.quiet,
      "As 22:00-06:00@10MB/s, without a rate: nothing is sent then. In place of all "
      "quiet hours; may be given again.");
  CLI::Option* const zone =
      limits.add_option("--zone", changes.zone, "The clock of the quiet hours, as +03:00 or Z.");
  // Hours by a clock that nobody named would be some hours off.
  quiet->needs(zone);
  zone->needs(quiet);
  limits.add_flag("--no-quiet", changes.no_quiet, "No quiet hours.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One node of one shard of the ledger.");
  app.require_subcommand(1);
  std::string data_dir;
  std::string config;
  uint32_t shard = 0;
  CLI::App* const init =
      app.add_subcommand("init", "Create the node's key and print its public part.");
  init->add_option("--data", data_dir, "The node's data folder.")->required();
  CLI::App* const bootstrap =
      app.add_subcommand("bootstrap", "Write the shard's first record: only its first owner.");
  bootstrap->add_option("--config", config, "NodeConfig as JSON.")->required();
  CLI::App* const serve = app.add_subcommand("serve", "Serve until SIGTERM.");
  serve->add_option("--config", config, "NodeConfig as JSON.")->required();
  CLI::App* const replay = app.add_subcommand(
      "replay", "Compute the state root from the log alone, while no node runs: JSON.");
  replay->add_option("--data-dir", data_dir, "The node's data folder.")->required();
  replay->add_option("--shard", shard, "The node's shard.")->required();
  ledger::AccountAt wanted;
  std::string account;
  CLI::App* const prove = app.add_subcommand(
      "prove", "Prove an account against the state root at a position, from the log alone: JSON.");
  prove->add_option("--data-dir", data_dir, "A stopped node's data folder, or a copy.")->required();
  prove->add_option("--shard", wanted.shard, "The node's shard.")->required();
  prove->add_option("--position", wanted.position, "The sealed position.")->required();
  prove->add_option("--account", account, "Its id, 32 hexadecimal digits.")->required();
  ledger::CutoverFiles given;
  CLI::App* const verify = app.add_subcommand(
      "verify", "Check the certificates of a cutover, and a proof against them: JSON.");
  verify
      ->add_option("--certificate", given.certificates,
                   "A certificate in JSON; one of each side, so at least two.")
      ->required();
  verify->add_option("--keys", given.keys, "The nodes' public keys in JSON.")->required();
  verify->add_option("--proof", given.proof, "An account's proof in JSON.");
  CLI::App* const limits =
      app.add_subcommand("limits", "What copies from a node may take of it: show, change.");
  LimitChanges changes;
  AddLimitOptions(*limits, changes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*init) return Init(data_dir);
  if (*bootstrap) return Bootstrap(config);
  if (*limits) return Limits(changes);
  if (*replay) return Replay(data_dir, shard);
  if (*prove) return Prove(data_dir, wanted, account);
  if (*verify) return Verify(given);
  base::KeepFreedMemory();
  base::DoNotLookForDeadlocks();
  return Serve(config);
}
