// A new replica's copy of a node's snapshot and history: both nodes and the disk on this machine.
// JSON on stdout.
#include <CLI/CLI.hpp>
#include <atomic>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/locks.h"
#include "base/memory.h"
#include "base/status_macros.h"
#include "benchmarks/common/figures.h"
#include "benchmarks/copy/copy_pair.h"
#include "benchmarks/copy/found.h"
#include "benchmarks/copy/machine.h"
#include "benchmarks/copy/other_site.h"
#include "benchmarks/ledger/closed_loop.h"
#include "benchmarks/ledger/open_loop.h"

namespace benchmarks {
namespace {

namespace pb = ::hamisha::ledger::v1;

constexpr double kTimeoutS = 1'800;
constexpr double kCaughtUp = 100;  // Records behind.

struct Options {
  std::string folder = std::filesystem::temp_directory_path();
  std::optional<std::string> source_folder;
  std::optional<std::string> target_folder;
  uint64_t accounts = 1'000'000;
  uint64_t transfers = 6'000'000;
  uint32_t streams = 4;
  double rate = 0;
  double coalesce_ms = 0;
  double before_s = 15;
  double round_trip_ms = 0;
  double link_mb_per_s = 200;
  int cuts = 0;
  double cut_s = 1;
  double turn_s = 0;
};

// A copy that goes and stands still in turns: what customers find with and without it is then of
// the same minutes, of which a machine or a disk that others share has good ones and bad ones.
class Turns {
 public:
  struct Kinds {
    Found copying;
    Found held;
    Found between;  // What was under way ends, or begins.
  };
  static constexpr double kBetweenS = 2;

  // Each takes `turn_s`, of which the first kBetweenS do not count; 0: it goes all the time.
  Turns(CopyPair& pair, double turn_s, Kinds& kinds, std::atomic<Found*>& phase)
      : pair_(pair), turn_s_(turn_s), kinds_(kinds), phase_(phase) {
    phase_ = &kinds_.copying;
  }

  absl::Status Look() {
    const double now_s = SecondsNow();
    if (turn_s_ == 0) return absl::OkStatus();
    if (now_s < since_s_ + turn_s_) {
      if (now_s >= since_s_ + kBetweenS) phase_ = is_held_ ? &kinds_.held : &kinds_.copying;
      return absl::OkStatus();
    }
    phase_ = &kinds_.between;
    is_held_ = !is_held_;
    RETURN_IF_ERROR(pair_.HoldCopy(is_held_));
    since_s_ = SecondsNow();
    return absl::OkStatus();
  }

