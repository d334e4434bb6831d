#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace adapters::beast {

/// What a request asks for: the first line of HTTP without the method.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
  friend bool operator==(const Target&, const Target&) = default;
};

/// Splits a request target ("/jobs?team=vision", also "http://host/jobs") and undoes the percent
/// encoding; '+' in a query is a space, a repeated key keeps its last value. Refuses, with the
/// field "path" or "query", what is not UTF-8, holds control characters, is wrongly encoded, or
/// climbs ("..").
base::Result<Target> decode_target(std::string_view target);

/// The reverse of decode_target.
std::string encode_target(std::string_view path, const std::map<std::string, std::string>& query);

}  // namespace adapters::beast
