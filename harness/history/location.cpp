// Where a history lies, in words that may be printed.
#include "harness/history/location.h"

#include <algorithm>
#include <string>
#include <vector>

namespace plumb::history {
namespace {

void replace_all(std::string& text, const std::string& word, const std::string& by) {
  if (word.empty()) return;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size()) {
    text.replace(at, word.size(), by);
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      result += static_cast<char>(16 * hex_digit(text[i + 1]) + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

struct Secret {
  std::size_t begin = 0, end = 0;  // in the URL
};

// What stands behind the user's colon, up to the last @: a password with an @ in it is hidden, too. And the values
// of password parameters.
std::vector<Secret> secrets_of(const std::string& url) {
  std::vector<Secret> secrets;
  const std::size_t user = url.find("://") + 3;
  const std::size_t parameters = std::min(url.find('?', user), url.size());
  const std::size_t at = url.rfind('@', parameters);
  if (at != std::string::npos && at >= user) {
    const std::size_t colon = url.find(':', user);
    if (colon < at) secrets.push_back({colon + 1, at});
  }
  for (const char* name : {"password=", "sslpassword=", "passfile=", "sslkey="}) {
    for (std::size_t found = parameters; (found = url.find(name, found)) != std::string::npos;) {
      const std::size_t begin = found + std::string(name).size();
      secrets.push_back({begin, std::min(url.find('&', begin), url.size())});
      found = begin;
    }
  }
  return secrets;
}

}  // namespace

bool is_url(const std::string& location) {
  return location.rfind("postgresql://", 0) == 0 || location.rfind("postgres://", 0) == 0;
}

std::string printable(const std::string& location) {
  if (!is_url(location)) return location;
  std::vector<Secret> secrets = secrets_of(location);
  std::sort(secrets.begin(), secrets.end(), [](const Secret& a, const Secret& b) { return a.begin > b.begin; });
  std::string result = location;
  for (const Secret& secret : secrets) {
    if (secret.begin <= result.size()) {
      result.replace(secret.begin, std::min(secret.end, result.size()) - secret.begin, "***");
    }
  }
  return result;
}

std::string without_secrets(std::string text, const std::string& location) {
  if (!is_url(location)) return text;
  replace_all(text, location, printable(location));
  for (const Secret& secret : secrets_of(location)) {
    const std::string whole = location.substr(secret.begin, secret.end - secret.begin);
    // A server's message may quote a part, cut where the library took the address apart.
    std::vector<std::string> words = {whole, decoded(whole)};
    std::string part;
    for (const char c : whole + "@") {
      if (c == '@' || c == ':' || c == '/' || c == '?') {
        if (part.size() >= 3) words.push_back(part);
        part.clear();
      } else {
        part += c;
      }
    }
    std::sort(words.begin(), words.end(),
              [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    for (const std::string& word : words) replace_all(text, word, "***");
  }
  return text;
}

}  // namespace plumb::history
