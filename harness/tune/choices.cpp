// A library's selection, held against recorded measurements.
#include "harness/tune/choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace plumb {
namespace {

plumb_device like_measured(const TuneMachine& machine) {
  plumb_device device = described_device(machine.sm);
  device.sm_count = machine.sm_count;
  return device;
}

}  // namespace

std::string selected_variant(const plumb_operator& op, CallDescriber& describer, const std::string& case_name,
                             const plumb_device& device) {
  const plumb_call call = describer.describe(parse_case(case_name), device);
  std::int32_t selected = -1;
  if (op.select(&call, &selected) != PLUMB_OK) return "";
  const plumb_variant* variant = op.variant(selected);
  return variant ? variant->name : "";
}

OperatorChoices choices_on_measured_device(const plumb_operator& op, CallDescriber& describer,
                                           const TuneMachine& machine, const TuneOperator& measured) {
  OperatorChoices choices;
  const plumb_device device = like_measured(machine);
  for (const TunePoint& point : measured.points) {
    const std::string choice = selected_variant(op, describer, point.name, device);
    const double regret = regret_of(point, choice);
    if (choices.points++ == 0 || regret > choices.worst_regret) {
      choices.worst_regret = regret;
      choices.worst_point = point.name;
      choices.worst_choice = choice;
    }
    choices.unmeasured += std::isinf(regret);
  }
  return choices;
}

int choices_as_sm90(const plumb_operator& op, CallDescriber& describer, const TuneOperator& measured, int sm) {
  // As many multiprocessors, so that the architecture alone makes the difference.
  plumb_device device = described_device(sm), sm90 = described_device(90);
  device.sm_count = sm90.sm_count;
  return static_cast<int>(
      std::count_if(measured.points.begin(), measured.points.end(), [&](const TunePoint& point) {
        return selected_variant(op, describer, point.name, device) ==
               selected_variant(op, describer, point.name, sm90);
      }));
}

std::vector<std::string> selection_lines(const plumb_operator& op, const std::vector<TuneDocument>& documents) {
  std::vector<std::string> lines;
  for (const TuneDocument& document : documents) {
    for (const TuneOperator& measured : document.operators) {
      if (measured.name != op.name || measured.points.empty()) continue;
      const TuneMachine& m = document.machine;
      CallDescriber describer;
      const OperatorChoices choices = choices_on_measured_device(op, describer, m, measured);
      const std::string loss =
          choices.unmeasured == 0
              ? fmt::format("at most {:.1f}% behind the best variant", 100 * choices.worst_regret)
              : fmt::format("at {} of them the choice was not measured, such as '{}' at {}", choices.unmeasured,
                            choices.worst_choice, choices.worst_point);
      lines.push_back(fmt::format("sm_{} measured on {}, {}, commit {}: {} points, {}", m.sm, m.gpu,
                                  m.date.substr(0, 10), m.commit, choices.points, loss));
      if (m.sm != 90) continue;
      for (const int sm : {100, 80}) {
        const int same = choices_as_sm90(op, describer, measured, sm);
        lines.push_back(
            same == choices.points
                ? fmt::format("sm_{} not measured: chooses as sm_90 at all of them", sm)
                : fmt::format("sm_{} not measured: chooses as sm_90 at {} of them, else the plain order of "
                              "its variants",
                              sm, same));
      }
    }
  }
  if (lines.empty()) lines.push_back("no measurements recorded: the order of its variants decides");
  return lines;
}

std::vector<TuneDocument> read_tune_documents(const std::string& golden_folder) {
  std::vector<std::string> paths;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(golden_folder + "/tune", missing)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<TuneDocument> documents;
  for (const std::string& path : paths) documents.push_back(read_tune_document(path));
  return documents;
}

}  // namespace plumb
