// The database of runs, through SOCI.
#include "harness/history/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <span>
#include <unordered_map>

#include "harness/cases/points.h"
#include "harness/error.h"
#include "harness/history/backends.h"
#include "harness/history/location.h"
#include "reference/numeric/digest.h"

namespace plumb::history {
namespace {

using soci::into;
using soci::use;

// Unknown words are '' and unknown clocks 0, so that keys compare without NULL's rules. Points lie together by
// series, which is how they are read; a nightly run touches a page for each.
constexpr const char* kTables[] = {
    "create table history_version (version integer not null)",
    "create table history_run (id integer primary key, night varchar(20) not null, gpu text not null,"
    " uuid text not null, sm_clock_mhz integer not null, memory_clock_mhz integer not null, driver text not null,"
    " cuda text not null, library text not null, library_digest text not null, commit_id text not null,"
    " host text not null, note text not null, points integer not null)",
    "create index history_run_code on history_run (commit_id, library_digest)",
    "create table history_document (digest varchar(32) primary key, kind varchar(5) not null,"
    " run_id integer not null references history_run (id))",
    "create index history_document_run on history_document (run_id)",
    "create table history_check (run_id integer primary key references history_run (id), tier text not null,"
    " passed integer not null, failed integer not null, mistrusted integer not null, unsupported integer not null,"
    " skipped integer not null, crashed integer not null, error integer not null)",
    "create table history_series (id integer primary key, slug text not null unique, name text not null,"
    " operator_name text not null, gpu text not null, unique (gpu, name))",
    "create table history_pin (label varchar(200) primary key, run_id integer not null references history_run "
    "(id))",
};
constexpr const char* kPointTable =
    "create table history_point (series_id integer not null references history_series (id),"
    " run_id integer not null references history_run (id), time_us double precision not null,"
    " limit_us double precision not null, primary key (series_id, run_id))";

constexpr std::int64_t kNight = 24 * 3600;  // seconds within which check and bench make one run
constexpr std::size_t kBatch = 4096;        // rows fetched at a time

std::string slug_of(const std::string& gpu, const std::string& name) {
  std::string slug;
  for (const char c : gpu + "-" + name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte)) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  const std::string whole = gpu + "\n" + name;  // what the slug leaves out still makes a difference
  return fmt::format("{}-{}", slug, to_hex(murmur3_128(std::as_bytes(std::span(whole)))).substr(0, 8));
}

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  return line;
}

}  // namespace

class Store::Connection {
 public:
  Connection(const std::string& location, Open open) : location_(location), on_server_(is_url(location)) {
    if (!on_server_ && location.find("://") != std::string::npos) {
      throw HarnessError(fmt::format("--db '{}': expected a file or postgresql://...", location));
    }
    if (on_server_) {
      setenv("PGCONNECT_TIMEOUT", "10", 0);  // seconds; the library waits for minutes otherwise
    } else {
      check_file(open);
    }
    guarded([&] {
      if (on_server_) {
        sql.open(*factory_postgresql(), location);
        sql << "set client_min_messages to warning";
        sql << "set lock_timeout to '60s'";
      } else {
        sql.open(*factory_sqlite3(), fmt::format("dbname=\"{}\" timeout=60", location));
        sql << "pragma foreign_keys=on";
        sql << "pragma cache_size=-65536";  // KiB
      }
    });
  }

  // Runs the body as one transaction that others see whole or not at all. Writers come one after the other.
  template <class Body>
  void transaction(bool writes, const Body& body) {
    guarded([&] {
      if (on_server_) {
        sql << (writes ? "begin" : "begin isolation level repeatable read read only");
        if (writes) sql << "select pg_advisory_xact_lock(7590431)";  // plumbline's own number
      } else {
        sql << (writes ? "begin immediate" : "begin");
      }
      try {
        body();
        sql << "commit";
      } catch (...) {
        try {
          sql << "rollback";
        } catch (const std::exception&) {
          // the connection is gone, and the transaction with it
        }
        throw;
      }
    });
  }

  // Inside a transaction: throws unless the tables are there and of this version; makes them when they may be made.
  void expect_tables(bool may_create) {
    int tables = 0;
    if (on_server_) {
      sql << "select count(*) from information_schema.tables where table_name = 'history_version'"
             " and table_schema = current_schema()",
          into(tables);
    } else {
      sql << "select count(*) from sqlite_master where type = 'table' and name = 'history_version'", into(tables);
    }
    if (tables == 0) {
      if (!may_create) throw HarnessError(fmt::format("{}: holds no history; history add makes one", name()));
      for (const char* table : kTables) sql << table;
      sql << std::string(kPointTable) + (on_server_ ? "" : " without rowid");
      sql << "insert into history_version (version) values (:version)", use(kSchemaVersion, "version");
      return;
    }
    int version = 0;
    sql << "select max(version) from history_version", into(version);
    if (version != kSchemaVersion) {
      throw HarnessError(fmt::format("{}: its schema has version {}, this plumbline knows version {}", name(),
                                     version, kSchemaVersion));
    }
  }

