#include "base/fault.h"

#include <signal.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

namespace base {
namespace {

struct Fault {
  std::string point;
  int pass = 1;
  std::atomic<int> seen = 0;

  Fault() {
    const char* const given = std::getenv("BERTH_FAULT");  // NOLINT(concurrency-mt-unsafe)
    if (given == nullptr) return;
    point = given;
    const auto colon = point.find(':');
    if (colon == std::string::npos) return;
    std::from_chars(given + colon + 1, given + point.size(), pass);
    point.resize(colon);
  }
};

}  // namespace

void pass_fault_point(std::string_view point) {
  static Fault fault;
  if (fault.point != point) return;
  if (fault.seen.fetch_add(1) + 1 == fault.pass) ::raise(SIGKILL);
}

}  // namespace base
