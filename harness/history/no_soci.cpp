// `plumbline history` of a build without SOCI or Boost's headers: it says so.
#include "harness/error.h"
#include "harness/history/history.h"

namespace plumb {
namespace {

[[noreturn]] int refuse() {
  throw HarnessError(
      "this build has no history: SOCI (libsoci-dev) or Boost (libboost-dev) was not found when it was configured");
}

}  // namespace

int run_history_add(const HistoryOptions&) { refuse(); }
int run_history_list(const HistoryOptions&) { refuse(); }
int run_history_show(const HistoryOptions&) { refuse(); }
int run_history_export(const HistoryOptions&) { refuse(); }
int run_history_changes(const HistoryOptions&) { refuse(); }
int run_history_baseline(const HistoryOptions&) { refuse(); }

}  // namespace plumb
