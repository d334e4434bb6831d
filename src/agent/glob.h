#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace agent {

/// A user's pattern for files below a folder: `*` and `?` stay inside one name, `**` stands for any
/// number of folders. Nothing outside of the folder can be named.
struct Glob {
  std::string pattern;     ///< As the user wrote it.
  std::string folder;      ///< The leading folders without wildcards; where a search begins.
  std::int32_t depth = 1;  ///< How deep below `folder` a match can lie.
};

/// Reads a pattern; an empty `pattern` in the answer means that it can match nothing below the
/// folder: it is absolute, or has "..".
Glob parse_glob(std::string_view pattern);

/// True if `path`, relative to the same folder as the pattern, matches. O(pattern x path).
bool matches(std::string_view pattern, std::string_view path);

}  // namespace agent
