#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "base/strong.h"
#include "ports/agent_link.h"

namespace fakes {

/// Files that a controller keeps, as FileChunk promises it.
class KeptFiles {
 public:
  ports::FileKept take(const ports::FileChunk& chunk) {
    std::string& kept = files_[{chunk.job, chunk.path}];
    if (chunk.replace) kept.clear();
    const bool is_useful =
        chunk.offset <= kept.size() && chunk.offset + chunk.bytes.size() > kept.size();
    if (is_useful && !full_) kept += chunk.bytes.substr(kept.size() - chunk.offset);
    return {chunk.job, chunk.path, kept.size()};
  }

  /// Nullptr if there is no such file.
  const std::string* find(domain::JobId job, const std::string& path) const {
    const auto at = files_.find({job, path});
    return at == files_.end() ? nullptr : &at->second;
  }

  void put(domain::JobId job, const std::string& path, std::string bytes) {
    files_[{job, path}] = std::move(bytes);
  }

  /// From now on nothing more is taken in.
  void fill_disk(bool full = true) { full_ = full; }

 private:
  std::map<std::pair<domain::JobId, std::string>, std::string> files_;
  bool full_ = false;
};

/// A connection whose other end is the test: what the agent sends waits in `sent` until a test
/// takes it out. Single-threaded; handlers are called from the calls below.
class MemoryLink final : public ports::ControllerLink {
 public:
  void open(Handlers handlers) override { handlers_ = std::move(handlers); }
  void close() override { connected_ = false; }

  bool send(ports::FromAgent message) override {
    if (!connected_ || sent.size() >= capacity) return false;
    sent.push_back(std::move(message));
    return true;
  }

  base::Result<> fetch(domain::JobId job, const std::string& path,
                       const std::function<base::Result<>(std::string_view)>& sink) override {
    const std::string* bytes = kept.find(job, path);
    if (bytes == nullptr) {
      return base::fail(base::ErrorCode::not_found, "{} of job {} is not kept", path, job.value);
    }
    return sink(*bytes);
  }

  /// Makes a connection, or ends it; what is on its way is lost.
  void connect() {
    connected_ = true;
    if (handlers_.connected) handlers_.connected();
  }
  void disconnect() {
    connected_ = false;
    sent.clear();
    if (handlers_.disconnected) {
      handlers_.disconnected({base::ErrorCode::unavailable, "the connection was lost"});
    }
  }
  bool is_connected() const { return connected_; }
  void deliver(ports::ToAgent message) {
    if (handlers_.message) handlers_.message(std::move(message));
  }

  std::deque<ports::FromAgent> sent;
  std::size_t capacity = 1'000'000;
  KeptFiles kept;

 private:
  Handlers handlers_;
  bool connected_ = false;
};

}  // namespace fakes
