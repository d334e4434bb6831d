#include "api/served.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "api/routes.h"
#include "api/schema_check.h"
#include "controller/fakes/direct_desk.h"
#include "fakes/manual_clock.h"
#include "fakes/memory_file_store.h"

namespace api {
namespace {

std::string specification() {
  const char* root = std::getenv("BERTH_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/contracts/openapi.yaml");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const SchemaCheck& schemas() {
  static const SchemaCheck check(specification());
  return check;
}

std::string hash_of(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return fmt::format("{:016x}{:016x}", hash, hash * 31);
}

class Recorder final : public ports::TextStream {
 public:
  bool send(std::string text) override {
    if (seen->closed || seen->is_full) return false;
    seen->texts.push_back(std::move(text));
    return true;
  }
  void close() override {
    if (std::exchange(seen->closed, true)) return;
    if (const auto handler = std::exchange(handler_, nullptr)) handler();
  }
  void on_closed(std::function<void()> handler) override { handler_ = std::move(handler); }

  std::shared_ptr<Served::Stream> seen = std::make_shared<Served::Stream>();

 private:
  std::function<void()> handler_;
};

}  // namespace

struct Served::Parts {
  fakes::ManualClock clock{{1'700'000'000'000}};
  fakes::MemoryFileStore files{clock};
  controller::fakes::DirectDesk desk{clock};
  std::vector<std::pair<domain::Time, std::function<void()>>> later;
  std::vector<std::function<void()>> blocking;
  bool is_blocking = false;
  int made = 0;
  std::vector<std::shared_ptr<ports::TextStream>> streams;
  std::unique_ptr<Api> api;

  /// As a pool does: one after the other, never inside the one that asked.
  void block(std::function<void()> work) {
    blocking.push_back(std::move(work));
    if (is_blocking) return;
    is_blocking = true;
    while (!blocking.empty()) {
      const auto next = std::move(blocking.front());
      blocking.erase(blocking.begin());
      next();
    }
    is_blocking = false;
  }

