#include "adapters/scheduler_service/scheduler_service.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "adapters/grpc/grpc_server.h"
#include "adapters/system/certificate.h"
#include "adapters/system/file.h"
#include "adapters/system/secrets.h"
#include "contracts/era.grpc.pb.h"
#include "controller/fakes/direct_desk.h"

namespace adapters::scheduler_service {
namespace {

namespace wire = ::berth::era::v1;
using controller::Reading;
using controller::fakes::DirectDesk;
using domain::kHour;
using domain::kMinute;
using domain::Time;
using ::grpc::StatusCode;
using Events = std::vector<wire::Event>;

constexpr Time kStart{1'795'338'000'000};
constexpr std::chrono::seconds kPatience(20);
constexpr std::int64_t kMegabyte = 1'000'000;

/// A cluster of one node with eight GPUs, and the teams of alice and of bob.
class SchedulerServiceTest : public ::testing::Test {
 protected:
  SchedulerServiceTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("berth-scheduler-" + std::to_string(::getpid()) + "-" + system::random_id())) {
    auto authority = system::CertificateAuthority::open_or_create(folder_);
    auto issued = authority->issue(
        {.common_name = grpc::kControllerName, .subject_alt_names = {grpc::kControllerName}});
    const std::array services{service_.service()};
    server_ = *grpc::GrpcServer::open({.cert_pem = issued->cert_pem, .key_pem = issued->key_pem},
                                      services);
    ::grpc::SslCredentialsOptions trust;
    trust.pem_root_certs = authority->cert_pem();
    ::grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(grpc::kControllerName);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // Who reads slowly buffers little.
    stub_ = wire::Scheduler::NewStub(::grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(server_->port()), ::grpc::SslCredentials(trust), arguments));
    fill_cluster();
  }

  ~SchedulerServiceTest() override {
    server_->close();
    std::filesystem::remove_all(folder_);
  }

