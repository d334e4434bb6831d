#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/api.h"
#include "base/check.h"
#include "controller/fakes/direct_desk.h"
#include "fakes/manual_clock.h"
#include "fakes/memory_file_store.h"

namespace {

using ledger::access::Command;

constexpr std::string_view kToken = "good";

api::Options options() {
  api::Options all;
  all.password_hash = [](std::string_view password) {
    return base::Result<std::string>(std::string(password));
  };
  all.password_verify = [](const std::string& hash, std::string_view password) {
    return hash == password;
  };
  all.token_hash = [](std::string_view token) { return "hash of " + std::string(token); };
  all.random_token = [] { return std::string("fresh"); };
  all.random_id = [made = 0]() mutable { return "id-" + std::to_string(++made); };
  all.run_blocking = [](const std::function<void()>& work) { work(); };
  all.run_after = [](domain::Duration, const std::function<void()>&) {};
  all.join_token = [](std::string_view secret) { return std::string(secret); };
  all.join_token = [](std::string_view secret) { return std::string(secret); };
  all.join_command = [](std::string_view token) { return std::string(token); };
  return all;
}

/// A cluster with an admin, whose token is "good", a node and a job.
struct World {
  World() {
    wish(ledger::CreateCluster{"fuzz", {"team"}, {"root"}, domain::credits(1'000)});
    wish(Command(ledger::access::IssueToken{
        {"t", {"root"}, "", options().token_hash(kToken), clock.now(), domain::kNever}}));
    wish(ledger::nodes::Command(ledger::nodes::JoinNode{{"n"}}));
    domain::Inventory machine{.boot_id = "b", .cpu_millis = 4'000, .memory_bytes = 1'000'000};
    wish(ledger::nodes::Command(ledger::nodes::ReportNode{{"n"}, machine}));
    domain::JobSpec spec;
    spec.program.command = {"true"};
    spec.bid.duration = domain::kHour;
    spec.bid.shape.per_rank.cpu_millis = 1'000;
    wish(ledger::jobs::Command(ledger::jobs::MakeBid{{"root"}, {"team"}, spec, std::nullopt}));
  }

  void wish(ledger::Wish wanted) { desk.submit({{}, {"root"}, std::move(wanted)}, nullptr); }

  fakes::ManualClock clock{{1'700'000'000'000}};
  fakes::MemoryFileStore files{clock};
  controller::fakes::DirectDesk desk{clock};
  api::Api server{desk, files, clock, options()};
};

/// Cuts the next line off `text`.
std::string line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string first(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return first;
}

bool is_open(const std::string& path) {
  return path == "/v1/version" || path == "/v1/health" || path == "/v1/openapi.yaml";
}

}  // namespace

/// Arbitrary requests: method, path, query key and value, token, then the body. They never crash
/// the API, each has one answer, nobody without a token gets a 2xx, and 4xx changes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  World world;
  ports::HttpRequest request;
  request.method = line(text);
  request.path = line(text);
  if (std::string key = line(text); !key.empty()) request.query[std::move(key)] = line(text);
  const std::string token = line(text);
  if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
  request.body = std::string(text);
  const std::string path = request.path;
  const std::uint64_t before = ledger::hash(world.desk.state());
  int replies = 0;
  world.server.handle(std::move(request), [&](const ports::HttpResponse& response) {
    ++replies;
    const bool is_good = response.status >= 200 && response.status < 300;
    CHECK(!is_good || token == kToken || is_open(path), "no 2xx without a token");
    const bool changed = ledger::hash(world.desk.state()) != before;
    CHECK(response.status < 400 || !changed, "what is refused changes nothing");
  });
  CHECK(replies == 1, "every request is answered once");
  return 0;
}
