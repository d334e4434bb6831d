#include <algorithm>

#include "api/routes.h"
#include "api/views.h"
#include "ledger/nodes/nodes.h"

namespace api {
namespace {

using base::ErrorCode;
using ledger::nodes::Closure;

constexpr std::size_t kLongestCause = 500;
constexpr std::size_t kLongestIdShown = 80;

/// A domain::ClosedTime as JSON has it: what is left out is not said in numbers.
struct TimeView {
  std::optional<domain::Time> from;
  std::optional<domain::Time> until;
  std::optional<domain::Duration> every_ms;
};
BOOST_DESCRIBE_STRUCT(TimeView, (), (from, until, every_ms))

struct CloseBody {
  std::vector<domain::NodeId> nodes;
  domain::PoolId pool;
  bool all = false;
  std::vector<TimeView> times;
  std::string cause;
  bool anyway = false;
};
BOOST_DESCRIBE_STRUCT(CloseBody, (), (nodes, pool, all, times, cause, anyway))

struct ClosureView {
  std::string id;
  std::vector<domain::NodeId> nodes;
  domain::PoolId pool;
  std::vector<TimeView> times;
  std::string cause;
  std::optional<TimeView> next;
  std::int64_t node_count = 0;
  bool closed_now = false;
};
BOOST_DESCRIBE_STRUCT(ClosureView, (),
                      (id, nodes, pool, times, cause, next, node_count, closed_now))

struct Closures {
  std::vector<ClosureView> closures;
};
BOOST_DESCRIBE_STRUCT(Closures, (), (closures))

struct Nothing {};
BOOST_DESCRIBE_STRUCT(Nothing, (), ())

TimeView view_of(const domain::ClosedTime& time) {
  TimeView shown{.from = time.from};
  if (time.until < domain::kNever) shown.until = time.until;
  if (time.every > domain::Duration{}) shown.every_ms = time.every;
  return shown;
}

ClosureView view_of(const Reading& reading, const Closure& closure) {
  const auto count = ledger::nodes::closed_by(reading.state.nodes, closure).size();
  ClosureView shown{.id = closure.id,
                    .nodes = closure.nodes,
                    .pool = closure.pool,
                    .cause = closure.cause,
                    .node_count = static_cast<std::int64_t>(count)};
  for (const auto& time : closure.times) shown.times.push_back(view_of(time));
  if (const auto next = domain::next_occurrence(closure.times, reading.now)) {
    shown.next = view_of(*next);
    shown.closed_now = next->from <= reading.now;
  }
  return shown;
}

base::Result<> check(const CloseBody& body) {
  const bool names_some = !body.nodes.empty() || !body.pool.value.empty();
  if (!names_some && !body.all)
    return base::invalid("nodes", "say nodes, a pool, or all: true for every node");
  if (names_some && body.all)
    return base::invalid("all", "cannot be given together with nodes or pool");
  if (body.cause.size() > kLongestCause)
    return base::invalid("cause", "longer than {} bytes", kLongestCause);
  return {};
}

Closure closure_of(const CloseBody& body, std::string id, domain::Time now) {
  Closure closure{.id = std::move(id), .nodes = body.nodes, .pool = body.pool};
  closure.cause = body.cause;
  for (const TimeView& time : body.times) {
    closure.times.push_back({time.from.value_or(now), time.until.value_or(domain::kNever),
                             time.every_ms.value_or(domain::Duration{})});
  }
  return closure;
}

void post_closure(Service& service, const CallPtr& call) {
  const auto wish = [&service, body = body_of<CloseBody>(*call)](
                        const Call& asked, const Reading& reading) -> base::Result<ledger::Wish> {
    if (!body) return std::unexpected(body.error());
    if (auto good = check(*body); !good) return base::pass(good);
    return ledger::nodes::Command(ledger::nodes::CloseNodes{
        closure_of(*body, service.object_id(asked), reading.now), body->anyway});
  };
  service.change(call, wish, [&service](const Call& asked, const Reading& after) -> Answer {
    const auto& closures = after.state.nodes.closures;
    const auto closure = closures.find(service.object_id(asked));
    if (closure == closures.end())
      return base::fail(ErrorCode::gone, "the closure is over or was taken back");
    return ok(view_of(after, closure->second), 201);
  });
}

/// Those that are not over, the next to begin first. O(closures x nodes)
void get_closures(Service& service, const CallPtr& call) {
  service.look(call, [](const Call&, const Reading& reading) -> Answer {
    Closures all;
    for (const auto& [id, closure] : reading.state.nodes.closures) {
      if (!domain::next_occurrence(closure.times, reading.now)) continue;
      all.closures.push_back(view_of(reading, closure));
    }
    std::ranges::stable_sort(all.closures, {},
                             [](const ClosureView& each) { return *each.next->from; });
    return ok(all);
  });
}

void delete_closure(Service& service, const CallPtr& call) {
  service.change(
      call,
      [](const Call& asked, const Reading&) -> base::Result<ledger::Wish> {
        const std::string id = base::valid_utf8(asked.arguments[0].substr(0, kLongestIdShown));
        return ledger::nodes::Command(ledger::nodes::OpenNodes{id});
      },
      [](const Call&, const Reading&) -> Answer { return ok(Nothing{}); });
}

}  // namespace

std::vector<Route> closure_routes() {
  return {
      {"GET", "/v1/closures", Role::member, get_closures},
      {"POST", "/v1/closures", Role::operator_, post_closure},
      {"DELETE", "/v1/closures/{id}", Role::operator_, delete_closure},
  };
}

}  // namespace api
