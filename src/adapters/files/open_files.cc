#include "adapters/files/open_files.h"

#include <unistd.h>

#include <utility>

namespace adapters::files {

Descriptor::~Descriptor() { ::close(number_); }

std::shared_ptr<Descriptor> OpenFiles::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->file;
}

void OpenFiles::keep(const std::string& name, std::shared_ptr<Descriptor> file) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    found->second->file = std::move(file);
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return;
  }
  by_use_.push_front({name, std::move(file)});
  by_name_[name] = by_use_.begin();
  if (by_use_.size() <= most_) return;
  by_name_.erase(by_use_.back().name);
  by_use_.pop_back();
}

void OpenFiles::drop(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  by_use_.erase(found->second);
  by_name_.erase(found);
}

void OpenFiles::drop_all(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  auto kept = by_name_.lower_bound(std::string(prefix));
  while (kept != by_name_.end() && kept->first.starts_with(prefix)) {
    by_use_.erase(kept->second);
    kept = by_name_.erase(kept);
  }
}

std::size_t OpenFiles::count() {
  const std::lock_guard lock(mutex_);
  return by_use_.size();
}

}  // namespace adapters::files
