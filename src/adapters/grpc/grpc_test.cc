#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "adapters/grpc/enrolment.h"
#include "adapters/grpc/grpc_agent_listener.h"
#include "adapters/grpc/grpc_controller_link.h"
#include "adapters/grpc/tcp_relay.h"
#include "adapters/system/certificate.h"

namespace adapters::grpc {
namespace {

using base::ErrorCode;
using base::Result;
using system::CertificateAuthority;

/// A cluster's authority in a folder of its own.
class Cluster {
 public:
  Cluster() : folder_(make_folder()), authority_(*CertificateAuthority::open_or_create(folder_)) {
    controller_ = issue(kControllerName, system::CertificateUsage::server);
  }
  ~Cluster() { std::filesystem::remove_all(folder_); }

  system::Certificate issue(const std::string& name,
                            system::CertificateUsage usage = system::CertificateUsage::client) {
    return *authority_.issue({.common_name = name, .subject_alt_names = {name}, .usage = usage});
  }
  const CertificateAuthority& authority() const { return authority_; }

  GrpcServerOptions server(bool must_prove = true) const {
    return {.cert_pem = controller_.cert_pem,
            .key_pem = controller_.key_pem,
            .client_ca_pem = must_prove ? authority_.cert_pem() : std::string(),
            .keepalive = {400},
            .keepalive_timeout = {400}};
  }

  ControllerLinkOptions client(const std::string& node, int port) {
    const system::Certificate own = issue(node);
    return {.addresses = {"127.0.0.1:" + std::to_string(port)},
            .ca_pem = authority_.cert_pem(),
            .cert_pem = own.cert_pem,
            .key_pem = own.key_pem,
            .keepalive = {400},
            .keepalive_timeout = {400},
            .first_retry = {20},
            .last_retry = {100}};
  }

 private:
  static std::string make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "berth-ca-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  std::string folder_;
  CertificateAuthority authority_;
  system::Certificate controller_;
};

/// What happened, for a test that waits for it.
class Diary {
 public:
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(what));
    changed_.notify_all();
  }
  /// True once `what` was noted `times` times; false if that takes too long.
  bool has(const std::string& what, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return std::ranges::count(entries_, what) >= times; });
  }
  int count(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count(entries_, what));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> entries_;
};

/// A controller that greets, acknowledges and echoes sizes of chunks.
class Controller {
 public:
  explicit Controller(GrpcServerOptions options) : listener_(std::move(options)) {
    const auto opened = listener_.open({
        .connected =
            [this](const auto& connection) { diary.note("connected " + connection->node().value); },
        .message = [this](const auto& connection,
                          const auto& message) { take(connection, message); },
        .disconnected =
            [this](const auto& connection) {
              diary.note("disconnected " + connection->node().value);
            },
        .read_kept = [](const ports::KeptRange& range) { return read(range); },
    });
    EXPECT_TRUE(opened) << opened.error().message;
  }
  int port() const { return listener_.port(); }
  void close() { listener_.close(); }

  Diary diary;

