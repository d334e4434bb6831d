#include "shim/spec.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

#include "shim/kernel.h"
#include "shim/text.h"

namespace shim {
namespace {

/// Walks NUL-terminated fields.
class Fields {
 public:
  Fields(char* begin, char* end) : next_(begin), end_(end) {}

  char* text() {
    if (next_ >= end_) {
      broken_ = true;
      return nullptr;
    }
    char* field = next_;
    next_ += length_of(field) + 1;
    return field;
  }

  std::int64_t number() {
    const char* field = text();
    const std::int64_t value = field == nullptr ? -1 : number_in(field);
    if (value < 0) broken_ = true;
    return value;
  }

  /// A count and that many fields, as a list that ends with a null pointer.
  char** list() {
    const std::int64_t count = number();
    if (count < 0 || count > end_ - next_) {
      broken_ = true;
      return nullptr;
    }
    const auto slots = static_cast<std::size_t>(count) + 1;
    char** items = reinterpret_cast<char**>(kernel::map_memory(slots * sizeof(char*)));
    if (items == nullptr) broken_ = true;
    for (std::int64_t i = 0; i < count && !broken_; ++i) items[i] = text();
    return items;
  }

  bool broken() const { return broken_; }

 private:
  char* next_;
  char* end_;
  bool broken_ = false;
};

bool parse(char* bytes, std::size_t size, Spec& spec) {
  if (bytes[size - 1] != '\0') return false;
  Fields fields(bytes, bytes + size);
  const char* format = fields.text();
  if (format == nullptr || !is_equal(format, kSpecFormat)) return false;
  spec.program = fields.text();
  spec.workdir = fields.text();
  spec.log_path = fields.text();
  spec.zeros = fields.list();
  spec.unified_cgroup = fields.text();
  spec.lease_path = fields.text();
  spec.kill_at_ms = fields.number();
  spec.longest_grace_ms = fields.number();
  spec.grace_ms = fields.number();
  spec.argv = fields.list();
  spec.envp = fields.list();
  return !fields.broken();
}

}  // namespace

Failure read_spec(Spec& spec) {
  struct stat status{};
  const long failed = kernel::call(SYS_fstat, kFileDescriptor, &status);
  if (failed < 0) return {Step::read_spec, static_cast<int>(-failed)};
  const std::int64_t size = status.st_size - kSpecAt;
  if (size <= 0 || size > kMaxSpecBytes) return {Step::read_spec, EINVAL};
  const auto capacity = static_cast<std::size_t>(size);
  char* bytes = kernel::map_memory(capacity);
  if (bytes == nullptr) return {Step::read_spec, ENOMEM};
  const long got = kernel::call(SYS_pread64, kFileDescriptor, bytes, size, kSpecAt);
  if (got != size || !parse(bytes, capacity, spec)) return {Step::read_spec, EINVAL};
  return {};
}

}  // namespace shim