 private:
  CopyPair& pair_;
  const double turn_s_;
  Kinds& kinds_;
  std::atomic<Found*>& phase_;
  bool is_held_ = false;
  double since_s_ = SecondsNow();
};

struct Copied {
  double seconds = 0;
  double offered_s = 0;  // Since it was told to follow, as the next.
  double arrived_s = 0;
  int cuts = 0;
};

// Follows, cuts the link now and then, and waits until all is there.
absl::StatusOr<Copied> Copy(CopyPair& pair, const Options& options, Turns turns,
                            const std::atomic<bool>& stop) {
  Copied copied;
  const double begin = SecondsNow();
  RETURN_IF_ERROR(pair.Follow());
  while (!pair.IsCopied()) {
    if (stop) return absl::CancelledError("interrupted");
    if (SecondsNow() - begin > kTimeoutS)
      return absl::DeadlineExceededError("the copy takes too long");
    absl::SleepFor(absl::Milliseconds(10));
    RETURN_IF_ERROR(turns.Look());
    const auto status = pair.TargetStatus();
    if (!status.ok() || status->copy().bytes_total() == 0) continue;
    if (copied.offered_s == 0) copied.offered_s = SecondsNow() - begin;
    if (copied.arrived_s == 0 && status->copy().bytes_done() == status->copy().bytes_total()) {
      copied.arrived_s = SecondsNow() - begin;
    }
    if (options.round_trip_ms == 0 || copied.cuts == options.cuts) continue;
    const auto part = static_cast<uint64_t>(copied.cuts + 1) * status->copy().bytes_total() /
                      static_cast<uint64_t>(options.cuts + 1);
    if (status->copy().bytes_done() < part) continue;
    pair.other_site().CutLink();
    absl::SleepFor(absl::Seconds(options.cut_s));
    pair.other_site().HealLink();
    ++copied.cuts;
  }
  copied.seconds = SecondsNow() - begin;
  return copied;
}

absl::Status AwaitCaughtUp(CopyPair& pair, double behind_max, const std::atomic<bool>& stop) {
  const double begin = SecondsNow();
  while (SecondsNow() - begin < kTimeoutS) {
    if (stop) return absl::CancelledError("interrupted");
    const auto source = pair.SourceStatus();
    const auto target = pair.TargetStatus();
    if (source.ok() && target.ok() && target->position() > 0 &&
        static_cast<double>(target->position()) + behind_max >=
            static_cast<double>(source->position())) {
      return target->fault().empty() ? absl::OkStatus() : absl::InternalError(target->fault());
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError("the target does not catch up");
}

// The source still merges its history when it has taken the last transfer, which would take a core
// and half the disk from what is measured.
absl::Status AwaitQuiet(const std::atomic<bool>& stop) {
  constexpr double kQuiet = 0.05;  // Of a core.
  const double begin = SecondsNow();
  while (SecondsNow() - begin < kTimeoutS) {
    if (stop) return absl::CancelledError("interrupted");
    const double since = SecondsNow();
    const std::clock_t used = std::clock();
    absl::SleepFor(absl::Milliseconds(500));
    const double busy_s = static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
    if (busy_s < kQuiet * (SecondsNow() - since)) return absl::OkStatus();
  }
  return absl::DeadlineExceededError("the source does not come to rest");
}

struct Measured {
  CopyBounds bounds_before;
  CopyBounds bounds_after;
  Copied copied;
  double bytes = 0;
  double again_bytes = 0;
  Found before;
  Turns::Kinds during;
  Found opening;

  double bytes_per_s() const { return bytes / copied.seconds; }
  CopyBounds bounds() const { return Mean(bounds_before, bounds_after); }
};

std::vector<Figure> Figures(const Options& options, const Measured& measured) {
  const Found& before = options.turn_s > 0 ? measured.during.held : measured.before;
  const Found& during = measured.during.copying;
  std::vector<Figure> figures;
  if (options.round_trip_ms == 0 && options.rate == 0) {
    figures.push_back({"copy to a new replica", measured.bytes_per_s() / 1e6, "MB/s",
                       0.7 * measured.bounds().slower() / 1e6, measured.bounds().slower() / 1e6});
  }
  if (options.rate > 0) {
    figures.push_back({"p99 of the source's customers while it is copied", during.p99_ms(), "ms",
                       2 * before.p99_ms(), std::nullopt});
    figures.push_back({"the same of the median second", during.median_second_ms(), "ms",
                       2 * before.median_second_ms(), std::nullopt});
  }
  if (before.undisturbed_customers() > 0 && during.undisturbed_customers() > 0) {
    figures.push_back({"the same of seconds of which the host took under 5 % of a processor",
                       during.undisturbed_p99_ms(), "ms", 2 * before.undisturbed_p99_ms(),
                       std::nullopt});
  }
  if (options.cuts > 0) {
    figures.push_back({absl::StrCat("sent again after ", measured.copied.cuts, " cuts"),
                       100 * measured.again_bytes / measured.bytes, "%", 1, std::nullopt});
  }
  return figures;
}

nlohmann::json Report(const Options& options, const Measured& measured) {
  const CopyBounds bounds = measured.bounds();
  return {{"accounts", options.accounts},
          {"transfers", options.transfers},
          {"bytes", measured.bytes},
          {"seconds", measured.copied.seconds},
          {"offered_s", measured.copied.offered_s},
          {"arrived_s", measured.copied.arrived_s},
          {"bytes_per_s", measured.bytes_per_s()},
          {"disk_write_bytes_per_s", bounds.disk_write_bytes_per_s},
          {"disk_write_bytes_per_s_before", measured.bounds_before.disk_write_bytes_per_s},
          {"disk_write_bytes_per_s_after", measured.bounds_after.disk_write_bytes_per_s},
          {"disk_copy_bytes_per_s", bounds.disk_copy_bytes_per_s},
          {"of_disk_copy", measured.bytes_per_s() / bounds.disk_copy_bytes_per_s},
          {"loopback_bytes_per_s", bounds.loopback_bytes_per_s},
          {"of_the_slower", measured.bytes_per_s() / bounds.slower()},
          {"other_site", "target and link: a process of its own, SCHED_IDLE"},
          {"source_folder", options.source_folder.value_or(options.folder)},
          {"coalesce_ms", options.coalesce_ms},
          {"target_folder", options.target_folder.value_or(options.folder)},
          {"cuts", measured.copied.cuts},
          {"sent_again_bytes", measured.again_bytes},
          {"before", measured.before.ToJson()},
          {"turn_s", options.turn_s},
          {"during", measured.during.copying.ToJson()},
          {"held", measured.during.held.ToJson()},
          {"opening", measured.opening.ToJson()},
          {"figures", ToJson(Figures(options, measured))}};
}

absl::Status Fill(CopyPair& pair, const Options& options, const std::atomic<bool>& stop) {
  RETURN_IF_ERROR(pair.CreateAccounts(options.accounts));
  ClosedLoad fill{.batch = 8'190,
                  .in_flight = 3,
                  .transfers = options.transfers,
                  .seconds = 3'600,
                  .kind = {.accounts = options.accounts}};
  RETURN_IF_ERROR(RunClosedLoop(pair.source(), fill, stop).status());
  RETURN_IF_ERROR(pair.TakeSnapshot());
  return AwaitQuiet(stop);
}

absl::Status Wait(double seconds, const std::atomic<bool>& stop) {
  const double end = SecondsNow() + seconds;
  while (SecondsNow() < end) {
    if (stop) return absl::CancelledError("interrupted");
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::OkStatus();
}

// The copy, with what is found before, during and after it by whom `phase` tells of the phases.
absl::Status CopyInPhases(CopyPair& pair, const Options& options, const std::atomic<bool>& stop,
                          Measured& measured, std::atomic<Found*>& phase) {
  RETURN_IF_ERROR(Wait(options.rate > 0 ? options.before_s : 0, stop));
  ASSIGN_OR_RETURN(measured.copied,
                   Copy(pair, options, {pair, options.turn_s, measured.during, phase}, stop));
  // The target then opens all that came, on the same cores.
  phase = &measured.opening;
  return AwaitCaughtUp(pair, options.rate + kCaughtUp, stop);
}

// The copy, beside the customers if there are any.
absl::Status CopyBesideCustomers(CopyPair& pair, const Options& options,
                                 const std::atomic<bool>& stop, Measured& measured) {
  std::atomic<Found*> phase = &measured.before;
  std::atomic<bool> is_over = false;
  absl::Status served;
  std::thread serving([&] {
    if (options.rate == 0) return;
    OpenLoop customers(pair.source(), {.transfers_per_s = options.rate,
                                       .coalesce_s = options.coalesce_ms / 1e3,
                                       .first = options.transfers,
                                       .kind = {.accounts = options.accounts}});
    StolenTime stolen;
    served = customers
                 .Run(2 * kTimeoutS, is_over,
                      [&](const lab::Histogram& second_us) {
                        phase.load()->Add(second_us, stolen.Share());
                      })
                 .status();
  });
  const absl::Status copied = CopyInPhases(pair, options, stop, measured, phase);
  is_over = true;
  serving.join();
  RETURN_IF_ERROR(copied);
  if (!absl::IsCancelled(served)) RETURN_IF_ERROR(served);
  return AwaitCaughtUp(pair, kCaughtUp, stop);
}

absl::StatusOr<nlohmann::json> Run(const Options& options, std::unique_ptr<OtherSite> other_site,
                                   const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyPair> pair,
                   CopyPair::Start({.source = options.source_folder.value_or(options.folder),
                                    .target = options.target_folder.value_or(options.folder)},
                                   options.streams, std::move(other_site)));
  RETURN_IF_ERROR(Fill(*pair, options, stop));
  Measured measured;
  ASSIGN_OR_RETURN(measured.bounds_before,
                   MeasureBounds(options.folder, static_cast<int>(options.streams)));
  RETURN_IF_ERROR(CopyBesideCustomers(*pair, options, stop, measured));
  // A disk gives less for a while after gigabytes.
  RETURN_IF_ERROR(AwaitQuiet(stop));
  ASSIGN_OR_RETURN(measured.bounds_after,
                   MeasureBounds(options.folder, static_cast<int>(options.streams)));
  measured.bytes = static_cast<double>(pair->copied_bytes());
  measured.again_bytes = static_cast<double>(pair->sent_again_bytes());
  return Report(options, measured);
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--folder", options.folder, "On the disk to measure.")->capture_default_str();
  app.add_option("--source-folder", options.source_folder,
                 "For the source's data, on another disk or in memory; none: on that as well.");
  app.add_option("--target-folder", options.target_folder, "The same for the target's.");
  app.add_option("--accounts", options.accounts)
      ->check(CLI::Range(uint64_t{2}, uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--transfers", options.transfers, "In history before the copy.")
      ->capture_default_str();
  app.add_option("--streams", options.streams)->check(CLI::Range(1, 16))->capture_default_str();
  app.add_option("--rate", options.rate, "Transfers a second at the source meanwhile.")
      ->capture_default_str();
  app.add_option("--coalesce-ms", options.coalesce_ms,
                 "Those due within this time share a call; 0: a call for each.")
      ->check(CLI::Range(0.0, 1'000.0))
      ->capture_default_str();
  app.add_option("--before", options.before_s, "Seconds of them before the copy.")
      ->capture_default_str();
  app.add_option("--round-trip-ms", options.round_trip_ms, "Of a link between the two; 0: none.")
      ->capture_default_str();
  app.add_option("--link-mb", options.link_mb_per_s, "MB/s that it carries.")
      ->capture_default_str();
  app.add_option("--cuts", options.cuts, "Of the link, at even distances.")->capture_default_str();
  app.add_option("--cut-seconds", options.cut_s)->capture_default_str();
  app.add_option("--turn-seconds", options.turn_s,
                 "The copy goes and stands still for so long in turns; without it, it always goes.")
      ->check(CLI::Range(2 * Turns::kBetweenS, 3'600.0));
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("A copy of a node's snapshot and history to a new replica.");
  AddOptions(app, options);
  CLI11_PARSE(app, argc, argv);
  base::KeepFreedMemory();  // As hamisha-ledger.
  base::DoNotLookForDeadlocks();
  std::optional<lab::LinkOptions> link;
  if (options.round_trip_ms > 0) {
    link = {.round_trip = absl::Milliseconds(options.round_trip_ms),
            .bandwidth_bytes_per_s = static_cast<uint64_t>(options.link_mb_per_s * 1e6)};
  }
  auto other_site = OtherSite::Fork(link);
  const base::Interrupt interrupt;
  const auto result = other_site.ok() ? Run(options, *std::move(other_site), interrupt.flag())
                                      : absl::StatusOr<nlohmann::json>(other_site.status());
  if (!result.ok()) {
    std::cerr << "bench-copy: " << result.status().message() << "\n";
    return 1;
  }
  std::cout << result->dump(2) << std::endl;
  return 0;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) { return benchmarks::Main(argc, argv); }
