#include "adapters/scheduler_service/scheduler_service.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "adapters/scheduler_service/call.h"
#include "adapters/scheduler_service/quote.h"
#include "adapters/scheduler_service/translate.h"
#include "adapters/scheduler_service/watch.h"
#include "adapters/scheduler_service/watches.h"
#include "contracts/era.grpc.pb.h"
#include "ledger/ledger.h"

namespace adapters::scheduler_service {
namespace {

using base::ErrorCode;
using controller::Reading;

constexpr std::size_t kLongestToken = 512;
constexpr std::size_t kLongestRequestId = 128;

using QuoteCall = std::shared_ptr<Call<wire::QuoteReply>>;
using ReserveCall = std::shared_ptr<Call<wire::ReserveReply>>;
using CancelCall = std::shared_ptr<Call<wire::CancelReply>>;

/// The value of a header that came once.
std::string_view header(const ::grpc::CallbackServerContext& context, const char* name) {
  const auto& all = context.client_metadata();
  if (all.count(name) != 1) return {};
  const auto& value = all.find(name)->second;
  return {value.data(), value.size()};
}

std::string_view token_of(const ::grpc::CallbackServerContext& context) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view value = header(context, "authorization");
  const auto same = [](char ours, char theirs) {
    return ours == std::tolower(static_cast<unsigned char>(theirs));
  };
  if (value.size() > kLongestToken || !std::ranges::equal(kBearer, value.substr(0, 7), same)) {
    return {};
  }
  return value.substr(kBearer.size());
}

template <class Request>
base::Result<> check_size(const Request& request) {
  if (request.ByteSizeLong() <= SchedulerService::kMostRequestBytes) return {};
  return base::fail(ErrorCode::resource_exhausted, "the request is longer than {} bytes",
                    SchedulerService::kMostRequestBytes);
}

/// What a ReserveRequest asks for, before anybody knows who asks.
struct Order {
  std::string request_id;
  std::string quote_id;  ///< Empty: `spec` has the bid.
  domain::JobSpec spec;
};

base::Result<Order> order_of(const wire::ReserveRequest& request) {
  if (auto good = check_size(request); !good) return base::pass(good);
  if (request.request_id().size() > kLongestRequestId) {
    return base::invalid("request_id", "longer than {} bytes", kLongestRequestId);
  }
  if (request.what_case() == wire::ReserveRequest::WHAT_NOT_SET) {
    return base::invalid("bid", "there must be a bid or a quote_id");
  }
  if (request.has_quote_id() && request.quote_id().empty()) {
    return base::invalid("quote_id", "is empty");
  }
  auto program = decode(request.program());
  if (!program) return base::pass(program);
  Order order{request.request_id(), request.quote_id(), {request.name(), *std::move(program), {}}};
  if (!request.has_bid()) return order;
  auto bid = decode(request.bid());
  if (!bid) return base::pass(bid);
  order.spec.bid = *std::move(bid);
  return order;
}

base::Result<ledger::jobs::MakeBid> wish_of(const Asker& asker, const Reading& reading,
                                            const Order& order) {
  if (order.quote_id.empty()) {
    return ledger::jobs::MakeBid{asker.user, asker.team, order.spec, std::nullopt};
  }
  auto wish = quoted_bid(asker, reading, order.quote_id);
  if (!wish) return wish;
  wish->spec.name = order.spec.name;
  wish->spec.program = order.spec.program;
  return wish;
}

/// The job that the command `id` has bid, accepted or not.
base::Result<wire::ReserveReply> reply_to(const Asker& asker, const domain::CommandId& id,
                                          const Reading& reading) {
  const auto& jobs = reading.state.jobs;
  const auto made = jobs.by_command.find(id);
  if (made == jobs.by_command.end()) {
    return std::unexpected(
        base::Error{ErrorCode::gone, "the job of this request_id is forgotten", "request_id"});
  }
  wire::ReserveReply reply;
  encode(reader_of(asker, reading), *ledger::jobs::find(jobs, made->second), reply);
  return reply;
}

}  // namespace

class SchedulerService::Service final : public wire::Scheduler::CallbackService {
 public:
  Service(controller::Desk& desk, Options options)
      : desk_(desk), options_(std::move(options)), watches_(std::make_shared<Watches>(desk)) {}

  ::grpc::ServerUnaryReactor* Quote(::grpc::CallbackServerContext* context,
                                    const wire::QuoteRequest* request,
                                    wire::QuoteReply* reply) override {
    const auto call = begin(*context, *reply);
    auto good = check_size(*request);
    auto bid = good ? decode(request->bid()) : base::Result<domain::Bid>(base::pass(good));
    enter(call, [this, call, bid = std::move(bid)](const Reading& reading) {
      if (!bid) return call->finish(std::unexpected(bid.error()));
      wire::QuoteReply answer;
      auto done = quote(call->asker, reading, *bid, options_.random_id(), answer);
      if (!done) return call->finish(base::pass(done));
      call->finish(std::move(answer));
    });
    return call.get();
  }