  std::string name() const { return "history " + printable(location_); }

  soci::session sql;

 private:
  void check_file(Open open) const {
    if (location_.empty() || location_.find('"') != std::string::npos) {
      throw HarnessError(fmt::format("--db '{}': expected a file's name, without quotes", location_));
    }
    const std::filesystem::path path = location_;
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) throw HarnessError(fmt::format("{}: is a folder", name()));
    if (std::filesystem::exists(path, ignored)) return;
    if (open == Open::kExisting) {
      throw HarnessError(fmt::format("{}: there is no such file; history add makes one", name()));
    }
    if (!path.parent_path().empty()) std::filesystem::create_directories(path.parent_path(), ignored);
  }

  template <class Body>
  void guarded(const Body& body) const {
    try {
      body();
    } catch (const soci::soci_error& error) {
      throw HarnessError(fmt::format("{}: {}", name(), one_line(without_secrets(error.what(), location_))));
    }
  }

  std::string location_;
  bool on_server_;
};

namespace {

int next_id(soci::session& sql, const char* table) {
  int last = 0;
  sql << fmt::format("select coalesce(max(id), 0) from {}", table), into(last);
  return last + 1;
}

void put_run(soci::session& sql, int id, const Document& document, const std::string& note) {
  const RunKey& key = document.key;
  const int points = static_cast<int>(document.points.size());
  sql << "insert into history_run (id, night, gpu, uuid, sm_clock_mhz, memory_clock_mhz, driver, cuda, library,"
         " library_digest, commit_id, host, note, points) values (:id, :night, :gpu, :uuid, :sm, :memory, :driver,"
         " :cuda, :library, :digest, :code, :host, :note, :points)",
      use(id), use(document.date), use(key.gpu), use(key.uuid), use(key.sm_clock_mhz), use(key.memory_clock_mhz),
      use(key.driver), use(key.cuda), use(key.library), use(key.library_digest), use(key.commit), use(key.host),
      use(note), use(points);
}

// A check has come first and its bench comes now: bench knows more of the machine.
void complete_run(soci::session& sql, int id, const Document& document, const std::string& note) {
  const RunKey& key = document.key;
  const int points = static_cast<int>(document.points.size());
  sql << "update history_run set night = :night, uuid = :uuid, sm_clock_mhz = :sm, memory_clock_mhz = :memory,"
         " library = :library, host = :host, points = :points where id = :id",
      use(document.date), use(key.uuid), use(key.sm_clock_mhz), use(key.memory_clock_mhz), use(key.library),
      use(key.host), use(points), use(id);
  if (!note.empty()) sql << "update history_run set note = :note where id = :id", use(note), use(id);
}

// The nearest run of that machine, code and night which has no document of the kind yet; 0 when there is none.
int run_without(soci::session& sql, const Document& document, const std::string& kind) {
  const RunKey& key = document.key;
  int id = 0, best = 0;
  std::string night;
  std::int64_t nearest = kNight;
  soci::statement statement =
      (sql.prepare
           << "select id, night from history_run where commit_id = :code and library_digest = :digest"
              " and gpu = :gpu and driver = :driver and cuda = :cuda"
              " and (uuid = :uuid or uuid = '' or '' = :same)"
              " and not exists (select 1 from history_document where run_id = history_run.id and kind = :kind)"
              " order by id",
       into(id), into(night), use(key.commit), use(key.library_digest), use(key.gpu), use(key.driver),
       use(key.cuda), use(key.uuid), use(key.uuid), use(kind));
  statement.execute();
  while (statement.fetch()) {
    const std::int64_t apart = std::abs(seconds_of(night) - seconds_of(document.date));
    if (apart < nearest) nearest = apart, best = id;
  }
  return best;
}

int put_points(soci::session& sql, int run, const Document& document) {
  std::unordered_map<std::string, int> known;
  int id = 0;
  std::string name;
  {
    soci::statement statement = (sql.prepare << "select id, name from history_series where gpu = :gpu", into(id),
                                 into(name), use(document.key.gpu));
    statement.execute();
    while (statement.fetch()) known.emplace(name, id);
  }
  std::vector<int> ids, runs(document.points.size(), run), fresh_ids;
  std::vector<double> times, limits;
  std::vector<std::string> names, slugs, operators;
  int next = next_id(sql, "history_series");
  for (const NewPoint& point : document.points) {
    const auto [found, is_new] = known.emplace(point.name, next);
    if (is_new) {
      fresh_ids.push_back(next++);
      names.push_back(point.name);
      slugs.push_back(slug_of(document.key.gpu, point.name));
      operators.push_back(point.operator_name);
    }
    ids.push_back(found->second);
    times.push_back(point.time_us);
    limits.push_back(point.limit_us);
  }
  if (!fresh_ids.empty()) {
    const std::vector<std::string> gpus(fresh_ids.size(), document.key.gpu);
    sql << "insert into history_series (id, slug, name, operator_name, gpu) values (:id, :slug, :name, :op, :gpu)",
        use(fresh_ids), use(slugs), use(names), use(operators), use(gpus);
  }
  sql << "insert into history_point (series_id, run_id, time_us, limit_us) values (:series, :run, :time, :bound)",
      use(ids), use(runs), use(times), use(limits);
  return static_cast<int>(fresh_ids.size());
}

void put_check(soci::session& sql, int run, const CheckCounts& check) {
  sql << "insert into history_check (run_id, tier, passed, failed, mistrusted, unsupported, skipped, crashed, "
         "error)"
         " values (:run, :tier, :passed, :failed, :mistrusted, :unsupported, :skipped, :crashed, :error)",
      use(run), use(check.tier), use(check.passed), use(check.failed), use(check.mistrusted),
      use(check.unsupported), use(check.skipped), use(check.crashed), use(check.error);
}

Added put_document(soci::session& sql, const Document& document, const std::string& note) {
  Added added{.points = static_cast<int>(document.points.size())};
  soci::indicator found = soci::i_null;
  sql << "select max(run_id) from history_document where digest = :digest", into(added.run, found),
      use(document.digest);
  if (found == soci::i_ok) {
    added.known = true;
    return added;
  }
  const std::string kind = document.check ? "check" : "bench";
  added.run = run_without(sql, document, kind);
  if (added.run == 0) {
    added.is_new_run = true;
    added.run = next_id(sql, "history_run");
    put_run(sql, added.run, document, note);
  } else if (kind == "bench") {
    complete_run(sql, added.run, document, note);
  }
  sql << "insert into history_document (digest, kind, run_id) values (:digest, :kind, :run)", use(document.digest),
      use(kind), use(added.run);
  if (document.check) put_check(sql, added.run, *document.check);
  if (!document.points.empty()) added.new_series = put_points(sql, added.run, document);
  return added;
}

std::vector<Run> read_runs(soci::session& sql) {
  std::vector<Run> runs;
  Run run;
  RunKey& key = run.key;
  {
    soci::statement statement =
        (sql.prepare << "select id, night, gpu, uuid, sm_clock_mhz, memory_clock_mhz, driver, cuda, library,"
                        " library_digest, commit_id, host, note, points from history_run order by night, id",
         into(run.id), into(run.date), into(key.gpu), into(key.uuid), into(key.sm_clock_mhz),
         into(key.memory_clock_mhz), into(key.driver), into(key.cuda), into(key.library), into(key.library_digest),
         into(key.commit), into(key.host), into(run.note), into(run.points));
    statement.execute();
    while (statement.fetch()) runs.push_back(run);
  }
  std::unordered_map<int, Run*> by_id;
  for (Run& known : runs) by_id.emplace(known.id, &known);
  int id = 0;
  std::string label;
  {
    soci::statement statement =
        (sql.prepare << "select run_id, label from history_pin order by label", into(id), into(label));
    statement.execute();
    while (statement.fetch()) {
      std::string& pinned = by_id.at(id)->pinned;
      pinned += (pinned.empty() ? "" : ", ") + label;
    }
  }
  CheckCounts check;
  soci::statement statement =
      (sql.prepare << "select run_id, tier, passed, failed, mistrusted, unsupported, skipped, crashed, error"
                      " from history_check",
       into(id), into(check.tier), into(check.passed), into(check.failed), into(check.mistrusted),
       into(check.unsupported), into(check.skipped), into(check.crashed), into(check.error));
  statement.execute();
  while (statement.fetch()) by_id.at(id)->check = check;
  return runs;
}

std::vector<Series> read_series(soci::session& sql, const std::string& glob) {
  std::vector<Series> all;
  Series series;
  soci::statement statement =
      (sql.prepare << "select id, slug, name, operator_name, gpu from history_series order by gpu, name, id",
       into(series.id), into(series.slug), into(series.name), into(series.operator_name), into(series.gpu));
  statement.execute();
  while (statement.fetch()) {
    if (glob.empty() || series.slug == glob || matches_glob(glob, series.name)) all.push_back(series);
  }
  return all;
}

// Fetches points of a query with the columns series_id, run_id, time_us, limit_us.
template <class Take, class... Parameters>
void fetch_points(soci::session& sql, const std::string& query, const Take& take, const Parameters&... parameters) {
  std::vector<int> series(kBatch), runs(kBatch);
  std::vector<double> times(kBatch), limits(kBatch);
  soci::statement statement(sql);
  statement.exchange(into(series));
  statement.exchange(into(runs));
  statement.exchange(into(times));
  statement.exchange(into(limits));
  (statement.exchange(use(parameters)), ...);
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) {
    for (std::size_t i = 0; i < series.size(); ++i) take(series[i], Point{runs[i], times[i], limits[i]});
    series.resize(kBatch), runs.resize(kBatch), times.resize(kBatch), limits.resize(kBatch);
  }
}