 private:
  void take(const std::shared_ptr<ports::AgentConnection>& connection,
            const ports::FromAgent& message) {
    if (const auto* hello = std::get_if<ports::Hello>(&message)) {
      diary.note("hello " + hello->node.value);
      connection->send(ports::Welcome{{15'000}});
    } else if (const auto* report = std::get_if<ports::Report>(&message)) {
      connection->send(ports::ReportSeen{report->sequence});
    } else if (const auto* chunk = std::get_if<ports::FileChunk>(&message)) {
      connection->send(
          ports::FileKept{chunk->job, chunk->path, chunk->offset + chunk->bytes.size()});
    }
  }

  static Result<std::string> read(const ports::KeptRange& range) {
    if (range.path == "none") return base::fail(ErrorCode::not_found, "no such file");
    const std::string whole = range.node.value + std::string(1'000'000, 'x');
    return range.offset >= whole.size() ? "" : whole.substr(range.offset, range.most);
  }

  GrpcAgentListener listener_;
};

/// An agent that greets and notes what it hears.
class Agent {
 public:
  explicit Agent(ControllerLinkOptions options, std::string name = "n1")
      : link(std::move(options)) {
    link.open({
        .connected =
            [this, name] {
              link.send(ports::Hello{{name}, {.address = "10.0.0.1"}});
              diary.note("connected");
            },
        .message = [this](const ports::ToAgent& message) { take(message); },
        .disconnected = [this](const base::Error&) { diary.note("disconnected"); },
    });
  }
  ~Agent() { link.close(); }

  Diary diary;
  GrpcControllerLink link;

 private:
  void take(const ports::ToAgent& message) {
    if (std::holds_alternative<ports::Welcome>(message)) diary.note("welcome");
    if (const auto* seen = std::get_if<ports::ReportSeen>(&message)) {
      diary.note("seen " + std::to_string(seen->sequence));
    }
    if (const auto* kept = std::get_if<ports::FileKept>(&message)) {
      diary.note("kept " + std::to_string(kept->size));
    }
    if (const auto* rejected = std::get_if<ports::Rejected>(&message)) {
      diary.note("rejected");
      diary.note(rejected->reason);
    }
  }
};

TEST(Link, CarriesMessagesBothWays) {
  Cluster cluster;
  Controller controller(cluster.server());
  Agent agent(cluster.client("n1", controller.port()));
  ASSERT_TRUE(agent.diary.has("welcome"));
  EXPECT_TRUE(controller.diary.has("hello n1"));
  EXPECT_TRUE(agent.link.send(ports::Report{.sequence = 7, .ranks = {}, .sample = {}}));
  EXPECT_TRUE(agent.diary.has("seen 7"));
  EXPECT_TRUE(agent.link.send(ports::FileChunk{{1}, "log", 100, std::string(200'000, 'x')}));
  EXPECT_TRUE(agent.diary.has("kept 200100"));
}

TEST(Link, ComesBackWhenTheControllerDoes) {
  Cluster cluster;
  auto controller = std::make_unique<Controller>(cluster.server());
  auto options = cluster.server();
  options.address = "127.0.0.1:" + std::to_string(controller->port());
  Agent agent(cluster.client("n1", controller->port()));
  ASSERT_TRUE(agent.diary.has("welcome"));
  controller.reset();
  ASSERT_TRUE(agent.diary.has("disconnected"));
  EXPECT_FALSE(agent.link.send(ports::Report{}));
  controller = std::make_unique<Controller>(options);
  EXPECT_TRUE(agent.diary.has("welcome", 2));
}

TEST(Link, FindsTheControllerThatIsThere) {
  Cluster cluster;
  Controller controller(cluster.server());
  auto options = cluster.client("n1", controller.port());
  options.addresses.insert(options.addresses.begin(), "127.0.0.1:1");
  Agent agent(std::move(options));
  EXPECT_TRUE(agent.diary.has("welcome"));
}

TEST(Link, ANodeOfAnotherClusterIsNotLetIn) {
  Cluster cluster;
  Cluster other;
  Controller controller(cluster.server());
  auto options = other.client("n1", controller.port());
  options.ca_pem = cluster.authority().cert_pem();
  Agent agent(std::move(options));
  ASSERT_TRUE(agent.diary.has("disconnected", 3));
  EXPECT_EQ(agent.diary.count("connected"), 0);
  EXPECT_EQ(controller.diary.count("connected n1"), 0);
}

TEST(Link, AnAgentTrustsNoOtherController) {
  Cluster cluster;
  Cluster other;
  Controller controller(other.server());
  auto options = other.client("n1", controller.port());
  options.ca_pem = cluster.authority().cert_pem();
  Agent agent(std::move(options));
  ASSERT_TRUE(agent.diary.has("disconnected", 3));
  EXPECT_EQ(agent.diary.count("connected"), 0);
}

TEST(Link, ANodeCannotPlayTheController) {
  Cluster cluster;
  const auto node = cluster.issue("n2", system::CertificateUsage::both);
  auto options = cluster.server();
  options.cert_pem = node.cert_pem;
  options.key_pem = node.key_pem;
  Controller impostor(options);
  Agent agent(cluster.client("n1", impostor.port()));
  ASSERT_TRUE(agent.diary.has("disconnected", 3));
  EXPECT_EQ(agent.diary.count("connected"), 0);
}

TEST(Link, AGreetingOfAnotherNameIsRejectedForGood) {
  Cluster cluster;
  Controller controller(cluster.server());
  Agent agent(cluster.client("n1", controller.port()), "n2");
  ASSERT_TRUE(agent.diary.has("rejected"));
  EXPECT_TRUE(agent.diary.has("the certificate is of node 'n1', the greeting of node 'n2'"));
  ASSERT_TRUE(agent.diary.has("disconnected"));
  EXPECT_TRUE(controller.diary.has("disconnected n1"));
  EXPECT_EQ(controller.diary.count("hello n2"), 0);
  EXPECT_EQ(agent.diary.count("connected"), 1);
}

TEST(Link, AHalfOpenConnectionIsSeenByBothEnds) {
  Cluster cluster;
  Controller controller(cluster.server());
  TcpRelay relay(controller.port());
  Agent agent(cluster.client("n1", relay.port()));
  ASSERT_TRUE(agent.diary.has("welcome"));
  const auto cut = std::chrono::steady_clock::now();
  relay.swallow();  // Both sockets stay open; nothing gets through.
  EXPECT_TRUE(agent.diary.has("disconnected"));
  EXPECT_TRUE(controller.diary.has("disconnected n1"));
  EXPECT_LT(std::chrono::steady_clock::now() - cut, std::chrono::seconds(8));
}

TEST(Link, QueuesAreBounded) {
  Cluster cluster;
  Controller controller(cluster.server());
  TcpRelay relay(controller.port());
  auto options = cluster.client("n1", relay.port());
  options.keepalive = {60'000};
  Agent agent(std::move(options));
  ASSERT_TRUE(agent.diary.has("welcome"));
  relay.swallow();
  int taken = 0;
  while (taken < 1'000 &&
         agent.link.send(ports::FileChunk{{1}, "log", 0, std::string(256 * 1024, 'x')})) {
    ++taken;
  }
  EXPECT_LT(taken, 200);
  // Reports do not wait behind chunks.
  EXPECT_TRUE(agent.link.send(ports::Report{}));
}

TEST(Link, FetchesKeptFiles) {
  Cluster cluster;
  Controller controller(cluster.server());
  Agent agent(cluster.client("n1", controller.port()));
  ASSERT_TRUE(agent.diary.has("welcome"));
  std::string got;
  const auto done = agent.link.fetch({1}, "some", [&](std::string_view bytes) -> Result<> {
    got += bytes;
    return {};
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(got, "n1" + std::string(1'000'000, 'x'));
  const auto none = agent.link.fetch({1}, "none", [](std::string_view) { return Result<>(); });
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  const auto full = agent.link.fetch({1}, "some", [](std::string_view) -> Result<> {
    return base::fail(ErrorCode::resource_exhausted, "no room");
  });
  EXPECT_EQ(full.error().code, ErrorCode::resource_exhausted);
}

class Joining : public testing::Test {
 protected:
  Joining()
      : service_([this](const JoinAsk& ask) { return decide(ask); }),
        server_(open()),
        address_("127.0.0.1:" + std::to_string(server_->port())),
        request_(*system::make_csr("n1")) {}

  std::unique_ptr<GrpcServer> open() {
    ::grpc::Service* services[] = {service_.service()};
    return *GrpcServer::open(cluster_.server(false), services);
  }

  Result<std::string> decide(const JoinAsk& ask) {
    ++asked_;
    if (ask.secret != "s3cret") return base::fail(ErrorCode::permission_denied, "bad token");
    return cluster_.authority().sign_csr(
        ask.csr_pem, {.common_name = ask.node.value, .usage = system::CertificateUsage::client});
  }

  JoinToken token() const {
    return {"s3cret", *system::fingerprint(cluster_.authority().cert_pem())};
  }
  JoinAsk ask(const std::string& node = "n1") const {
    return {.secret = {}, .csr_pem = request_.csr_pem, .node = {node}, .inventory = {}};
  }

  Cluster cluster_;
  std::atomic<int> asked_ = 0;
  EnrolmentService service_;
  std::unique_ptr<GrpcServer> server_;
  std::string address_;
  system::SigningRequest request_;
};

TEST_F(Joining, AMachineWithATokenBecomesANode) {
  const auto joined = join(address_, token(), ask());
  ASSERT_TRUE(joined) << joined.error().message;
  Controller controller(cluster_.server());
  auto options = cluster_.client("other", controller.port());
  options.ca_pem = joined->ca_pem;
  options.cert_pem = joined->cert_pem;
  options.key_pem = request_.key_pem;
  Agent agent(std::move(options));
  EXPECT_TRUE(agent.diary.has("welcome"));
  EXPECT_TRUE(controller.diary.has("hello n1"));
}

TEST_F(Joining, ALostConnectionIsTriedAgain) {
  TcpRelay relay(server_->port());
  relay.hang_up_after(1);
  const auto joined = join("127.0.0.1:" + std::to_string(relay.port()), token(), ask());
  EXPECT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(asked_, 1);
}

TEST_F(Joining, ABadSecretIsRefused) {
  auto bad = token();
  bad.secret = "guess";
  EXPECT_EQ(join(address_, bad, ask()).error().code, ErrorCode::permission_denied);
}

TEST_F(Joining, ASecretIsNotToldToAStranger) {
  Cluster other;
  auto elsewhere = token();
  elsewhere.ca_fingerprint = *system::fingerprint(other.authority().cert_pem());
  EXPECT_EQ(join(address_, elsewhere, ask()).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Joining, NobodyJoinsAsTheController) {
  EXPECT_EQ(join(address_, token(), ask(kControllerName)).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(asked_, 0);
}

TEST_F(Joining, NobodyThereIsUnavailable) {
  server_->close();
  EXPECT_EQ(join(address_, token(), ask()).error().code, ErrorCode::unavailable);
}

TEST(Tokens, AreReadBackAndChecked) {
  const JoinToken token{"aB-_9", std::string(64, 'f')};
  EXPECT_EQ(*decode_join_token(encode(token)), token);
  for (const std::string& bad : {std::string(), std::string("abc"), std::string("abc."),
                                 "." + std::string(64, 'f'), "a b." + std::string(64, 'f'),
                                 "abc." + std::string(63, 'f'), "abc." + std::string(64, 'F')}) {
    EXPECT_EQ(decode_join_token(bad).error().field, "token") << bad;
  }
}

}  // namespace
}  // namespace adapters::grpc