  ::grpc::ServerUnaryReactor* Reserve(::grpc::CallbackServerContext* context,
                                      const wire::ReserveRequest* request,
                                      wire::ReserveReply* reply) override {
    const auto call = begin(*context, *reply);
    enter(call, [this, call, order = order_of(*request)](const Reading& reading) {
      if (!order) return call->finish(std::unexpected(order.error()));
      reserve(call, *order, reading);
    });
    return call.get();
  }

  ::grpc::ServerUnaryReactor* Cancel(::grpc::CallbackServerContext* context,
                                     const wire::CancelRequest* request,
                                     wire::CancelReply* reply) override {
    const auto call = begin(*context, *reply);
    enter(call, [this, call, id = domain::JobId{request->job()}](const Reading& reading) {
      cancel(call, id, reading);
    });
    return call.get();
  }

  ::grpc::ServerWriteReactor<wire::Event>* Watch(::grpc::CallbackServerContext* context,
                                                 const wire::WatchRequest* request) override {
    const auto watch = std::make_shared<scheduler_service::Watch>(desk_, watches_, *context);
    watch->begin(credentials_of(*context), *request);
    return watch.get();
  }

 private:
  Credentials credentials_of(const ::grpc::CallbackServerContext& context) const {
    const std::string_view token = token_of(context);
    return {token.empty() ? std::string() : options_.token_hash(token),
            words::language_of(header(context, "accept-language"))};
  }

  template <class Reply>
  std::shared_ptr<Call<Reply>> begin(::grpc::CallbackServerContext& context, Reply& reply) const {
    auto call = std::make_shared<Call<Reply>>(credentials_of(context), context, reply);
    call->begin();
    return call;
  }

  /// Lets the caller in, then looks on the control thread; answers those who may not.
  template <class Reply>
  void enter(const std::shared_ptr<Call<Reply>>& call, controller::Desk::Look inside) {
    const bool queued = desk_.read([call, inside = std::move(inside)](const Reading& reading) {
      if (call->is_over()) return;
      auto asker = find_asker(call->credentials, reading);
      if (!asker) return call->finish(base::pass(asker));
      call->asker = *std::move(asker);
      inside(reading);
    });
    if (!queued) call->finish(std::unexpected(busy()));
  }

  /// The same for the same request of the same user.
  domain::CommandId command_id(const Asker& asker, const std::string& request_id) const {
    if (request_id.empty()) return {options_.random_id()};
    // The name of a user holds no line break, so this is unambiguous.
    const std::string whole = fmt::format("{}\n{}\nReserve", asker.user.value, request_id);
    return {"era-" + options_.token_hash(whole).substr(0, 32)};
  }

  void reserve(const ReserveCall& call, const Order& order, const Reading& reading) {
    const domain::CommandId id = command_id(call->asker, order.request_id);
    if (reading.state.jobs.by_command.contains(id)) {
      return answer(call, id, reading.position, reading);
    }
    auto wish = wish_of(call->asker, reading, order);
    if (!wish) return call->finish(base::pass(wish));
    const bool queued = desk_.submit(
        {id, call->asker.user, ledger::jobs::Command(*std::move(wish))},
        [call, id, before = reading.position](const base::Result<>& done, const Reading& after) {
          if (!done) return call->finish(std::unexpected(done.error()));
          answer(call, id, before, after);
        });
    if (!queued) call->finish(std::unexpected(busy()));
  }

  static void answer(const ReserveCall& call, const domain::CommandId& id, std::uint64_t position,
                     const Reading& reading) {
    auto reply = reply_to(call->asker, id, reading);
    if (reply) reply->set_position(position);
    call->finish(std::move(reply));
  }

  void cancel(const CancelCall& call, domain::JobId id, const Reading& reading) {
    auto job = find_job(call->asker, reading, id);
    if (!job) return call->finish(base::pass(job));
    const ledger::jobs::CancelJob wish{id, fmt::format("cancelled by {}", call->asker.user.value)};
    const bool queued =
        desk_.submit({{options_.random_id()}, call->asker.user, ledger::jobs::Command(wish)},
                     [call, id](const base::Result<>& done, const Reading& after) {
                       if (!done) return call->finish(std::unexpected(done.error()));
                       auto ended = find_job(call->asker, after, id);
                       if (!ended) return call->finish(base::pass(ended));
                       wire::CancelReply reply;
                       encode(**ended, reply);
                       call->finish(std::move(reply));
                     });
    if (!queued) call->finish(std::unexpected(busy()));
  }

  controller::Desk& desk_;
  const Options options_;
  const std::shared_ptr<Watches> watches_;
};

SchedulerService::SchedulerService(controller::Desk& desk, Options options)
    : service_(std::make_unique<Service>(desk, std::move(options))) {}

SchedulerService::~SchedulerService() = default;

::grpc::Service* SchedulerService::service() { return service_.get(); }

}  // namespace adapters::scheduler_service
