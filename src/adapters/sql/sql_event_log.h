#pragma once
#include <memory>
#include <string>

#include "ports/event_log.h"

namespace adapters::sql {

class Database;

/// Keeps facts in a relational database. Blocking: call it from the storage thread only.
///
/// A fact costs one row; an append is one transaction with one sync. Every row carries a checksum,
/// so bytes that changed on the disk are `data_loss`, never a wrong fact. After a failure that left
/// the connection in doubt, the next call connects again.
class SqlEventLog final : public ports::EventLog {
 public:
  /// Opens the log at `address`, "sqlite:<path>" or just a path, and creates it if it is missing.
  /// Fails with `invalid_argument` for what is no log of this or an older Berth.
  static base::Result<std::unique_ptr<SqlEventLog>> open(const std::string& address);
  ~SqlEventLog() override;

  base::Result<std::uint64_t> append(std::uint64_t expected_size,
                                     std::span<const std::string> facts) override;
  base::Result<std::vector<std::string>> read(std::uint64_t from, std::size_t most) override;
  base::Result<std::uint64_t> size() override;

  /// Keeps the newest two; a snapshot of a position that the log has not reached is
  /// `invalid_argument`. load_snapshot falls back to the older one if the newest is damaged.
  base::Result<> save_snapshot(const ports::Snapshot& snapshot) override;
  base::Result<std::optional<ports::Snapshot>> load_snapshot() override;

 private:
  class Connection;

  explicit SqlEventLog(std::unique_ptr<Database> database);
  base::Result<> connect();
  template <class T, class Step>
  base::Result<T> with_connection(const char* doing, Step step);
  void roll_back();

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace adapters::sql