void read_points(soci::session& sql, Content& content, std::size_t all_series) {
  std::unordered_map<int, int> index_of_run;
  int least = 0;
  for (std::size_t i = 0; i < content.runs.size(); ++i) {
    index_of_run.emplace(content.runs[i].id, static_cast<int>(i));
    least = i == 0 ? content.runs[i].id : std::min(least, content.runs[i].id);
  }
  std::unordered_map<int, Series*> by_id;
  for (Series& series : content.series) by_id.emplace(series.id, &series);
  Series* last = nullptr;
  const auto take = [&](int id, Point point) {
    const auto run = index_of_run.find(point.run);
    if (run == index_of_run.end()) return;
    point.run = run->second;
    if (!last || last->id != id) {
      const auto found = by_id.find(id);
      last = found == by_id.end() ? nullptr : found->second;
    }
    if (last) last->points.push_back(point);
  };
  const std::string columns = "select series_id, run_id, time_us, limit_us from history_point where ";
  if (4 * content.series.size() < all_series) {
    for (const Series& series : content.series) {
      fetch_points(sql, columns + "series_id = :series and run_id >= :least", take, series.id, least);
    }
  } else {
    fetch_points(sql, columns + "run_id >= :least order by series_id, run_id", take, least);
  }
  for (Series& series : content.series) {
    std::sort(series.points.begin(), series.points.end(),
              [](const Point& a, const Point& b) { return a.run < b.run; });
  }
}