  Options options(const bool& is_writable, bool has_node_provider) {
    Options all;
    all.version = "0.1.0";
    all.openapi = specification();
    all.password_hash = [](std::string_view password) {
      return base::Result<std::string>("hash of " + std::string(password));
    };
    all.password_verify = [](const std::string& hash, std::string_view password) {
      return hash == "hash of " + std::string(password);
    };
    all.token_hash = hash_of;
    all.random_token = [this] { return fmt::format("secret-{}", ++made); };
    all.random_id = [this] { return fmt::format("id-{}", ++made); };
    all.run_blocking = [this](std::function<void()> work) { block(std::move(work)); };
    all.run_after = [this](domain::Duration wait, std::function<void()> work) {
      later.emplace_back(clock.now() + wait, std::move(work));
    };
    all.join_token = [](std::string_view secret) { return fmt::format("{}.print", secret); };
    all.join_command = [](std::string_view token) { return fmt::format("join {}", token); };
    all.is_loopback_only = true;
    all.has_node_provider = has_node_provider;
    all.log_is_writable = [&is_writable] { return is_writable; };
    return all;
  }
};

Served::Served(bool has_node_provider) : parts_(std::make_unique<Parts>()) {
  using namespace ledger::access;
  parts_->api = std::make_unique<Api>(parts_->desk, parts_->files, parts_->clock,
                                      parts_->options(log_is_writable, has_node_provider));
  wish(ledger::CreateCluster{"test", {"ops"}, {"root"}, domain::credits(10)});
  for (const char* team : {"vision", "speech"}) wish(Command(CreateTeam{{team}}));
  wish(ledger::accounts::Command(ledger::accounts::Grant{{"vision"}, domain::credits(1'000)}));
  wish(ledger::accounts::Command(ledger::accounts::Grant{{"speech"}, domain::credits(100)}));
  const auto add = [&](const std::string& name, const std::string& team, Role role) {
    wish(Command(CreateUser{{{name}, {team}, role, "hash of " + name + "'s password", true}}));
  };
  add("olga", "ops", Role::operator_);
  add("ada", "vision", Role::member);
  add("bob", "vision", Role::member);
  add("carl", "speech", Role::member);
  for (const std::string user : {"root", "olga", "ada", "bob", "carl"}) {
    wish(Command(IssueToken{{"t-" + user,
                             {user},
                             "test",
                             hash_of("token-" + user),
                             now(),
                             now() + domain::kDay * 365}}));
  }
  domain::Inventory gpus{.address = "10.0.0.1",
                         .boot_id = "b",
                         .cpu_millis = 64'000,
                         .memory_bytes = std::int64_t{512} << 30,
                         .simulated = true};
  for (int i = 0; i < 8; ++i) {
    gpus.gpus.push_back({.uuid = fmt::format("SIM-{}", i), .model = "A100"});
  }
  const domain::Inventory cores{.address = "10.0.0.2",
                                .boot_id = "b",
                                .cpu_millis = 16'000,
                                .memory_bytes = std::int64_t{64} << 30};
  wish(ledger::nodes::Command(ledger::nodes::JoinNode{{"g1"}}));
  wish(ledger::nodes::Command(ledger::nodes::ReportNode{{"g1"}, gpus}));
  wish(ledger::nodes::Command(ledger::nodes::JoinNode{{"c1"}}));
  wish(ledger::nodes::Command(ledger::nodes::ReportNode{{"c1"}, cores}));
  parts_->desk.presence[{"g1"}].sample.at = now();
}

Served::~Served() {
  for (const auto& stream : parts_->streams) stream->close();
}

controller::Desk& Served::desk() { return parts_->desk; }
controller::fakes::DirectDesk& Served::direct() { return parts_->desk; }
Api& Served::api() { return *parts_->api; }
domain::Time Served::now() const { return parts_->clock.now(); }
void Served::fail_files() { parts_->files.fail_next(); }

void Served::wish(ledger::Wish wish) {
  parts_->desk.submit({{}, {"root"}, std::move(wish)},
                      [this](const base::Result<>& done, const auto&) {
                        if (!done) problems.push_back(done.error().message);
                      });
}

void Served::pass(domain::Duration time) {
  const domain::Time until = now() + time;
  while (true) {
    auto next = std::ranges::min_element(parts_->later, {}, [](auto& each) { return each.first; });
    if (next == parts_->later.end() || next->first > until) break;
    const auto work = std::move(next->second);
    parts_->clock.set(std::max(now(), next->first));
    parts_->later.erase(next);
    work();
  }
  parts_->clock.set(until);
  parts_->desk.settle();
}

void Served::put_file(domain::JobId job, const std::string& path, const std::string& bytes) {
  const auto size = parts_->files.size(job, path);
  if (!parts_->files.write_at(job, path, *size, bytes)) problems.push_back("cannot write " + path);
  parts_->desk.files_changed(job);
}

void Served::start_ranks(domain::JobId job) {
  const auto attempt = parts_->desk.state().jobs.jobs.at(job).attempts.back();
  std::int32_t number = 0;
  for (const auto& rank : attempt.ranks) {
    const ledger::jobs::SeenRank report{job, attempt.number, number++, true};
    wish(ledger::jobs::Command(ledger::jobs::ObserveNode{rank.node, {report}}));
  }
}

void Served::end_ranks(domain::JobId job, domain::ExitCause cause) {
  const auto attempt = parts_->desk.state().jobs.jobs.at(job).attempts.back();
  std::int32_t number = 0;
  for (const auto& rank : attempt.ranks) {
    ledger::jobs::SeenRank report{job, attempt.number, number++, true, true};
    report.end.exit_code = cause == domain::ExitCause::success ? 0 : 1;
    report.end.cause = cause;
    wish(ledger::jobs::Command(ledger::jobs::ObserveNode{rank.node, {report}}));
  }
}

namespace {

std::string member_of_error(const boost::json::value& body, const char* name) {
  const auto* object = body.if_object();
  const auto* error = object == nullptr ? nullptr : object->if_contains("error");
  return error == nullptr ? std::string() : std::string(error->as_object().at(name).as_string());
}

ports::HttpRequest request_of(const std::string& user, const std::string& target) {
  ports::HttpRequest request;
  request.method = "GET";
  request.peer = "127.0.0.1";
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  std::istringstream query(mark == target.npos ? "" : target.substr(mark + 1));
  for (std::string pair; std::getline(query, pair, '&');) {
    const std::size_t equals = pair.find('=');
    request.query[pair.substr(0, equals)] = equals == pair.npos ? "" : pair.substr(equals + 1);
  }
  if (!user.empty()) request.headers["authorization"] = "Bearer token-" + user;
  return request;
}

bool is_json(const ports::HttpResponse& response) {
  const auto type = response.headers.find("content-type");
  return type != response.headers.end() && type->second == "application/json";
}

}  // namespace

std::string Served::Answer::code() const { return member_of_error(body, "code"); }
std::string Served::Answer::field() const { return member_of_error(body, "field"); }
std::string Served::Answer::message() const { return member_of_error(body, "message"); }

Served::Answer Served::ask(const std::string& user, const std::string& method,
                           const std::string& target, const std::string& body, Headers headers) {
  ports::HttpRequest request = request_of(user, target);
  request.method = method;
  request.body = body;
  request.headers.merge(headers);
  const std::string name = method + " " + target;
  const std::uint64_t before = ledger::hash(parts_->desk.state());
  const Match match = match_route(method, request.path);
  Answer answer;
  int replies = 0;
  parts_->api->handle(std::move(request), [&](const ports::HttpResponse& response) {
    ++replies;
    answer.status = response.status;
    answer.headers = response.headers;
    answer.text = response.body;
    if (!is_json(response)) return;
    auto parsed = base::parse_json(response.body);
    if (!parsed) problems.push_back(name + ": " + parsed.error().message);
    if (parsed) answer.body = *std::move(parsed);
  });
  if (replies != 1) problems.push_back(fmt::format("{}: {} replies", name, replies));
  const bool changed = ledger::hash(parts_->desk.state()) != before;
  if (answer.status >= 400 && changed) problems.push_back(name + ": an error changed the state");
  if (match.route == nullptr) return answer;
  const std::string pattern(match.route->pattern);
  ++seen[fmt::format("{} {} {}", method, pattern, answer.status)];
  if (answer.body.is_null()) return answer;
  const auto problem = schemas().answer(method, pattern, answer.status, answer.body);
  if (!problem.empty()) problems.push_back(fmt::format("{}: {} in {}", name, problem, answer.text));
  const auto sent = base::parse_json(body);
  if (answer.status < 300 && !body.empty() && sent) {
    const auto wrong = schemas().request(method, pattern, *sent);
    if (!wrong.empty()) problems.push_back(fmt::format("{}: {}", name, wrong));
  }
  return answer;
}

std::shared_ptr<Served::Stream> Served::open(const std::string& user, const std::string& target,
                                             int& status, Headers headers) {
  ports::HttpRequest request = request_of(user, target);
  request.headers.merge(headers);
  std::function<void(std::shared_ptr<ports::TextStream>)> opened;
  parts_->api->upgrade(
      std::move(request), [&](const ports::HttpResponse& response) { status = response.status; },
      opened);
  const auto recorder = std::make_shared<Recorder>();
  parts_->streams.push_back(recorder);
  if (status == 101) opened(recorder);
  return recorder->seen;
}

std::string spec_json(const std::string& job_class, int gpus, std::int64_t hours,
                      const std::string& more_of_bid) {
  return fmt::format(R"({{"program":{{"command":["train"]}},"bid":{{"job_class":"{}",)"
                     R"("shape":{{"per_rank":{{"gpus":{}}}}},)"
                     R"("duration":{}{}}}}})",
                     job_class, gpus, hours * domain::kHour.ms, more_of_bid);
}

namespace {

TEST(OpenApi, HasExactlyTheRoutesOfTheTable) {
  const auto known = schemas().operations();
  std::set<std::string> served;
  for (const RouteName& route : route_names()) {
    std::string pattern = route.pattern;
    if (const auto rest = pattern.find("...}"); rest != pattern.npos) pattern.erase(rest, 3);
    const std::string name = route.method + " " + pattern;
    served.insert(name);
    const auto operation = known.find(name);
    ASSERT_NE(operation, known.end()) << name << " is not in the specification";
    EXPECT_EQ(operation->second.parameters,
              std::set<std::string>(route.parameters.begin(), route.parameters.end()))
        << name;
    EXPECT_EQ(operation->second.needs_token, route.needs_token) << name;
  }
  for (const auto& [name, operation] : known) {
    EXPECT_TRUE(served.contains(name)) << name << " is only in the specification";
  }
}

}  // namespace
}  // namespace api
