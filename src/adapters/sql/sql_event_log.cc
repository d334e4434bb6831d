#include "adapters/sql/sql_event_log.h"

#include <algorithm>
#include <limits>

#include "adapters/sql/database.h"

namespace adapters::sql {

using base::ErrorCode;
using base::Result;

namespace {

/// FNV-1a over the text, started from its position, so that a text in a wrong place is found too.
/// Finds what a disk or a careless hand changed; no defence against malice.
long long checksum_of(std::uint64_t position, std::string_view text) {
  std::uint64_t sum = 14695981039346656037u ^ position;
  for (const char byte : text) sum = (sum ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return static_cast<long long>(sum);
}

/// Moves `bodies`, the facts from position `from` on, to the end of `facts`.
Result<> take(std::uint64_t from, std::span<const long long> checksums,
              std::span<std::string> bodies, std::vector<std::string>& facts) {
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (checksums[i] != checksum_of(from + i, bodies[i])) {
      return base::fail(ErrorCode::data_loss, "fact {} is damaged or missing", from + i);
    }
    facts.push_back(std::move(bodies[i]));
  }
  return {};
}

}  // namespace

/// A session with what is prepared once: the statements of an append.
class SqlEventLog::Connection {
 public:
  explicit Connection(std::unique_ptr<soci::session> session)
      : session_(std::move(session)),
        newest_(
            (session_->prepare << "SELECT max(position) FROM fact", soci::into(last_, is_any_))),
        insert_((session_->prepare << "INSERT INTO fact(position, checksum, body) "
                                      "VALUES(:position, :checksum, :body)",
                 soci::use(positions_), soci::use(checksums_), soci::use(bodies_))) {}

  soci::session& session() { return *session_; }

  std::uint64_t size() {
    newest_.execute(true);
    const std::uint64_t size = is_any_ == soci::i_ok ? static_cast<std::uint64_t>(last_) + 1 : 0;
    while (newest_.fetch()) {  // To its end, else it would keep reading the log as it is now.
    }
    return size;
  }

  void insert(std::uint64_t position, std::span<const std::string> facts) {
    positions_.clear();
    checksums_.clear();
    bodies_.assign(facts.begin(), facts.end());
    for (const std::string& body : bodies_) {
      positions_.push_back(static_cast<long long>(position));
      checksums_.push_back(checksum_of(position++, body));
    }
    insert_.execute(true);
  }

