#pragma once
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace adapters::files {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// The `most` files that were used last, kept open by name. Thread-safe; whoever holds a file keeps
/// it open after it was dropped.
class OpenFiles {
 public:
  explicit OpenFiles(std::size_t most) : most_(most) {}

  /// Null if the file is not among them. O(log most).
  std::shared_ptr<Descriptor> find(const std::string& name);
  void keep(const std::string& name, std::shared_ptr<Descriptor> file);
  void drop(const std::string& name);
  /// Drops every file whose name starts with `prefix`. O(most).
  void drop_all(std::string_view prefix);
  std::size_t count();

 private:
  struct Kept {
    std::string name;
    std::shared_ptr<Descriptor> file;
  };

  const std::size_t most_;
  std::mutex mutex_;
  std::list<Kept> by_use_;  ///< The last used is the first.
  std::map<std::string, std::list<Kept>::iterator> by_name_;
};

}  // namespace adapters::files
