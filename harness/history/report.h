// From what the database holds to what is found in it, and to the document plumbline.history/1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/history/changes.h"
#include "harness/history/store.h"

namespace plumb::history {

// The series' own point at the latest pinned run that has one; nullopt when nothing is pinned.
std::optional<std::size_t> pinned_point(const Content& content, const Series& series);

// Findings of each series; nights are indices into its points.
std::vector<Findings> analyse(const Content& content, const ChangeRules& rules);

// What differs between two runs beside the commit: "driver 580 -> 590", in the order of importance.
std::vector<std::string> differences(const Run& before, const Run& after);

// plumbline.history/1. `findings` is that of `analyse`.
nlohmann::json document_of(const Content& content, const std::vector<Findings>& findings, const ChangeRules& rules);

// "+2.1%" of a log ratio.
std::string percent(double log_ratio);

}  // namespace plumb::history
