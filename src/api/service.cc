#include "api/service.h"

#include <utility>

namespace api {
namespace {

using base::ErrorCode;
using controller::PlacedFact;

constexpr std::size_t kKnownTokens = 1'000;
constexpr std::size_t kLongestKey = 128;

std::string_view name_of_role(Role role) {
  switch (role) {
    case Role::member:
      return "member";
    case Role::operator_:
      return "operator";
    case Role::admin:
      return "admin";
  }
  return "member";
}

/// Whether a fact may make a token or a role worthless.
bool changes_access(const ledger::Event& event) {
  using namespace ledger::access;
  return std::holds_alternative<UserChanged>(event) ||
         std::holds_alternative<TokenRevoked>(event) || std::holds_alternative<UserCreated>(event);
}

}  // namespace

base::Error busy() { return {ErrorCode::unavailable, "the controller is busy; try again"}; }

base::Result<> check_role(const Call& call, Role needed) {
  const Asker& asker = call.asker;
  if (asker.role >= needed) return {};
  return base::fail(ErrorCode::permission_denied, "{}",
                    words::say(call.language, "error.role",
                               {name_of_role(needed), asker.user.value, name_of_role(asker.role)}));
}

Service::Service(controller::Desk& desk, ports::FileStore& files, const ports::Clock& clock,
                 Options options)
    : desk_(desk),
      files_(files),
      clock_(clock),
      options_(std::move(options)),
      started_(clock.now()),
      known_(std::make_shared<const KnownTokens>()) {}

base::Result<> Service::let_in(Call& call, const Reading& reading) {
  const auto& access = reading.state.access;
  const auto* user = ledger::access::find_by_token(access, call.token_hash, reading.now);
  if (user == nullptr) {
    return base::fail(ErrorCode::unauthenticated, "{}",
                      words::say(call.language, "error.bad_token"));
  }
  call.asker = {user->name, user->team, user->role};
  return check_role(call, *call.route->needed);
}

void Service::enter(const CallPtr& call, std::function<void(const Reading&)> inside) {
  const bool is_open = !call->route->needed.has_value();
  if (!is_open && call->token_hash.empty()) {
    finish(*call, base::fail(ErrorCode::unauthenticated, "{}",
                             words::say(call->language, "error.no_token")));
    return;
  }
  const bool queued =
      desk_.read([this, call, is_open, inside = std::move(inside)](const Reading& reading) {
        if (!is_open) {
          if (auto good = let_in(*call, reading); !good) return finish(*call, base::pass(good));
        }
        inside(reading);
      });
  if (!queued) finish(*call, std::unexpected(busy()));
}

void Service::look(const CallPtr& call, Look look) {
  enter(call, [call, look = std::move(look)](const Reading& reading) {
    finish(*call, look(*call, reading));
  });
}

void Service::change(const CallPtr& call, MakeWish wish, Look answer) {
  enter(call,
        [this, call, wish = std::move(wish), answer = std::move(answer)](const Reading& reading) {
          auto id = command_id(*call);
          if (!id) return finish(*call, base::pass(id));
          call->command_id = id->value;
          auto wanted = wish(*call, reading);
          if (!wanted) return finish(*call, base::pass(wanted));
          const auto reply = [call, answer](const base::Result<>& done, const Reading& after) {
            finish(*call, done ? answer(*call, after) : Answer(std::unexpected(done.error())));
          };
          if (!desk_.submit({*std::move(id), call->asker.user, *std::move(wanted)}, reply)) {
            finish(*call, std::unexpected(busy()));
          }
        });
}

void Service::submit(ledger::Command command, controller::Desk::Reply reply) {
  desk_.submit(std::move(command), std::move(reply));
}

base::Result<domain::CommandId> Service::command_id(const Call& call) const {
  const auto key = call.request.headers.find("idempotency-key");
  if (key == call.request.headers.end() || key->second.empty()) {
    return domain::CommandId{options_.random_id()};
  }
  if (key->second.size() > kLongestKey) {
    return base::invalid("Idempotency-Key", "longer than {} bytes", kLongestKey);
  }
  // A header holds no line break and neither does the name of a user, so this is unambiguous.
  const std::string whole = fmt::format("{}\n{}\n{} {}", call.asker.user.value, key->second,
                                        call.request.method, call.request.path);
  return domain::CommandId{"key-" + options_.token_hash(whole).substr(0, 32)};
}

std::string Service::object_id(const Call& call) const {
  CHECK(!call.command_id.empty(), "a change has been wished for");
  return options_.token_hash(call.command_id).substr(0, 16);
}

void Service::block(const CallPtr& call, std::function<Answer()> work) {
  options_.run_blocking([call, work = std::move(work)] { finish(*call, work()); });
}

void Service::follow_access(const Reading& reading) {
  follows_access_ = desk_.follow(reading.position, [this](const PlacedFact& placed) {
    if (changes_access(placed.fact.event)) known_ = std::make_shared<const KnownTokens>();
    return true;
  });
}

void Service::remember(const Call& call, const Reading& reading) {
  if (!follows_access_) follow_access(reading);
  const auto& access = reading.state.access;
  const auto id = access.token_ids.find(call.token_hash);
  if (!follows_access_ || id == access.token_ids.end()) return;
  const std::shared_ptr<const KnownTokens> known = known_;
  if (known->contains(call.token_hash)) return;
  auto more = known->size() < kKnownTokens ? std::make_shared<KnownTokens>(*known)
                                           : std::make_shared<KnownTokens>();
  more->emplace(call.token_hash, KnownToken{call.asker, access.tokens.at(id->second).expires});
  known_ = std::shared_ptr<const KnownTokens>(std::move(more));
}

std::optional<Asker> Service::known_asker(const Call& call) const {
  const std::shared_ptr<const KnownTokens> known = known_;
  const auto found = known->find(call.token_hash);
  if (found == known->end() || found->second.expires <= clock_.now()) return std::nullopt;
  return found->second.asker;
}

}  // namespace api
