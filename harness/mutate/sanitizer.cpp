// Starting compute-sanitizer around the worker and reading what it found.
#include "harness/mutate/sanitizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>

namespace plumb {
namespace {

constexpr std::size_t kCases = 48;  // racecheck takes some 90 ms a case

std::string quoted(const std::string& word) { return "'" + word + "'"; }  // no word of ours holds a quote

int findings_of(const std::string& log) {
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  const std::string words = text.str();
  std::smatch match;
  // "ERROR SUMMARY: 3 errors", "RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)"
  if (std::regex_search(words, match, std::regex("SUMMARY: ([0-9]+)"))) return std::stoi(match[1]);
  return 0;
}

}  // namespace

int sanitizer_findings(const std::vector<std::string>& worker, const std::vector<std::string>& cases) {
  if (std::system("command -v compute-sanitizer >/dev/null 2>&1") != 0) return 0;
  std::string pattern = (std::filesystem::temp_directory_path() / "plumbline_sanitizer_XXXXXX").string();
  if (!mkdtemp(pattern.data())) return 0;
  const std::filesystem::path folder = pattern;
  {
    std::ofstream names(folder / "cases");
    const std::size_t step = cases.size() / kCases + 1;
    for (std::size_t i = 0; i < cases.size(); i += step) names << cases[i] << "\n";
  }
  std::vector<std::string> words;
  for (const std::string& word : worker) words.push_back(quoted(word));
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  int findings = 0;
  for (const char* tool : {"racecheck", "memcheck"}) {
    const std::string log = folder / "log";
    const std::string command = fmt::format(
        "compute-sanitizer --tool {} --error-exitcode 99 --log-file {} {} {} --reply-fd 1 < {} > {} 2>&1", tool,
        quoted(log), quoted(self), fmt::join(words, " "), quoted(folder / "cases"), quoted(folder / "out"));
    const int status = std::system(command.c_str());
    if (status != 0) findings = std::max(1, findings_of(log));
    if (findings > 0) break;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return findings;
}

}  // namespace plumb