bool is_wanted(const Run& run, const Selection& selection) {
  return (selection.gpu.empty() || run.key.gpu == selection.gpu) &&
         (selection.uuid.empty() || run.key.uuid == selection.uuid) &&
         (selection.host.empty() || run.key.host == selection.host);
}

}  // namespace

Store::Store(const std::string& location, Open open) : connection_(std::make_unique<Connection>(location, open)) {}
Store::~Store() = default;

std::vector<Added> Store::add(const std::vector<Document>& documents, const std::string& note) {
  std::vector<Added> added;
  connection_->transaction(true, [&] {
    connection_->expect_tables(true);
    for (const Document& document : documents) added.push_back(put_document(connection_->sql, document, note));
  });
  return added;
}

Content Store::read(const Selection& selection) {
  Content content;
  connection_->transaction(false, [&] {
    connection_->expect_tables(false);
    soci::session& sql = connection_->sql;
    content.runs = read_runs(sql);
    std::erase_if(content.runs, [&](const Run& run) { return !is_wanted(run, selection); });
    if (selection.nights > 0) {
      int left = selection.nights;
      for (std::size_t i = content.runs.size(); i-- > 0;) {
        if (content.runs[i].points == 0 || left-- > 0) continue;
        content.runs.erase(content.runs.begin(), content.runs.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        break;
      }
    }
    content.series = read_series(sql, selection.glob);
    if (!selection.points) return;
    int all_series = 0;
    sql << "select count(*) from history_series", into(all_series);
    if (!content.runs.empty()) read_points(sql, content, static_cast<std::size_t>(all_series));
    std::erase_if(content.series, [](const Series& series) { return series.points.empty(); });
  });
  return content;
}

void Store::pin(int run, const std::string& label) {
  connection_->transaction(true, [&] {
    connection_->expect_tables(false);
    soci::session& sql = connection_->sql;
    int found = 0;
    sql << "select count(*) from history_run where id = :id", into(found), use(run);
    if (found == 0)
      throw HarnessError(fmt::format("{} has no run {}; history list shows them", connection_->name(), run));
    sql << "delete from history_pin where label = :label", use(label);
    sql << "insert into history_pin (label, run_id) values (:label, :run)", use(label), use(run);
  });
}

void Store::unpin(const std::string& label) {
  connection_->transaction(true, [&] {
    connection_->expect_tables(false);
    soci::session& sql = connection_->sql;
    int found = 0;
    sql << "select count(*) from history_pin where label = :label", into(found), use(label);
    if (found == 0) throw HarnessError(fmt::format("{} has no pinned label '{}'", connection_->name(), label));
    sql << "delete from history_pin where label = :label", use(label);
  });
}

}  // namespace plumb::history
