#include "simulation/cli/render.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace simulation {
namespace {

using Endings = std::map<std::string, Survey::Ending>;

std::vector<std::pair<std::string, Survey::Ending>> MostFirst(const Endings& endings) {
  std::vector<std::pair<std::string, Survey::Ending>> sorted(endings.begin(), endings.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  return sorted;
}

std::string Lines(const Endings& endings) {
  std::string text;
  for (const auto& [what, ending] : MostFirst(endings)) {
    absl::StrAppendFormat(&text, "  %8d  %s  (seed %d)\n", ending.count, what, ending.seed);
  }
  return text;
}

nlohmann::json ToJson(const Endings& endings) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [what, ending] : MostFirst(endings)) {
    list.push_back({{"what", what}, {"count", ending.count}, {"seed", ending.seed}});
  }
  return list;
}

template <typename Percentile>
nlohmann::json ToJson(const Percentile& at) {
  return {{"p50_s", absl::ToDoubleSeconds(at(0.5))},
          {"p90_s", absl::ToDoubleSeconds(at(0.9))},
          {"max_s", absl::ToDoubleSeconds(at(1))}};
}

}  // namespace

std::string ShortDuration(absl::Duration duration) {
  absl::Duration unit = absl::Microseconds(1);
  while (unit * 1000 <= duration && unit < absl::Seconds(1)) unit *= 10;
  if (duration >= absl::Minutes(10)) unit = absl::Seconds(1);
  return absl::FormatDuration(absl::Floor(duration + unit / 2, unit));
}

std::string RenderText(const Survey& survey, const SurveyHeader& header) {
  std::string text =
      absl::StrFormat("%s: %d weekends, seeds %d to %d, faults: %s\n", header.plan, survey.worlds(),
                      header.first_seed, header.first_seed + survey.worlds() - 1, header.faults);
  absl::StrAppend(&text, "finish        P50 ", ShortDuration(survey.Length(0.5)), ", P90 ",
                  ShortDuration(survey.Length(0.9)), ", longest ", ShortDuration(survey.Length(1)),
                  "\n");
  absl::StrAppend(&text, "longest write P50 ", ShortDuration(survey.LongestWait(0.5)), ", P90 ",
                  ShortDuration(survey.LongestWait(0.9)), ", longest ",
                  ShortDuration(survey.LongestWait(1)), "\n");
  if (const auto held = survey.window_held(); held.has_value()) {
    absl::StrAppendFormat(&text, "window        held in %d of %d (%.1f %%)\n", *held,
                          survey.worlds(),
                          100.0 * static_cast<double>(*held) /
                              static_cast<double>(std::max<uint64_t>(survey.worlds(), 1)));
  } else {
    absl::StrAppend(&text, "window        the playbook has none\n");
  }
  absl::StrAppend(&text, "how it ended\n", Lines(survey.endings()));
  absl::StrAppend(&text, survey.broken().empty() ? "no promise was broken\n" : "BROKEN PROMISES\n",
                  Lines(survey.broken()));
  absl::StrAppendFormat(&text, "%.0f weekends a second and core\n", header.worlds_per_s_and_core);
  absl::StrAppend(&text, "the story of one: ", header.replay, " --seed SEED\n");
  return text;
}

std::string RenderJson(const Survey& survey, const SurveyHeader& header) {
  nlohmann::json object = {
      {"plan", header.plan},
      {"faults", header.faults},
      {"weekends", survey.worlds()},
      {"first_seed", header.first_seed},
      {"finish", ToJson([&](double share) { return survey.Length(share); })},
      {"longest_write", ToJson([&](double share) { return survey.LongestWait(share); })},
      {"endings", ToJson(survey.endings())},
      {"broken_promises", ToJson(survey.broken())},
      {"events", survey.events()},
      {"weekends_per_s_and_core", header.worlds_per_s_and_core},
      {"replay", header.replay + " --seed SEED"}};
  if (const auto held = survey.window_held()) object["window_held"] = *held;
  if (const auto first = survey.first_broken()) object["first_broken_seed"] = *first;
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace simulation
