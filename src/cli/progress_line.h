#pragma once
#include <fmt/format.h>

#include <string_view>

#include "cli/environment.h"

namespace cli {

/// Says on a terminal how far something is, on one line that is wiped at the end.
class ProgressLine {
 public:
  explicit ProgressLine(Environment& environment)
      : environment_(environment), is_shown_(environment.error_is_terminal()) {}
  ~ProgressLine() { show(""); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(std::string_view text) {
    if (is_shown_) environment_.write_error(fmt::format("\r\x1b[K{}", text));
  }

 private:
  Environment& environment_;
  bool is_shown_;
};

}  // namespace cli
