#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "api/event_view.h"
#include "api/routes.h"

namespace api {
namespace {

using controller::PlacedFact;

constexpr std::int64_t kMostEvents = 1'000;
constexpr std::int64_t kMostPosition = std::int64_t{1} << 53;

/// Replies with what the caller may see of `facts`; `from` is where they were asked for from.
void show(Service& service, const CallPtr& call, std::uint64_t from,
          const std::vector<PlacedFact>& facts) {
  service.look(call, [from, facts](const Call& asked, const Reading& reading) -> Answer {
    boost::json::array events;
    for (const PlacedFact& placed : facts) {
      if (auto event = event_view(asked, reading, placed)) events.push_back(*std::move(event));
    }
    const std::uint64_t next = facts.empty() ? from : facts.back().position + 1;
    return json_response(200, boost::json::object{{"events", std::move(events)}, {"next", next}});
  });
}

void get_events(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto limit = number_or(*call, "limit", {1, kMostEvents}, 100);
    if (!limit) return finish(*call, base::pass(limit));
    const auto newest = static_cast<std::int64_t>(reading.position);
    auto from =
        number_or(*call, "from", {0, kMostPosition}, std::max<std::int64_t>(0, newest - *limit));
    if (!from) return finish(*call, base::pass(from));
    const auto start = static_cast<std::uint64_t>(*from);
    const auto done = [&service, call, start](base::Result<std::vector<PlacedFact>> facts) {
      if (!facts) return finish(*call, base::pass(facts));
      show(service, call, start, *facts);
    };
    if (!service.desk().facts(start, static_cast<std::size_t>(*limit), done)) {
      finish(*call, std::unexpected(busy()));
    }
  });
}

/// One subscriber. Facts come from the log's reader first and from the control thread later; they
/// wait in a list that is taken as a whole by a look at the state, which knows whose jobs they are
/// about. No lock: whoever adds to the empty list asks for the look.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(Service& service, CallPtr call, std::uint64_t from)
      : service_(service), call_(std::move(call)), from_(from) {}

  ~EventStream() { (void)take_list(); }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  void open(std::shared_ptr<ports::TextStream> stream) {
    stream_ = std::move(stream);
    stream_->on_closed([self = shared_from_this()] { self->closed_ = true; });
    const std::weak_ptr<EventStream> weak = weak_from_this();
    const bool follows = service_.desk().follow(from_, [weak](const PlacedFact& placed) {
      const auto self = weak.lock();
      return self && !self->closed_ && self->add(placed);
    });
    if (!follows) end();
  }

 private:
  struct Waiting {
    PlacedFact fact;
    Waiting* next = nullptr;
  };

  bool add(const PlacedFact& placed) {
    if (++count_ > kMostWaiting) return end();  // The client comes again, from where it was.
    auto* const added = new Waiting{placed, list_.load()};
    while (!list_.compare_exchange_weak(added->next, added)) {
    }
    return added->next != nullptr || ask();
  }

  bool ask() {
    const bool queued = service_.desk().read(
        [self = shared_from_this()](const Reading& reading) { self->send(reading); });
    return queued || end();
  }

  /// Everything that waits, oldest first.
  std::vector<std::unique_ptr<Waiting>> take_list() {
    std::vector<std::unique_ptr<Waiting>> all;
    for (Waiting* at = list_.exchange(nullptr); at != nullptr;) {
      Waiting* const next = at->next;
      all.emplace_back(at);
      at = next;
    }
    std::ranges::reverse(all);
    return all;
  }

  void send(const Reading& reading) {
    // Rights may have changed since the stream was opened.
    const auto* user =
        ledger::access::find_by_token(reading.state.access, call_->token_hash, reading.now);
    if (user == nullptr) {
      end();
      return;
    }
    call_->asker = {user->name, user->team, user->role};
    for (const auto& waiting : take_list()) {
      --count_;
      if (closed_) return;
      const auto event = event_view(*call_, reading, waiting->fact);
      if (event && !stream_->send(base::to_text(*event))) end();
    }
  }

  /// False, for the callers that say so.
  bool end() {
    closed_ = true;
    stream_->close();
    return false;
  }

  static constexpr int kMostWaiting = 10'000;

  Service& service_;
  const CallPtr call_;  ///< Its asker is of the control thread.
  const std::uint64_t from_;
  std::shared_ptr<ports::TextStream> stream_;
  std::atomic<Waiting*> list_ = nullptr;  ///< Newest first.
  std::atomic<int> count_ = 0;
  std::atomic<bool> closed_ = false;
};

void stream_events(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    const auto newest = static_cast<std::int64_t>(reading.position);
    auto from = number_or(*call, "from", {0, kMostPosition}, newest);
    if (!from) return finish(*call, base::pass(from));
    const auto start = static_cast<std::uint64_t>(*from);
    // A call of its own: the stream must not keep the function that holds it.
    auto asked = std::make_shared<Call>();
    asked->route = call->route;
    asked->language = call->language;
    asked->token_hash = call->token_hash;
    asked->asker = call->asker;
    auto events = std::make_shared<EventStream>(service, std::move(asked), start);
    call->opened = [events](std::shared_ptr<ports::TextStream> stream) {
      events->open(std::move(stream));
    };
    finish(*call, ports::HttpResponse{.status = 101, .headers = {}, .body = {}});
  });
}

}  // namespace

std::vector<Route> event_routes() {
  return {
      {"GET", "/v1/events", Role::member, get_events, {"from", "limit"}},
      {"WS", "/v1/events/stream", Role::member, stream_events, {"from"}},
  };
}

}  // namespace api
