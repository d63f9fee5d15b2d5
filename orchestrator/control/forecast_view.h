#pragma once

#include <string>

#include "hamisha/orchestrator/v1/forecast.pb.h"
#include "orchestrator/forecast/forecast.h"
#include "orchestrator/journal/journal.h"

namespace orchestrator {

// What operators see of a forecast. `unprofiled`: what is only guessed, in words.
hamisha::orchestrator::v1::Forecast ViewOf(const Forecast& forecast, const Plan& plan,
                                           const std::string& unprofiled);

// A note for the journal, for auditors; time and term are the caller's to add.
JournalEntry ForecastEntry(const Forecast& forecast, const Plan& plan, const std::string& phase);

}  // namespace orchestrator