 private:
  std::unique_ptr<soci::session> session_;
  long long last_ = 0;
  soci::indicator is_any_ = soci::i_null;
  std::vector<long long> positions_;
  std::vector<long long> checksums_;
  std::vector<std::string> bodies_;
  soci::statement newest_;
  soci::statement insert_;
};

SqlEventLog::SqlEventLog(std::unique_ptr<Database> database) : database_(std::move(database)) {}
SqlEventLog::~SqlEventLog() = default;

Result<std::unique_ptr<SqlEventLog>> SqlEventLog::open(const std::string& address) {
  const std::size_t colon = address.find(':');
  const std::size_t slash = address.find('/');
  std::string path = address;
  if (colon != std::string::npos && (slash == std::string::npos || colon < slash)) {
    const std::string kind = address.substr(0, colon);
    if (kind != "sqlite") {
      return base::invalid("log", "unknown kind of log '{}'; accepted is sqlite:<path>", kind);
    }
    path = address.substr(colon + 1);
  }
  if (path.empty()) return base::invalid("log", "the log needs a path, such as sqlite:berth.db");
  std::unique_ptr<SqlEventLog> log(new SqlEventLog(sqlite_database(path)));
  if (auto connected = log->connect(); !connected) {
    return std::unexpected(std::move(connected).error().while_doing("open the log"));
  }
  return log;
}

Result<> SqlEventLog::connect() {
  if (connection_) return {};
  auto session = database_->connect();
  if (!session) return base::pass(session);
  try {
    connection_ = std::make_unique<Connection>(*std::move(session));
  } catch (const std::exception& thrown) {
    return base::fail(ErrorCode::data_loss, "the tables of the log are not as expected: {}",
                      thrown.what());
  }
  return {};
}

/// Runs `step` on the connection and turns what the library throws into an Error. Whatever fails
/// leaves no transaction open.
template <class T, class Step>
Result<T> SqlEventLog::with_connection(const char* doing, Step step) {
  if (auto connected = connect(); !connected) {
    return std::unexpected(std::move(connected).error().while_doing(doing));
  }
  try {
    Result<T> done = step(*connection_);
    if (done) return done;
    roll_back();
    return std::unexpected(std::move(done).error().while_doing(doing));
  } catch (const std::exception& thrown) {
    base::Error error = database_->explain(&connection_->session(), thrown);
    roll_back();
    return std::unexpected(std::move(error).while_doing(doing));
  }
}

void SqlEventLog::roll_back() {
  try {
    if (database_->is_idle(connection_->session())) return;
    connection_->session() << "ROLLBACK";
    if (database_->is_idle(connection_->session())) return;
  } catch (const std::exception&) {
    // Closing the connection, below, ends the transaction too.
  }
  connection_.reset();
}

Result<std::uint64_t> SqlEventLog::append(std::uint64_t expected_size,
                                          std::span<const std::string> facts) {
  return with_connection<std::uint64_t>("append", [&](Connection& on) -> Result<std::uint64_t> {
    database_->begin(on.session());
    const std::uint64_t size = on.size();
    if (size != expected_size) {
      return base::fail(ErrorCode::conflict, "the log has {} facts, not {}", size, expected_size);
    }
    if (!facts.empty()) on.insert(size, facts);
    on.session() << "COMMIT";
    return size + facts.size();
  });
}

Result<std::vector<std::string>> SqlEventLog::read(std::uint64_t from, std::size_t most) {
  constexpr std::size_t kBatch = 1024;
  constexpr std::uint64_t kLast = std::numeric_limits<long long>::max();
  using Facts = std::vector<std::string>;
  return with_connection<Facts>("read", [&](Connection& on) -> Result<Facts> {
    Facts facts;
    if (most == 0 || from > kLast) return facts;
    const auto first = static_cast<long long>(from);
    const auto limit = static_cast<long long>(std::min<std::uint64_t>(most, kLast));
    const std::size_t batch = std::min(most, kBatch);
    std::vector<long long> checksums(batch);
    std::vector<std::string> bodies(batch);
    soci::statement select =
        (on.session().prepare << "SELECT checksum, body FROM fact "
                                 "WHERE position >= :first ORDER BY position LIMIT :most",
         soci::use(first), soci::use(limit), soci::into(checksums), soci::into(bodies));
    select.execute();
    while (select.fetch()) {
      auto taken = take(from + facts.size(), checksums, bodies, facts);
      if (!taken) return base::pass(taken);
      checksums.resize(batch);
      bodies.resize(batch);
    }
    return facts;
  });
}

Result<std::uint64_t> SqlEventLog::size() {
  return with_connection<std::uint64_t>(
      "read the size", [&](Connection& on) -> Result<std::uint64_t> { return on.size(); });
}

Result<> SqlEventLog::save_snapshot(const ports::Snapshot& snapshot) {
  return with_connection<void>("save a snapshot", [&](Connection& on) -> Result<> {
    soci::session& session = on.session();
    database_->begin(session);
    if (const std::uint64_t size = on.size(); snapshot.position > size) {
      return base::fail(ErrorCode::invalid_argument, "the log has {} facts, the snapshot {}", size,
                        snapshot.position);
    }
    const auto position = static_cast<long long>(snapshot.position);
    const long long checksum = checksum_of(snapshot.position, snapshot.state);
    session << "DELETE FROM snapshot WHERE position = :position", soci::use(position);
    session
        << "INSERT INTO snapshot(position, checksum, state) VALUES(:position, :checksum, :state)",
        soci::use(position), soci::use(checksum), soci::use(snapshot.state);
    long long second = 0;  // The newest below the newest.
    soci::indicator is_any = soci::i_null;
    session << "SELECT max(position) FROM snapshot "
               "WHERE position < (SELECT max(position) FROM snapshot)",
        soci::into(second, is_any);
    if (is_any == soci::i_ok) {
      session << "DELETE FROM snapshot WHERE position < :second", soci::use(second);
    }
    session << "COMMIT";
    return {};
  });
}

Result<std::optional<ports::Snapshot>> SqlEventLog::load_snapshot() {
  using Found = std::optional<ports::Snapshot>;
  return with_connection<Found>("load a snapshot", [&](Connection& on) -> Result<Found> {
    soci::rowset<soci::row> rows =
        (on.session().prepare
         << "SELECT position, checksum, state FROM snapshot ORDER BY position DESC");
    bool is_damaged = false;
    for (const soci::row& row : rows) {
      const auto position = static_cast<std::uint64_t>(row.get<long long>(0));
      auto state = row.get<std::string>(2);
      if (row.get<long long>(1) == checksum_of(position, state)) {
        return Found({.position = position, .state = std::move(state)});
      }
      is_damaged = true;
    }
    if (is_damaged) return base::fail(ErrorCode::data_loss, "every snapshot is damaged");
    return Found();
  });
}

}  // namespace adapters::sql
