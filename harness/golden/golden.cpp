// Reading, comparing and writing golden files.
#include "harness/golden/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "harness/files.h"
#include "harness/operators/suite.h"

namespace plumb {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GoldenFile, operator_name, gpu, driver, cuda, commit, date, library, tier,
                                   digests)

namespace {

constexpr std::string_view kSchema = "plumbline.golden/1";

bool is_digest(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

GoldenFile read_golden(const std::string& path) {
  const nlohmann::json document = read_json(path, kSchema);
  GoldenFile file;
  try {
    file = document.get<GoldenFile>();
  } catch (const nlohmann::json::exception& error) {
    throw HarnessError(fmt::format("{}: is damaged: {}", path, error.what()));
  }
  for (const auto& [name, classes] : file.digests) {
    for (const auto& [bit_class, digest] : classes) {
      if (!is_digest(digest)) {
        throw HarnessError(fmt::format("{}: is damaged: the {} digest of {} is '{}', expected 32 hex digits", path,
                                       bit_class, name, digest));
      }
    }
  }
  return file;
}

}  // namespace

GoldenStore::GoldenStore(std::string folder) : folder_(std::move(folder)) {
  for (const std::string_view name : suite_names()) {
    const auto operator_folder = std::filesystem::path(folder_) / name;
    if (!std::filesystem::is_directory(operator_folder)) continue;
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(operator_folder)) {
      if (entry.path().extension() == ".json") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) files_.push_back(read_golden(path));
  }
}

std::string GoldenStore::compare(const CaseResult& result, std::string_view gpu) const {
  std::string verdict = "absent";
  for (const GoldenFile& file : files_) {
    if (file.operator_name != result.operator_name) continue;
    const auto recorded = file.digests.find(result.name);
    if (recorded == file.digests.end()) continue;
    for (const auto& [bit_class, digest] : result.digests) {
      if (bit_class != "canonical" && file.gpu != gpu) continue;
      const auto known = recorded->second.find(bit_class);
      if (known == recorded->second.end()) continue;
      if (known->second != digest) return "differs";
      verdict = "match";
    }
  }
  return verdict;
}

std::vector<std::string> GoldenStore::gpus() const {
  std::vector<std::string> names;
  for (const GoldenFile& file : files_) {
    if (std::find(names.begin(), names.end(), file.gpu) == names.end()) names.push_back(file.gpu);
  }
  return names;
}

void record_goldens(const std::string& folder, const std::vector<CaseResult>& results, const GoldenOrigin& origin) {
  std::map<std::string, GoldenFile> files;
  for (const CaseResult& result : results) {
    if (result.digests.empty()) continue;
    GoldenFile& file = files[result.operator_name];
    file.digests[result.name] = result.digests;
  }
  for (auto& [operator_name, file] : files) {
    file.operator_name = operator_name;
    static_cast<GoldenOrigin&>(file) = origin;
    nlohmann::json document = file;
    document["schema"] = kSchema;
    write_file(fmt::format("{}/{}/{}.json", folder, operator_name, slug_of(origin.gpu)), document.dump(0) + "\n");
  }
}

int record_goldens_of(const std::string& check_json, const std::string& folder) {
  const nlohmann::json document = read_json(check_json, "plumbline.check/1");
  try {
    const nlohmann::json &device = document.at("device"), &summary = document.at("summary");
    if (device.at("kind") != "cuda") {
      throw HarnessError(fmt::format("{}: a check on {}; expected one on a GPU", check_json,
                                     device.at("kind").get<std::string>()));
    }
    for (const char* state : {"failed", "crashed", "error"}) {
      const int count = summary.at(state);
      if (count > 0) throw HarnessError(fmt::format("{}: {} cases {}; expected none", check_json, count, state));
    }
    std::vector<CaseResult> results;
    for (const nlohmann::json& result : document.at("cases")) results.push_back(case_result_from(result));
    record_goldens(folder, results,
                   {.gpu = device.at("name"),
                    .driver = device.at("driver"),
                    .cuda = device.at("cuda"),
                    .commit = document.at("commit"),
                    .date = document.at("started"),
                    .library = document.at("library").at("version"),
                    .tier = document.at("tier")});
    return static_cast<int>(results.size());
  } catch (const nlohmann::json::exception& error) {
    throw HarnessError(fmt::format("{}: not a whole document of a check: {}", check_json, error.what()));
  }
}

std::string slug_of(std::string_view gpu) {
  const std::size_t space = gpu.rfind(' ');
  std::string slug(space == std::string_view::npos ? gpu : gpu.substr(space + 1));
  std::transform(slug.begin(), slug.end(), slug.begin(),
                 [](unsigned char c) { return std::isalnum(c) ? static_cast<char>(std::tolower(c)) : '_'; });
  return slug.empty() ? "unknown" : slug;
}

std::string default_golden_folder() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto installed = (self / "../share/plumbline/golden").lexically_normal();
  return std::filesystem::exists(installed) ? installed.string() : PLUMBLINE_GOLDEN_FOLDER;
}

}  // namespace plumb
