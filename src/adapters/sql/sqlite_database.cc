#include <fcntl.h>
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "adapters/sql/database.h"

namespace adapters::sql {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace sqlite = sqlite_api;

constexpr int kApplicationId = 0x42525448;  // "BRTH"
constexpr int kSchemaVersion = 1;

// INTEGER PRIMARY KEY makes the position SQLite's own row number: no second index to keep. SOCI
// reads an INTEGER as 32 bits, a BIGINT as 64: a fact's position is asked for only as
// max(position).
constexpr const char* kSchema[] = {
    "CREATE TABLE fact("
    "position INTEGER PRIMARY KEY, checksum BIGINT NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE snapshot("
    "position BIGINT PRIMARY KEY, checksum BIGINT NOT NULL, state TEXT NOT NULL)",
    "PRAGMA application_id = 1112691784",
    "PRAGMA user_version = 1",
};
static_assert(kApplicationId == 1112691784 && kSchemaVersion == 1, "the schema says the same");

ErrorCode code_of(int system_error) {
  switch (system_error) {
    case ENOENT:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission_denied;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::resource_exhausted;
    default:
      return ErrorCode::unavailable;
  }
}

/// Creates an empty file that only its owner can read, and makes its name durable. An existing
/// file is not even opened: closing it would drop the locks that this process has on it.
Result<> create_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    if (errno == EEXIST) return {};
    return base::fail(code_of(errno), "cannot create {}: {}", path,
                      std::generic_category().message(errno));
  }
  ::close(file);
  const auto folder = std::filesystem::path(path).parent_path();
  const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = opened >= 0 && ::fsync(opened) == 0;
  if (opened >= 0) ::close(opened);
  if (!is_synced) return base::fail(ErrorCode::unavailable, "cannot sync the folder of {}", path);
  return {};
}

sqlite::sqlite3* handle_of(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

template <class T>
T ask(soci::session& session, const char* query) {
  T answer{};
  session << query, soci::into(answer);
  return answer;
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const std::string& path) : path_(path) {}

  Result<std::unique_ptr<soci::session>> connect() override;
  void begin(soci::session& session) override { session << "BEGIN IMMEDIATE"; }
  bool is_idle(soci::session& session) override {
    return sqlite::sqlite3_get_autocommit(handle_of(session)) != 0;
  }
  Error explain(soci::session* session, const std::exception& thrown) override;

 private:
  Result<> identify(soci::session& session);
  Result<> configure(soci::session& session);
  void create_tables(soci::session& session);

  std::string path_;
};

Result<std::unique_ptr<soci::session>> SqliteDatabase::connect() {
  if (path_.find_first_of("\"\n") != std::string::npos) {
    return base::invalid("log", "the path of the log must not contain quotes or line ends");
  }
  if (auto created = create_file(path_); !created) return base::pass(created);
  std::unique_ptr<soci::session> session;
  try {
    session = std::make_unique<soci::session>(soci::sqlite3, fmt::format("db=\"{}\"", path_));
    *session << "PRAGMA busy_timeout = 5000";
    if (auto known = identify(*session); !known) return base::pass(known);
    if (auto configured = configure(*session); !configured) return base::pass(configured);
  } catch (const std::exception& thrown) {
    return std::unexpected(explain(session.get(), thrown));
  }
  if (::chmod(path_.c_str(), 0600) != 0) {
    return base::fail(code_of(errno), "cannot make {} private: {}", path_,
                      std::generic_category().message(errno));
  }
  return session;
}

Result<> SqliteDatabase::identify(soci::session& session) {
  const auto is_empty = [&] {
    return ask<int>(session, "SELECT count(*) FROM sqlite_master") == 0;
  };
  if (is_empty() && ask<int>(session, "PRAGMA application_id") == 0) {
    begin(session);
    if (is_empty()) create_tables(session);  // Somebody else may have been quicker.
    session << "COMMIT";
  }
  if (ask<int>(session, "PRAGMA application_id") != kApplicationId) {
    return base::fail(ErrorCode::invalid_argument, "{} belongs to another application", path_);
  }
  const int version = ask<int>(session, "PRAGMA user_version");
  if (version > kSchemaVersion) {
    return base::fail(ErrorCode::invalid_argument,
                      "{} was written by a newer Berth (its schema is {}, this one knows {})",
                      path_, version, kSchemaVersion);
  }
  return {};
}

void SqliteDatabase::create_tables(soci::session& session) {
  for (const char* statement : kSchema) session << statement;
}

Result<> SqliteDatabase::configure(soci::session& session) {
  if (ask<std::string>(session, "PRAGMA journal_mode = WAL") != "wal") {
    return base::fail(ErrorCode::unavailable,
                      "the file system that holds {} cannot share memory, which the log needs",
                      path_);
  }
  session << "PRAGMA synchronous = FULL";
  // A checkpoint costs two syncs; every 4,000 pages (16 MB) is rare enough.
  session << "PRAGMA wal_autocheckpoint = 4000";
  session << "PRAGMA journal_size_limit = 67108864";
  return {};
}

Error SqliteDatabase::explain(soci::session* session, const std::exception& thrown) {
  const auto* known = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  const int result = known ? known->result() & 0xff : SQLITE_ERROR;
  const int cause =
      session && result == SQLITE_IOERR ? sqlite::sqlite3_system_errno(handle_of(*session)) : 0;
  if (result == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT) {
    return {ErrorCode::resource_exhausted, fmt::format("the disk that holds {} is full", path_),
            "disk"};
  }
  switch (result) {
    case SQLITE_CORRUPT:
      return {ErrorCode::data_loss, fmt::format("{} is damaged: {}", path_, thrown.what())};
    case SQLITE_NOTADB:
      return {ErrorCode::data_loss,
              fmt::format("{} is no SQLite database, or its start is damaged", path_)};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::conflict, fmt::format("{} has another writer", path_)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::unavailable, fmt::format("{} is in use by another process", path_)};
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return {ErrorCode::permission_denied,
              fmt::format("{} cannot be opened for writing: {}", path_, thrown.what())};
    case SQLITE_TOOBIG:
      return {ErrorCode::resource_exhausted, "one value is larger than the log can hold"};
    case SQLITE_NOMEM:
      return {ErrorCode::resource_exhausted, "out of memory"};
    case SQLITE_IOERR:
      return {ErrorCode::unavailable,
              fmt::format("the disk that holds {} fails: {}", path_,
                          cause ? std::generic_category().message(cause) : thrown.what())};
    default:
      return {ErrorCode::unavailable, fmt::format("{}: {}", path_, thrown.what())};
  }
}

}  // namespace

std::unique_ptr<Database> sqlite_database(const std::string& path) {
  return std::make_unique<SqliteDatabase>(path);
}

}  // namespace adapters::sql
