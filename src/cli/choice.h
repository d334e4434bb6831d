#pragma once
#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cli {

/// What one of several bids would get.
struct Option {
  std::optional<std::int64_t> price;
  std::int64_t start = 0;
  std::int64_t finish = 0;
  std::optional<std::string> refused;
};
BOOST_DESCRIBE_STRUCT(Option, (), (price, start, finish, refused))

struct Choice {
  std::int32_t taken = -1;
  std::vector<Option> options;
};
BOOST_DESCRIBE_STRUCT(Choice, (), (taken, options))

}  // namespace cli
