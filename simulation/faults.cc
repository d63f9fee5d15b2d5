#include "simulation/faults.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace simulation {
namespace {

// Most are short beside an order's patience; some outlast it.
absl::Duration DrawDuration(Dice& dice) {
  if (dice.Chance(0.2)) return dice.Between(absl::Seconds(5), absl::Seconds(40));
  return dice.Between(absl::Milliseconds(50), absl::Seconds(4));
}

absl::Duration DrawTime(absl::Duration sunny_length, Dice& dice) {
  return dice.Between(absl::ZeroDuration(), dice.Chance(0.25) ? absl::Seconds(40) : sunny_length);
}

Fault DrawPlaced(const std::vector<std::string>& places, absl::Duration sunny_length, Dice& dice) {
  const auto place = [&] { return places[dice.Below(places.size())]; };
  Fault fault{.kind = Fault::Kind::kCrash, .what = place(), .other = {}};
  fault.after = DrawTime(sunny_length, dice);
  fault.duration = DrawDuration(dice);
  if (dice.Chance(0.4)) {
    fault.kind = Fault::Kind::kCut;
    fault.other = place();
    if (dice.Chance(0.4)) {
      fault.what = "site:0";
      fault.other = "site:1";
    }
  }
  return fault;
}

uint32_t DrawNumber(double expected, Dice& dice) {  // Poisson.
  const double limit = std::exp(-expected);
  uint32_t number = 0;
  for (double product = dice.Unit(); product > limit; product *= dice.Unit()) ++number;
  return number;
}

}  // namespace

FaultRates HarshRates() {
  return {.faults = 2.5,
          .bad_network = 0.3,
          .bad_disk = 0.1,
          .takeover = 0.15,
          .rollback = 0.15,
          .pause = 0.1,
          .abort = 0.02,
          .abort_time = 0.05,
          .reject = 0.02,
          .clock = 0.1,
          .failing_step = 0.2,
          .rogue_orders = 0.2,
          .rogue_calls = 0.2};
}

std::vector<Fault> DrawFaults(const FaultRates& rates, const std::vector<std::string>& places,
                              absl::Duration sunny_length, Dice& dice) {
  std::vector<Fault> faults;
  const auto at = [&](Fault::Kind kind) {
    Fault fault{.kind = kind, .what = {}, .other = {}};
    fault.after = DrawTime(sunny_length, dice);
    fault.duration = DrawDuration(dice);
    return fault;
  };
  for (uint32_t left = DrawNumber(rates.faults, dice); left > 0; --left) {
    faults.push_back(DrawPlaced(places, sunny_length, dice));
  }
  if (dice.Chance(rates.bad_network)) {
    Fault fault{.kind = Fault::Kind::kNetwork, .what = {}, .other = {}};
    fault.duration = absl::Seconds(60);
    fault.network.loss = dice.Unit() * 0.03;
    fault.network.repeat = dice.Unit() * 0.2;
    fault.network.straggle = dice.Unit() * 0.02;
    fault.network.outlive_stream = dice.Unit();
    faults.push_back(fault);
  }
  if (dice.Chance(rates.bad_disk)) {
    Fault fault{.kind = Fault::Kind::kDisk, .what = {}, .other = {}};
    fault.duration = absl::Seconds(60);
    fault.stall = dice.Unit() * 0.1;
    faults.push_back(fault);
  }
  if (dice.Chance(rates.takeover)) faults.push_back(at(Fault::Kind::kTakeover));
  if (dice.Chance(rates.rollback)) faults.push_back(at(Fault::Kind::kRollback));
  if (dice.Chance(rates.pause)) faults.push_back(at(Fault::Kind::kPause));
  if (dice.Chance(rates.abort)) faults.push_back(at(Fault::Kind::kAbort));
  if (dice.Chance(rates.abort_time)) faults.push_back(at(Fault::Kind::kAbortTime));
  if (dice.Chance(rates.clock)) {
    Fault fault = at(Fault::Kind::kClock);
    fault.clock_step = dice.Between(-absl::Hours(2), absl::Hours(2));
    faults.push_back(fault);
    Fault crash = fault;  // It is read when a process starts.
    crash.kind = Fault::Kind::kCrash;
    crash.what = "orchestrator";
    crash.duration = dice.Between(absl::Milliseconds(50), absl::Seconds(4));
    faults.push_back(crash);
  }
  return faults;
}

std::string ToText(const Fault& fault) {
  std::string text;
  switch (fault.kind) {
    case Fault::Kind::kCrash: text = absl::StrCat("crash ", fault.what); break;
    case Fault::Kind::kCut: text = absl::StrCat("cut ", fault.what, " from ", fault.other); break;
    case Fault::Kind::kTakeover: text = "a second orchestrator"; break;
    case Fault::Kind::kRollback: text = "an operator asks for the way back"; break;
    case Fault::Kind::kPause: text = "an operator pauses the run"; break;
    case Fault::Kind::kAbort: text = "an operator aborts the run"; break;
    case Fault::Kind::kAbortTime: text = "the latest safe abort time comes"; break;
    case Fault::Kind::kClock:
      text = absl::StrCat("clock step ", absl::FormatDuration(fault.clock_step));
      break;
    case Fault::Kind::kNetwork: text = "a bad network"; break;
    case Fault::Kind::kDisk: text = "a bad disk"; break;
  }
  absl::StrAppend(&text, ", ", absl::FormatDuration(fault.after), " after the start");
  if (!fault.step.empty()) absl::StrAppend(&text, ", in step ", fault.step);
  if (fault.event > 0) absl::StrAppend(&text, ", at event ", fault.event);
  return absl::StrCat(text, ", for ", absl::FormatDuration(fault.duration));
}

}  // namespace simulation
