// Reading and replacing files.
#include "harness/files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "harness/error.h"

namespace plumb {

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.{}.tmp", path_, getpid())) {
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  std::ofstream probe(temporary_, std::ios::binary);
  if (!probe || std::filesystem::is_directory(path_)) {
    std::filesystem::remove(temporary_, ignored);
    throw HarnessError(fmt::format("{}: cannot be written: {}", path_,
                                   std::filesystem::is_directory(path_) ? "is a folder" : "permission or path"));
  }
}

FileWriter::~FileWriter() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void FileWriter::commit(std::string_view content) {
  std::ofstream file(temporary_, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) throw HarnessError(fmt::format("{}: could not be written (disk full?)", path_));
  commit_written();
}

void FileWriter::commit_written() {
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) throw HarnessError(fmt::format("{}: {}", path_, error.message()));
  committed_ = true;
}

void write_file(const std::string& path, std::string_view content) { FileWriter(path).commit(content); }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw HarnessError(fmt::format("{}: cannot be read", path));
  return content;
}

namespace {

// How deep brackets are nested in a JSON text; those in strings do not count.
int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (in_string) {
      if (letter == '\\') ++i;
      in_string = letter != '"';
    } else if (letter == '"') {
      in_string = true;
    } else if (letter == '[' || letter == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (letter == ']' || letter == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

nlohmann::json read_json(const std::string& path) {
  // Copying and writing JSON take a stack frame a level, and no document of ours has more than ten.
  constexpr int kDeepest = 100;
  const std::string text = read_file(path);
  if (depth_of(text) > kDeepest) {
    throw HarnessError(fmt::format("{}: is damaged: nested deeper than {} levels", path, kDeepest));
  }
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) throw HarnessError(fmt::format("{}: is damaged: no valid JSON", path));
  return document;
}

nlohmann::json read_json(const std::string& path, std::string_view schema) {
  const nlohmann::json document = read_json(path);
  const auto found =
      document.is_object() && document.contains("schema") ? document["schema"] : nlohmann::json("none");
  if (found != schema)
    throw HarnessError(fmt::format("{}: schema is {}, expected \"{}\"", path, found.dump(), schema));
  return document;
}

std::string path_in_document(const std::string& path, const std::string& folder) {
  const auto from_folder = std::filesystem::path(path).lexically_normal().lexically_proximate(folder);
  return from_folder.empty() || *from_folder.begin() == ".." ? path : from_folder.string();
}

std::string path_in_document(const std::string& path) {
  return path_in_document(path, std::filesystem::current_path().string());
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace plumb
