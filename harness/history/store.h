// The database of runs: SQLite in a file or PostgreSQL behind a URL, one schema. All SQL of the project is here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/history/document.h"

namespace plumb::history {

inline constexpr int kSchemaVersion = 1;

struct Run {
  int id = 0;
  std::string date;
  RunKey key;
  std::string note, pinned;  // pinned: its label; "" when it is not
  int points = 0;
  std::optional<CheckCounts> check;
};

struct Point {
  int run = 0;  // index in Content::runs
  double time_us = 0, limit_us = 0;
  double ratio() const { return time_us / limit_us; }
};

struct Series {
  int id = 0;
  std::string slug, name, operator_name, gpu;
  std::vector<Point> points;  // in the order of the runs
};

struct Content {
  std::vector<Run> runs;  // by date, then in the order in which they were added
  std::vector<Series> series;
};

struct Selection {
  std::string glob;             // of series names, "" for all
  std::string gpu, uuid, host;  // of runs, "" for any
  int nights = 0;               // the latest so many runs that have points, 0 for all
  bool points = true;           // false: runs and series without their points
};

struct Added {
  int run = 0;
  bool known = false;       // the document was there before: nothing was changed
  bool is_new_run = false;  // false: it joined a run
  int points = 0, new_series = 0;
};

// A connection. Every function is one transaction; each throws HarnessError with one sentence and has then changed
// nothing.
class Store {
 public:
  enum class Open { kExisting, kCreate };  // kCreate: a missing file, or missing tables, are made

  Store(const std::string& location, Open open);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // A document that is there already changes nothing. A bench document is a run; a check document joins the run of
  // the same machine, code and night (24 hours) that has none yet, in whichever order the two come.
  std::vector<Added> add(const std::vector<Document>& documents, const std::string& note = "");
  Content read(const Selection& selection);
  void pin(int run, const std::string& label);  // moves the label when it stands elsewhere
  void unpin(const std::string& label);

 private:
  class Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace plumb::history
