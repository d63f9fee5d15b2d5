#include "orchestrator/cli/coverage_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "orchestrator/cli/text.h"
#include "orchestrator/coverage/coverage.h"

namespace orchestrator {
namespace {

namespace v1 = hamisha::orchestrator::v1;

std::string YesOrNo(bool yes) { return yes ? "yes" : "no"; }

bool IsProved(const v1::StepCoverage& step) {
  return std::all_of(step.undo().begin(), step.undo().end(),
                     [](const v1::UndoCoverage& undo) { return undo.proved(); });
}

std::string WayBack(const v1::StepCoverage& step) {
  if (step.undo().empty()) return "-";
  if (IsProved(step)) return "proved";
  std::vector<std::string> missing;
  for (const v1::UndoCoverage& undo : step.undo()) {
    if (undo.proved()) continue;
    missing.push_back(
        absl::StrCat(undo.action(), undo.tried() ? " (nothing was to be undone)" : ""));
  }
  return absl::StrCat("NOT PROVED: ", absl::StrJoin(missing, ", "));
}

std::string Sums(const v1::CoverageView& coverage) {
  const auto count = [&](auto is) {
    return std::count_if(coverage.steps().begin(), coverage.steps().end(), is);
  };
  const auto has_way_back = [](const v1::StepCoverage& step) { return !step.undo().empty(); };
  const auto all = coverage.steps_size();
  return absl::StrCat(count([](const auto& step) { return step.ran(); }), " of ", all,
                      " steps ran, ", count([](const auto& step) { return step.failed(); }), " of ",
                      all, " failed once, ", count([](const auto& step) { return step.probed(); }),
                      " of ", all, " were unknown once; ",
                      count([&](const auto& step) { return has_way_back(step) && IsProved(step); }),
                      " of ", count(has_way_back), " ways back are proved");
}

}  // namespace

std::string RenderCoverage(const v1::CoverageView& coverage) {
  std::string text = absl::StrCat(
      "playbook  ", coverage.playbook_digest(), "\nruns      ",
      coverage.runs().empty() ? std::string("none") : absl::StrJoin(coverage.runs(), ", "), "\n");
  if (coverage.steps().empty()) {
    return absl::StrCat(text,
                        "no rehearsal of this playbook is known: hamisha rehearse PLAYBOOK "
                        "--lab LAB --way-back\n");
  }
  std::vector<std::vector<std::string>> rows = {
      {"step", "action", "ran", "failed", "unknown", "on failure", "way back"}};
  for (const v1::StepCoverage& step : coverage.steps()) {
    rows.push_back({Printable(step.step()), Printable(step.action()), YesOrNo(step.ran()),
                    YesOrNo(step.failed()), YesOrNo(step.probed()), step.on_failure(),
                    Printable(WayBack(step))});
  }
  return absl::StrCat(text, absl::StrJoin(Align(rows), "\n"), "\n", Sums(coverage), "\n");
}

std::string RenderCoverageJson(const v1::CoverageView& coverage) {
  const nlohmann::json object = {
      {"playbook_digest", coverage.playbook_digest()},
      {"runs", std::vector<std::string>(coverage.runs().begin(), coverage.runs().end())},
      {"steps", ToJson(Coverage(coverage.steps().begin(), coverage.steps().end()))}};
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace orchestrator
