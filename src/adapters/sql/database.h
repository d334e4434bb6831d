#pragma once
#include <soci/soci.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace adapters::sql {

/// One database of some kind, as far as kinds differ: how to connect, to begin to write, to create
/// the tables, and what an error means. Everything else is SQL that all of them understand.
class Database {
 public:
  virtual ~Database() = default;

  /// Connects, and creates the tables where there are none. Refuses a database that belongs to
  /// another application or to a newer Berth with `invalid_argument`.
  virtual base::Result<std::unique_ptr<soci::session>> connect() = 0;

  /// Begins a transaction that keeps every other writer out until it ends.
  virtual void begin(soci::session& session) = 0;

  /// True if `session` has no transaction open.
  virtual bool is_idle(soci::session& session) = 0;

  /// Says what an exception means that `session` threw; `session` may be null.
  virtual base::Error explain(soci::session* session, const std::exception& thrown) = 0;
};

/// A SQLite file, which is created with mode 0600 if it is missing.
std::unique_ptr<Database> sqlite_database(const std::string& path);

}  // namespace adapters::sql