  void fill_cluster() {
    namespace access = ledger::access;
    grant(ledger::CreateCluster{"c", {"lab"}, {"root"}, domain::credits(1'000)});
    grant(access::Command(access::CreateTeam{{"other"}}));
    grant(ledger::accounts::Command(ledger::accounts::Grant{{"other"}, domain::credits(1'000)}));
    add_user("alice", "lab", access::Role::member);
    add_user("bob", "other", access::Role::member);
    add_user("olga", "lab", access::Role::operator_);
    add_node("node1");
  }

  void add_node(const std::string& name) {
    domain::Inventory machine{.address = name,
                              .boot_id = "b",
                              .cpu_millis = 64'000,
                              .memory_bytes = std::int64_t{1} << 38};
    for (int gpu = 0; gpu < 8; ++gpu) {
      machine.gpus.push_back({.uuid = name + "-" + std::to_string(gpu), .model = "A100"});
    }
    grant(ledger::nodes::Command(ledger::nodes::JoinNode{{name}}));
    grant(ledger::nodes::Command(ledger::nodes::ReportNode{{name}, machine}));
  }

  void add_user(const std::string& name, const std::string& team, ledger::access::Role role) {
    namespace access = ledger::access;
    grant(access::Command(access::CreateUser{{.name = {name}, .team = {team}, .role = role}}));
    grant(access::Command(access::IssueToken{{.id = "token-" + name,
                                              .user = {name},
                                              .name = "test",
                                              .hash = system::token_hash("secret of " + name),
                                              .issued = clock_.now()}}));
  }

  void grant(ledger::Wish wish) {
    const auto done = desk_.grant(std::move(wish), "root");
    ASSERT_TRUE(done) << done.error().message;
  }

  /// The context of a call by `user`; nobody if empty.
  struct As {
    explicit As(const std::string& user, std::chrono::milliseconds patience = kPatience) {
      if (!user.empty()) context.AddMetadata("authorization", "Bearer secret of " + user);
      context.set_deadline(std::chrono::system_clock::now() + patience);
    }
    std::string field() const {
      const auto& all = context.GetServerTrailingMetadata();
      const auto found = all.find("berth-field");
      if (found == all.end()) return {};
      return {found->second.data(), found->second.size()};
    }
    ::grpc::ClientContext context;
  };

  static wire::Bid reserved(int gpus, domain::Duration length, domain::Duration deadline) {
    wire::Bid bid;
    bid.set_job_class(wire::JOB_CLASS_RESERVED);
    bid.set_gpus_per_rank(gpus);
    bid.set_duration_ms(length.ms);
    bid.set_deadline_ms((kStart + deadline).ms);
    return bid;
  }

  static wire::ReserveRequest request_for(wire::Bid bid) {
    wire::ReserveRequest request;
    *request.mutable_bid() = std::move(bid);
    request.mutable_program()->add_command("train");
    return request;
  }

  wire::ReserveReply reserve(const std::string& user, const wire::ReserveRequest& request) {
    As as(user);
    wire::ReserveReply reply;
    const auto status = stub_->Reserve(&as.context, request, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return reply;
  }

  ::grpc::Status reserve_fails(As& as, const wire::ReserveRequest& request) {
    wire::ReserveReply reply;
    return stub_->Reserve(&as.context, request, &reply);
  }

  wire::QuoteReply quote(const std::string& user, wire::Bid bid) {
    As as(user);
    wire::QuoteRequest request;
    *request.mutable_bid() = std::move(bid);
    wire::QuoteReply reply;
    const auto status = stub_->Quote(&as.context, request, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return reply;
  }

  ::grpc::Status cancel(const std::string& user, std::int64_t job, wire::CancelReply& reply) {
    As as(user);
    wire::CancelRequest request;
    request.set_job(job);
    return stub_->Cancel(&as.context, request, &reply);
  }

  std::size_t jobs() {
    std::size_t count = 0;
    desk_.look([&](const Reading& reading) { count = reading.state.jobs.jobs.size(); });
    return count;
  }

  std::uint64_t position() {
    std::uint64_t at = 0;
    desk_.look([&](const Reading& reading) { at = reading.position; });
    return at;
  }

  /// What a rank of the job's attempt reports of itself.
  void observe(std::int64_t job, bool ended, domain::ExitCause cause = domain::ExitCause::success) {
    ledger::jobs::SeenRank seen{.job = {job}, .attempt = 1, .rank = 0, .started = true};
    seen.ended = ended;
    seen.end.cause = cause;
    seen.end.signal = cause == domain::ExitCause::success ? 0 : 15;
    grant(ledger::jobs::Command(ledger::jobs::ObserveNode{{"node1"}, {seen}}));
  }

  /// A watch, with the first events that it tells.
  struct Watching {
    Watching(wire::Scheduler::Stub& stub, const std::string& user,
             const wire::WatchRequest& request, std::chrono::milliseconds patience = kPatience)
        : as(user, patience), reader(stub.Watch(&as.context, request)) {
      reader->WaitForInitialMetadata();
    }
    Events take(std::size_t count) {
      Events events;
      wire::Event event;
      while (events.size() < count && reader->Read(&event)) events.push_back(event);
      EXPECT_EQ(events.size(), count);
      return events;
    }
    ::grpc::Status end(std::size_t expected_events = 0) {
      wire::Event event;
      std::size_t more = 0;
      while (reader->Read(&event)) ++more;
      EXPECT_EQ(more, expected_events);
      return reader->Finish();
    }
    As as;
    std::unique_ptr<::grpc::ClientReader<wire::Event>> reader;
  };

  static wire::WatchRequest from(std::uint64_t position, std::vector<std::int64_t> jobs = {}) {
    wire::WatchRequest request;
    request.set_from_position(position);
    request.mutable_jobs()->Add(jobs.begin(), jobs.end());
    return request;
  }

  const std::filesystem::path folder_;
  ::fakes::ManualClock clock_{kStart};
  DirectDesk desk_{clock_};
  SchedulerService service_{desk_,
                            {.token_hash = system::token_hash, .random_id = system::random_id}};
  std::unique_ptr<grpc::GrpcServer> server_;
  std::unique_ptr<wire::Scheduler::Stub> stub_;
};

std::vector<wire::Event::WhatCase> kinds(const Events& events) {
  std::vector<wire::Event::WhatCase> kinds;
  for (const auto& event : events) kinds.push_back(event.what_case());
  return kinds;
}

TEST_F(SchedulerServiceTest, a_quote_changes_nothing_and_promises_what_reserving_it_gets) {
  const std::uint64_t before = position();
  auto bid = reserved(4, kHour, kHour * 10);
  bid.set_firm(true);
  const auto quoted = quote("alice", bid);
  EXPECT_EQ(position(), before);
  ASSERT_TRUE(quoted.has_offer());
  EXPECT_GT(quoted.offer().price_micros(), 0);
  EXPECT_EQ(quoted.promised_finish_ms(), (kStart + kHour * 10).ms);
  EXPECT_EQ(quoted.promised_start_ms(), quoted.offer().start_ms());
  EXPECT_EQ(quoted.expires_ms(), (kStart + controller::QuoteBook::kValid).ms);
  EXPECT_FALSE(quoted.text().empty());

  wire::ReserveRequest request;
  request.set_quote_id(quoted.quote_id());
  request.set_name("mine");
  request.mutable_program()->add_command("train");
  const auto reply = reserve("alice", request);
  ASSERT_TRUE(reply.has_reservation());
  EXPECT_EQ(reply.reservation().price_micros(), quoted.offer().price_micros());
  EXPECT_EQ(reply.reservation().promised_start_ms(), quoted.promised_start_ms());
  desk_.look([&](const Reading& reading) {
    const auto& job = reading.state.jobs.jobs.at({reply.job()});
    EXPECT_EQ(job.spec.name, "mine");
    EXPECT_EQ(job.spec.program.command, std::vector<std::string>{"train"});
    EXPECT_EQ(job.user.value, "alice");
  });
}

TEST_F(SchedulerServiceTest, a_flex_quote_is_a_price) {
  wire::Bid bid;
  bid.set_gpus_per_rank(1);
  bid.set_duration_ms(kHour.ms);
  const auto quoted = quote("alice", bid);
  ASSERT_TRUE(quoted.has_offer());
  EXPECT_GT(quoted.offer().price_micros(), 0);
  EXPECT_TRUE(quoted.offer().nodes().empty());
  EXPECT_FALSE(quoted.has_promised_finish_ms());
  wire::ReserveRequest request;
  request.set_quote_id(quoted.quote_id());
  request.mutable_program()->add_command("train");
  const auto reply = reserve("alice", request);
  EXPECT_EQ(reply.reservation().price_micros(), quoted.offer().price_micros());
  EXPECT_FALSE(reply.reservation().has_promised_finish_ms());
}

TEST_F(SchedulerServiceTest, an_elastic_bid_has_pieces_of_other_widths) {
  wire::Bid bid = reserved(2, domain::kHour * 2, domain::kMinute * 100);
  bid.set_preemptible(true);
  bid.set_restart_ms(domain::kMinute.ms);
  for (const auto& [ranks, speed] : {std::pair{1, 1'000}, std::pair{2, 1'900}}) {
    wire::Width& width = *bid.add_widths();
    width.set_ranks(ranks);
    width.set_speed(speed);
  }
  const auto reply = quote("alice", bid);
  ASSERT_TRUE(reply.has_offer());
  ASSERT_EQ(reply.offer().later_size(), 1);
  EXPECT_NE(reply.offer().nodes_size(), reply.offer().later(0).nodes_size());

  bid.mutable_widths(0)->set_speed(0);
  As as("alice");
  EXPECT_FALSE(reserve_fails(as, request_for(bid)).ok());
  EXPECT_EQ(as.field(), "bid.widths");
}

TEST_F(SchedulerServiceTest, a_quote_that_needs_others_to_move_can_be_reserved) {
  auto theirs = reserved(8, kHour, kHour * 10);
  theirs.set_earliest_ms((kStart + kHour).ms);
  const auto planned = reserve("bob", request_for(theirs)).reservation().planned();
  auto bid = reserved(8, kHour, kHour * 3);
  bid.set_earliest_ms(planned.start_ms());
  bid.set_deadline_ms(planned.finish_ms());
  const auto quoted = quote("alice", bid);
  ASSERT_TRUE(quoted.has_offer()) << quoted.text();
  wire::ReserveRequest request;
  request.set_quote_id(quoted.quote_id());
  request.mutable_program()->add_command("train");
  Watching bobs(*stub_, "bob", from(position()));
  const auto reply = reserve("alice", request);
  EXPECT_EQ(reply.reservation().planned().start_ms(), planned.start_ms());
  const auto moved = bobs.take(1)[0].moved();
  ASSERT_EQ(moved.places_size(), 1);
  EXPECT_GE(moved.places(0).start_ms(), planned.finish_ms());
  EXPECT_EQ(moved.cause(), "makes room for another team's job");
}

TEST_F(SchedulerServiceTest, a_quote_is_gone_when_time_is_over_or_the_place_is_taken) {
  const auto old = quote("alice", reserved(8, kHour, kHour * 2));
  wire::ReserveRequest request;
  request.set_quote_id(old.quote_id());
  request.mutable_program()->add_command("train");
  As thief("bob");
  EXPECT_EQ(reserve_fails(thief, request).error_code(), StatusCode::FAILED_PRECONDITION);

  clock_.advance(controller::QuoteBook::kValid);
  As late("alice");
  EXPECT_EQ(reserve_fails(late, request).error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(late.field(), "quote_id");

  auto bid = reserved(8, kHour, kHour + kMinute * 10);
  bid.set_firm(true);
  request.set_quote_id(quote("alice", bid).quote_id());
  reserve("bob", request_for(bid));
  As slow("alice");
  EXPECT_EQ(reserve_fails(slow, request).error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(jobs(), 1U);
}

TEST_F(SchedulerServiceTest, a_refusal_is_an_answer_with_what_would_be_accepted) {
  const auto mine = reserve("alice", request_for(reserved(6, kHour * 5, kHour * 5)));
  const auto theirs = reserve("bob", request_for(reserved(2, kHour * 5, kHour * 5)));
  const auto reply = reserve("alice", request_for(reserved(4, kHour, kHour * 4)));
  EXPECT_EQ(reply.state(), wire::JOB_STATE_REFUSED);
  ASSERT_TRUE(reply.has_refusal());
  EXPECT_GT(reply.job(), theirs.job());
  EXPECT_EQ(reply.refusal().reason(), wire::REFUSAL_REASON_NO_FREE_WINDOW);
  for (const std::int64_t job : reply.refusal().blocking()) EXPECT_EQ(job, mine.job());
  EXPECT_EQ(reply.refusal().blocking_size(), 1) << "bob's job is none of alice's business";
  ASSERT_GT(reply.refusal().changes_size(), 0);
  bool has_deadline = false;
  for (const auto& change : reply.refusal().changes()) {
    has_deadline |= change.has_deadline_ms() && change.offer().start_ms() >= kStart.ms;
  }
  EXPECT_TRUE(has_deadline);
  EXPECT_NE(reply.text().find("job " + std::to_string(mine.job())), std::string::npos);

  const auto quoted = quote("alice", reserved(9, kHour, kHour * 4));
  EXPECT_TRUE(quoted.quote_id().empty());
  EXPECT_EQ(quoted.refusal().reason(), wire::REFUSAL_REASON_RANK_LARGER_THAN_NODE);
  auto cheap = reserved(1, kHour, kHour * 40);
  cheap.set_max_price_micros(1);
  const auto dear = quote("alice", cheap);
  EXPECT_EQ(dear.refusal().reason(), wire::REFUSAL_REASON_TOO_EXPENSIVE);
  EXPECT_GT(dear.refusal().price_micros(), 1);
}

TEST_F(SchedulerServiceTest, a_rank_larger_than_a_node_is_told_what_would_fit) {
  add_node("node2");
  auto bid = reserved(16, kHour, kHour * 4);
  bid.set_memory_bytes_per_rank(kMegabyte);
  const auto refusal = quote("alice", bid).refusal();
  ASSERT_EQ(refusal.changes_size(), 2);
  EXPECT_EQ(refusal.changes(0).ranks(), 2);
  EXPECT_EQ(refusal.changes(1).change_case(), wire::Change::CHANGE_NOT_SET);
  for (const auto& change : refusal.changes()) {
    EXPECT_EQ(change.per_rank().gpus(), 8);
    EXPECT_EQ(change.per_rank().cpu_millis(), 1'000);
    EXPECT_EQ(change.per_rank().memory_bytes(), kMegabyte);
  }
}

TEST_F(SchedulerServiceTest, the_same_request_id_gets_the_same_job_also_when_refused) {
  auto request = request_for(reserved(8, kHour, kHour * 2));
  request.set_request_id("one");
  const auto first = reserve("alice", request);
  EXPECT_EQ(reserve("alice", request).job(), first.job());
  EXPECT_EQ(jobs(), 1U);
  auto refused = request_for(reserved(9, kHour, kHour * 2));
  refused.set_request_id("two");
  EXPECT_EQ(reserve("alice", refused).job(), reserve("alice", refused).job());
  EXPECT_EQ(jobs(), 2U);
  EXPECT_NE(reserve("bob", request).job(), first.job()) << "the id is alice's, not bob's";
  request.clear_request_id();
  EXPECT_NE(reserve("alice", request).job(), reserve("alice", request).job());

  auto by_quote = request_for({});
  by_quote.set_quote_id(quote("alice", reserved(1, kHour, kHour * 80)).quote_id());
  by_quote.set_request_id("three");
  const auto third = reserve("alice", by_quote);
  clock_.advance(kHour);
  EXPECT_EQ(reserve("alice", by_quote).job(), third.job()) << "although the quote has expired";
}

TEST_F(SchedulerServiceTest, the_owner_cancels_and_a_repeat_is_harmless) {
  const auto job = reserve("alice", request_for(reserved(8, kHour, kHour * 50))).job();
  wire::CancelReply reply;
  EXPECT_EQ(cancel("bob", job, reply).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(cancel("bob", job + 1, reply).error_code(), StatusCode::NOT_FOUND);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(cancel("alice", job, reply).ok());
  EXPECT_EQ(reply.state(), wire::JOB_STATE_STARTING) << "what runs is being stopped";
  observe(job, true, domain::ExitCause::stopped);
  EXPECT_TRUE(cancel("olga", job, reply).ok());
  EXPECT_EQ(reply.state(), wire::JOB_STATE_CANCELLED);
}

TEST_F(SchedulerServiceTest, nobody_comes_in_without_a_good_token) {
  for (const std::string user : {"", "mallory"}) {
    As as(user);
    const auto status = reserve_fails(as, request_for(reserved(1, kHour, kHour * 2)));
    EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << user;
    Watching watching(*stub_, user, from(0));
    EXPECT_EQ(watching.end().error_code(), StatusCode::UNAUTHENTICATED);
    wire::CancelReply reply;
    EXPECT_EQ(cancel(user, 1, reply).error_code(), StatusCode::UNAUTHENTICATED);
  }
  As basic("");
  basic.context.AddMetadata("authorization", "Basic secret of alice");
  EXPECT_EQ(reserve_fails(basic, request_for(reserved(1, kHour, kHour * 2))).error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(jobs(), 0U);
}

TEST_F(SchedulerServiceTest, bad_input_changes_nothing_and_names_the_field) {
  struct Case {
    std::string field;
    std::function<void(wire::ReserveRequest&)> spoil;
  };
  const std::vector<Case> cases = {
      {"bid.duration_ms", [](auto& r) { r.mutable_bid()->set_duration_ms(0); }},
      {"bid.duration_ms", [](auto& r) { r.mutable_bid()->set_duration_ms(INT64_MIN); }},
      {"bid.ranks", [](auto& r) { r.mutable_bid()->set_ranks(0); }},
      {"bid.ranks", [](auto& r) { r.mutable_bid()->set_ranks(5'000); }},
      {"bid.gpus_per_rank", [](auto& r) { r.mutable_bid()->set_gpus_per_rank(-1); }},
      {"bid.cpu_millis_per_rank", [](auto& r) { r.mutable_bid()->set_cpu_millis_per_rank(-1); }},
      {"bid.memory_bytes_per_rank",
       [](auto& r) { r.mutable_bid()->set_memory_bytes_per_rank(INT64_MAX); }},
      {"bid.earliest_ms", [](auto& r) { r.mutable_bid()->set_earliest_ms(-1); }},
      {"bid.deadline_ms", [](auto& r) { r.mutable_bid()->set_deadline_ms(7); }},
      {"bid.max_price_micros", [](auto& r) { r.mutable_bid()->set_max_price_micros(-1); }},
      {"bid.job_class",
       [](auto& r) { r.mutable_bid()->set_job_class(static_cast<wire::JobClass>(9)); }},
      {"bid.placement",
       [](auto& r) { r.mutable_bid()->set_placement(static_cast<wire::Placement>(9)); }},
      {"bid", [](auto& r) { r.clear_bid(); }},
      {"quote_id", [](auto& r) { r.set_quote_id(""); }},
      {"program.command", [](auto& r) { r.clear_program(); }},
      {"program.workdir", [](auto& r) { r.mutable_program()->set_workdir("here"); }},
      {"program.env", [](auto& r) { (*r.mutable_program()->mutable_env())["BERTH_X"] = "1"; }},
      {"program.grace_ms", [](auto& r) { r.mutable_program()->set_grace_ms(-1); }},
      {"program.max_retries", [](auto& r) { r.mutable_program()->set_max_retries(101); }},
      {"program.framework",
       [](auto& r) { r.mutable_program()->set_framework(static_cast<wire::Framework>(9)); }},
      {"request_id", [](auto& r) { r.set_request_id(std::string(129, 'x')); }},
      {"name", [](auto& r) { r.set_name(std::string(201, 'x')); }},
  };
  const std::uint64_t before = position();
  for (const Case& bad : cases) {
    auto request = request_for(reserved(1, kHour, kHour * 2));
    bad.spoil(request);
    As as("alice");
    const auto status = reserve_fails(as, request);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << bad.field;
    EXPECT_EQ(as.field(), bad.field) << status.error_message();
    EXPECT_FALSE(status.error_message().empty());
  }
  auto huge = request_for(reserved(1, kHour, kHour * 2));
  huge.set_name(std::string(SchedulerService::kMostRequestBytes, 'x'));
  As as("alice");
  EXPECT_EQ(reserve_fails(as, huge).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(position(), before);
}

TEST_F(SchedulerServiceTest, a_busy_controller_is_unavailable_a_silent_one_ends_by_the_deadline) {
  desk_.inject(DirectDesk::Fault::queue_full);
  As busy_call("alice");
  EXPECT_EQ(reserve_fails(busy_call, request_for(reserved(1, kHour, kHour * 2))).error_code(),
            StatusCode::UNAVAILABLE);
  desk_.inject(DirectDesk::Fault::never_comes);
  As short_call("alice", std::chrono::milliseconds(200));
  EXPECT_EQ(reserve_fails(short_call, request_for(reserved(1, kHour, kHour * 2))).error_code(),
            StatusCode::DEADLINE_EXCEEDED);
  desk_.inject(DirectDesk::Fault::never_comes);
  Watching watching(*stub_, "alice", from(0), std::chrono::milliseconds(200));
  EXPECT_EQ(watching.end().error_code(), StatusCode::DEADLINE_EXCEEDED);
  server_->close();  // And nothing is left that it would have to wait for.
}

TEST_F(SchedulerServiceTest, answers_in_the_language_of_the_caller) {
  As as("alice");
  as.context.AddMetadata("accept-language", "zh-CN");
  wire::QuoteRequest request;
  *request.mutable_bid() = reserved(4, kHour, kHour * 2);
  wire::QuoteReply reply;
  ASSERT_TRUE(stub_->Quote(&as.context, request, &reply).ok());
  EXPECT_NE(reply.text(), quote("alice", request.bid()).text());
}

TEST_F(SchedulerServiceTest, a_watch_tells_the_life_of_a_job_in_order) {
  Watching watching(*stub_, "alice", wire::WatchRequest());
  const auto reply = reserve("alice", request_for(reserved(8, kHour, kHour * 3)));
  observe(reply.job(), false);
  observe(reply.job(), true);
  const auto events = watching.take(4);
  using Event = wire::Event;
  EXPECT_EQ(kinds(events),
            (std::vector{Event::kAccepted, Event::kStarted, Event::kRunning, Event::kEnded}));
  EXPECT_EQ(events[0].accepted().job(), reply.job());
  EXPECT_EQ(events[0].accepted().user(), "alice");
  EXPECT_EQ(events[0].accepted().price_micros(), reply.reservation().price_micros());
  EXPECT_EQ(events[0].time_ms(), kStart.ms);
  EXPECT_EQ(events[1].started().nodes(0), "node1");
  EXPECT_EQ(events[3].ended().state(), wire::JOB_STATE_SUCCEEDED);
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_LT(events[i - 1].position(), events[i].position());
  }
}

TEST_F(SchedulerServiceTest, a_watch_goes_on_where_another_has_ended) {
  for (int i = 0; i < 5; ++i) reserve("alice", request_for(reserved(1, kHour, kHour * 90)));
  Events all;
  {
    Watching first(*stub_, "alice", from(0));
    all = first.take(4);
    first.as.context.TryCancel();
  }
  const std::uint64_t after = all.back().position() + 1;
  reserve("alice", request_for(reserved(9, kHour, kHour * 90)));
  Watching second(*stub_, "alice", from(after));
  Watching whole(*stub_, "alice", from(0));
  Events complete;
  do {
    complete.push_back(whole.take(1).front());
  } while (!complete.back().has_refused());
  while (!all.back().has_refused()) all.push_back(second.take(1).front());
  ASSERT_EQ(all.size(), complete.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].SerializeAsString(), complete[i].SerializeAsString());
  }
}

TEST_F(SchedulerServiceTest, a_watch_of_jobs_ends_with_them_also_when_they_have_ended_before) {
  const auto reply = reserve("alice", request_for(reserved(8, kHour, kHour * 3)));
  reserve("alice", request_for(reserved(1, kHour, kHour * 30)));
  Watching watching(*stub_, "alice", from(reply.position(), {reply.job()}));
  using Event = wire::Event;
  EXPECT_EQ(kinds(watching.take(2)), (std::vector{Event::kAccepted, Event::kStarted}));
  observe(reply.job(), true);
  EXPECT_EQ(kinds(watching.take(2)), (std::vector{Event::kRunning, Event::kEnded}));
  EXPECT_TRUE(watching.end().ok());
  Watching late(*stub_, "alice", from(position(), {reply.job()}));
  EXPECT_TRUE(late.end().ok());
}

TEST_F(SchedulerServiceTest, members_see_their_team_and_nodes_operators_see_all) {
  const auto theirs = reserve("bob", request_for(reserved(8, kHour, kHour * 3)));
  const auto mine = reserve("alice", request_for(reserved(9, kHour, kHour * 3)));
  Watching member(*stub_, "alice", from(0));
  EXPECT_EQ(member.take(1)[0].node_changed().node(), "node1");
  EXPECT_EQ(member.take(1)[0].node_changed().state(), wire::NODE_STATE_READY);
  EXPECT_EQ(member.take(1)[0].refused().job(), mine.job());
  Watching operator_(*stub_, "olga", from(0));
  EXPECT_EQ(operator_.take(3)[2].accepted().job(), theirs.job());

  Watching stranger(*stub_, "alice", from(0, {theirs.job()}));
  EXPECT_EQ(stranger.end().error_code(), StatusCode::NOT_FOUND);
  Watching future(*stub_, "alice", from(position() + 1));
  EXPECT_EQ(future.end().error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(future.as.field(), "from_position");
}

TEST_F(SchedulerServiceTest, a_member_who_comes_late_still_knows_the_jobs_of_the_team) {
  const auto job = reserve("alice", request_for(reserved(8, kHour, kHour * 3))).job();
  Watching watching(*stub_, "alice", from(position()));
  observe(job, false);
  EXPECT_EQ(watching.take(1)[0].running().job(), job);
}

TEST_F(SchedulerServiceTest, a_long_past_comes_in_pages_and_nothing_is_missed_at_the_seam) {
  wire::Bid bid;
  bid.set_gpus_per_rank(9);
  bid.set_duration_ms(kHour.ms);
  ledger::jobs::MakeBid wish{{"alice"}, {"lab"}, {}, std::nullopt};
  wish.spec.program.command = {"train"};
  wish.spec.bid.duration = kHour;
  wish.spec.bid.shape.per_rank = {.gpus = 9, .cpu_millis = 1'000};
  const auto refuse = [&](int times) {
    for (int i = 0; i < times; ++i) grant(ledger::jobs::Command(wish));
  };
  refuse(3'500);
  std::atomic<bool> enough = false;
  std::thread more([&] {
    while (!enough) refuse(1);
  });
  Watching watching(*stub_, "alice", from(0));
  const auto events = watching.take(4'500);
  enough = true;
  more.join();
  std::int64_t next = 1;
  for (const auto& event : events) {
    if (event.has_refused()) {
      EXPECT_EQ(event.refused().job(), next++);
    }
  }
  EXPECT_GT(next, 4'400);
}

TEST_F(SchedulerServiceTest, facts_that_come_while_a_watch_catches_up_are_shown_once) {
  ledger::jobs::MakeBid wish{{"alice"}, {"lab"}, {}, std::nullopt};
  wish.spec.program.command = {"train"};
  wish.spec.bid.duration = kHour;
  wish.spec.bid.shape.per_rank = {.gpus = 9, .cpu_millis = 1'000};
  const auto wait_for = [&](std::size_t waiting) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (desk_.waiting() < waiting && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
  };
  std::array<Events, 2> seen;
  std::array<std::thread, 2> watchers;
  const auto start = [&](std::size_t which) {
    watchers[which] =
        std::thread([&, which] { seen[which] = Watching(*stub_, "olga", from(0)).take(6); });
  };
  // The desk is busy meanwhile, so that all of this waits, in this order.
  desk_.look([&](const Reading&) {
    start(0);
    wait_for(1);
    for (const std::string id : {"a", "b", "c"}) {
      desk_.submit({{id}, {"alice"}, ledger::jobs::Command(wish)}, nullptr);
    }
    start(1);
    wait_for(5);
  });
  grant(ledger::jobs::Command(wish));
  for (auto& watcher : watchers) watcher.join();
  for (const Events& events : seen) {
    ASSERT_EQ(events.size(), 6U);
    for (int job = 1; job <= 4; ++job) EXPECT_EQ(events[1 + job].refused().job(), job);
  }
}

TEST_F(SchedulerServiceTest, a_watch_ends_when_its_token_is_revoked_or_its_user_changed) {
  namespace access = ledger::access;
  Watching alice(*stub_, "alice", from(position()));
  Watching bob(*stub_, "bob", from(position()));
  grant(access::Command(access::RevokeToken{"token-alice"}));
  EXPECT_EQ(alice.end().error_code(), StatusCode::UNAUTHENTICATED);
  reserve("bob", request_for(reserved(9, kHour, kHour * 3)));
  EXPECT_TRUE(bob.take(1)[0].has_refused());
  grant(access::Command(access::ChangeUser{.user = {"bob"}, .team = domain::TeamId{"lab"}}));
  EXPECT_EQ(bob.end().error_code(), StatusCode::UNAUTHENTICATED);
  Watching again(*stub_, "bob", from(0));
  EXPECT_EQ(again.take(1)[0].node_changed().node(), "node1") << "old changes end no new watch";
}

TEST_F(SchedulerServiceTest, who_reads_too_slowly_is_dropped) {
  Watching slow(*stub_, "alice", from(position()));
  ledger::jobs::MakeBid wish{{"alice"}, {"lab"}, {}, std::nullopt};
  wish.spec.name = std::string(200, 'n');
  wish.spec.program.command = {"train"};
  wish.spec.bid.duration = kHour;
  wish.spec.bid.shape.per_rank = {.gpus = 9, .cpu_millis = 1'000};
  for (int i = 0; i < 12'000; ++i) grant(ledger::jobs::Command(wish));
  wire::Event event;
  std::size_t taken = 0;
  while (slow.reader->Read(&event)) ++taken;
  const auto status = slow.reader->Finish();
  EXPECT_TRUE(status.error_code() == StatusCode::RESOURCE_EXHAUSTED ||
              status.error_code() == StatusCode::CANCELLED)
      << status.error_message() << " after " << taken;
  EXPECT_LT(taken, 12'000U);
}

TEST_F(SchedulerServiceTest, watches_are_limited_and_those_that_ended_make_room) {
  std::vector<std::unique_ptr<Watching>> open;
  for (int i = 0; i < SchedulerService::kMostWatchesOfOne; ++i) {
    open.push_back(std::make_unique<Watching>(*stub_, "alice", from(position())));
  }
  Watching too_many(*stub_, "alice", from(0));
  EXPECT_EQ(too_many.end().error_code(), StatusCode::RESOURCE_EXHAUSTED);
  Watching other(*stub_, "bob", from(0));
  other.take(1);
  for (auto& one : open) one->as.context.TryCancel();
  // The server learns of it a little later.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  bool is_in = false;
  while (!is_in && std::chrono::steady_clock::now() < deadline) {
    Watching again(*stub_, "alice", from(0));
    wire::Event event;
    is_in = again.reader->Read(&event);
    again.as.context.TryCancel();
  }
  EXPECT_TRUE(is_in);
}

/// The example for other systems is run as a stranger would run it.
TEST_F(SchedulerServiceTest, the_python_example_follows_a_job_to_its_end) {
  const auto runs = [](const std::string& command) {
    return std::system(("timeout 60 " + command).c_str()) == 0;
  };
  if (!runs("/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null")) {
    GTEST_SKIP() << "python3-grpcio or python3-protobuf is not installed";
  }
  if (!runs("protoc --version >/dev/null")) GTEST_SKIP() << "protoc is not installed";
  const std::string tree = std::getenv("BERTH_SOURCE_DIR");
  ASSERT_TRUE(runs("protoc --proto_path " + tree + "/contracts --python_out " + folder_.string() +
                   " era.proto"));
  Watching watching(*stub_, "alice", wire::WatchRequest());
  std::thread ends([&] {
    const auto events = watching.take(2);
    if (events.size() == 2) observe(events[0].accepted().job(), true);
  });
  const std::string out = folder_ / "out";
  const bool ran =
      runs("env PYTHONPATH=" + folder_.string() + " /usr/bin/python3 -B " + tree +
           "/examples/scheduler/reserve_and_watch.py 127.0.0.1:" + std::to_string(server_->port()) +
           " " + (folder_ / "ca.pem").string() + " 'secret of alice' >" + out + " 2>&1");
  if (!ran) watching.as.context.TryCancel();
  ends.join();
  const auto printed = system::read_file(out);
  ASSERT_TRUE(printed);
  EXPECT_TRUE(ran) << *printed;
  for (const std::string word : {"job 1:", "accepted", "started", "ended"}) {
    EXPECT_NE(printed->find(word), std::string::npos) << *printed;
  }
}

}  // namespace
}  // namespace adapters::scheduler_service
