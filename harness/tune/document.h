// The measurements of `plumbline tune` as JSON (schema plumbline.tune/1), and the table that follows from them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/tune/table.h"

namespace plumb {

struct TuneMachine {
  std::string gpu, uuid, driver, cuda, commit, library, library_digest, date;
  int sm = 0, sm_count = 0;
};

struct TuneOperator {
  std::string name;
  std::vector<TuneAxis> axes;
  std::vector<TunePoint> points;
};

struct TuneDocument {
  TuneMachine machine;
  double margin = 0;
  std::vector<TuneOperator> operators;
};

inline constexpr const char* kTuneSchema = "plumbline.tune/1";

// JSON, a line per point. Each carries the variant that the table of these very measurements chooses, and what that
// loses.
std::string text_of(const TuneDocument& document);
// Throws HarnessError naming what is missing or of another type. What was derived is not read: it follows again.
TuneDocument tune_document_of(const nlohmann::json& json);
TuneDocument read_tune_document(const std::string& path);

// The C++ source of an operator's table, as it stands in optimized/<operator>/tuned/sm<N>.h.
std::string table_source(const TuneDocument& document, const TuneOperator& op);
// That path below `folder`, which stands for optimized/.
std::string table_path(const std::string& folder, const TuneDocument& document, const TuneOperator& op);

}  // namespace plumb
