// Files that are read whole and replaced whole.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace plumb {

// A file written under a temporary name beside its place and renamed at the end: readers see the old one or the new
// one. The constructor already fails when the place cannot be written, so that no long run ends in that surprise.
class FileWriter {
 public:
  explicit FileWriter(std::string path);  // throws HarnessError
  ~FileWriter();                          // removes the temporary file unless committed
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  const std::string& temporary_path() const { return temporary_; }
  void commit(std::string_view content);  // writes and renames; throws HarnessError
  void commit_written();                  // renames what someone else wrote to temporary_path()

 private:
  std::string path_, temporary_;
  bool committed_ = false;
};

void write_file(const std::string& path, std::string_view content);
std::string read_file(const std::string& path);  // throws HarnessError

// Throws HarnessError naming the file when it is missing, no JSON, or nested deeper than any document is.
nlohmann::json read_json(const std::string& path);
// The same, also when its "schema" is not the expected one.
nlohmann::json read_json(const std::string& path, std::string_view schema);

// How a document names a file: what lies in `folder`, the working directory, by its path from there, so that a
// document that is kept does not tell where its machine had the project.
std::string path_in_document(const std::string& path, const std::string& folder);
std::string path_in_document(const std::string& path);

std::string utc_now();  // "2026-11-22T05:00:00Z"

}  // namespace plumb
