// Where a history lies: a file or a URL, and how to speak of it without its password.
#pragma once

#include <string>

namespace plumb::history {

bool is_url(const std::string& location);  // postgresql:// or postgres://

// The location with its passwords as ***.
std::string printable(const std::string& location);

// A message of a database library, which may quote the location or parts of it.
std::string without_secrets(std::string text, const std::string& location);

}  // namespace plumb::history
