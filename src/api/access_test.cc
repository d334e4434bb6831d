#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/served.h"
#include "controller/fakes/direct_desk.h"

namespace api {
namespace {

constexpr const char* kPrices =
    R"({"gpu_hour":{"":1},"core_hour":1,"eager_permille":1000,"firm_permille":1000,)"
    R"("flex_permille":300,"curve":[{"fullness_permille":0,"rate_permille":1000}],)"
    R"("floor_permille":1000})";

class Access : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& problem : served.problems) ADD_FAILURE() << problem;
  }
  std::string text(const boost::json::value& object, const char* key) const {
    return std::string(object.at(key).as_string());
  }
  Served::Answer login(const std::string& user, const std::string& password) {
    return served.ask("", "POST", "/v1/login",
                      fmt::format(R"({{"user":"{}","password":"{}"}})", user, password));
  }

  Served served;
};

TEST_F(Access, OpenRoutesNeedNoToken) {
  EXPECT_EQ(text(served.ask("", "GET", "/v1/version").body, "version"), "0.1.0");
  EXPECT_EQ(served.ask("", "GET", "/v1/health").status, 200);
  EXPECT_EQ(served.ask("", "GET", "/v1/openapi.yaml").text.find("openapi: 3.1.0"), 0U);
  served.log_is_writable = false;
  EXPECT_EQ(served.ask("", "GET", "/v1/health").status, 503);
}

TEST_F(Access, EveryOtherRouteNeedsOne) {
  for (const RouteName& route : route_names()) {
    if (!route.needs_token) continue;
    std::string path = route.pattern;
    for (auto at = path.find('{'); at != path.npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, "1");
    }
    int status = 0;
    if (route.method == "WS") {
      served.open("", path, status);
    } else {
      const auto answer = served.ask("", route.method, path, "{}");
      status = answer.status;
      EXPECT_EQ(answer.headers.at("www-authenticate"), "Bearer");
    }
    EXPECT_EQ(status, 401) << route.method << " " << path;
  }
}

TEST_F(Access, RolesBoundWhatOneMayDo) {
  struct Case {
    const char* method;
    const char* path;
    const char* body;
    int member;
    int operator_;
    int admin;
  };
  const std::vector<Case> cases{
      {"POST", "/v1/nodes/g1/drain", R"({"cause":"fan"})", 403, 200, 200},
      {"POST", "/v1/nodes/g1/resume", "", 403, 200, 200},
      {"PUT", "/v1/nodes/g1/power", R"({"idle_ms":600000,"resume_ms":1000})", 403, 200, 200},
      {"DELETE", "/v1/nodes/g1/power", "", 403, 200, 200},
      {"POST", "/v1/join-tokens", "", 403, 201, 201},
      {"GET", "/v1/join-tokens", "", 403, 403, 200},
      {"DELETE", "/v1/join-tokens/none", "", 403, 403, 404},
      {"POST", "/v1/closures", R"({"all":true,"times":[{}]})", 403, 201, 201},
      {"DELETE", "/v1/closures/none", "", 403, 404, 404},
      {"GET", "/v1/users", "", 403, 403, 200},
      {"PATCH", "/v1/users/bob", R"({"role":"operator"})", 403, 403, 200},
      {"PATCH", "/v1/users/bob", R"({"password":"stolen password"})", 403, 403, 200},
      {"PUT", "/v1/prices", kPrices, 403, 403, 200},
      {"POST", "/v1/teams/vision/grants", R"({"credits_micros":5})", 403, 403, 200},
      {"GET", "/v1/tokens?user=bob", "", 403, 403, 200},
      {"POST", "/v1/tokens", R"({"name":"x","user":"bob"})", 403, 403, 201},
      {"DELETE", "/v1/nodes/c1", "", 403, 200, 404},
      {"DELETE", "/v1/tokens/t-bob", "", 404, 404, 200},
  };
  for (const Case& each : cases) {
    const std::string name = fmt::format("{} {}", each.method, each.path);
    EXPECT_EQ(served.ask("ada", each.method, each.path, each.body).status, each.member) << name;
    EXPECT_EQ(served.ask("olga", each.method, each.path, each.body).status, each.operator_) << name;
    EXPECT_EQ(served.ask("root", each.method, each.path, each.body).status, each.admin) << name;
  }
  const auto no = served.ask("ada", "GET", "/v1/users");
  EXPECT_EQ(no.message(), "This needs the role admin; ada has the role member.");
}

TEST_F(Access, LoginGivesATokenForThePassword) {
  const auto good = login("ada", "ada's password");
  ASSERT_EQ(good.status, 200) << good.text;
  EXPECT_EQ(text(good.body, "team"), "vision");
  const auto secret = text(good.body, "token");
  const auto me = served.ask("", "GET", "/v1/me", "", {{"authorization", "Bearer " + secret}});
  EXPECT_EQ(text(me.body, "user"), "ada");
  for (const auto* user : {"ada", "nobody", "root"}) {
    const auto bad = login(user, "wrong");
    EXPECT_EQ(bad.status, 401);
    EXPECT_EQ(bad.message(), "the user or the password is wrong") << user;
  }
  EXPECT_EQ(served.ask("", "POST", "/v1/login", R"({"user":"ada","passwort":"x"})").field(),
            "passwort");
}

TEST_F(Access, ManyWrongPasswordsBarForAMinute) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(login("ada", "wrong").status, 401);
  EXPECT_EQ(login("ada", "ada's password").status, 429);
  EXPECT_EQ(login("bob", "bob's password").status, 200) << "others are not barred";
  served.pass(domain::kMinute);
  EXPECT_EQ(login("ada", "ada's password").status, 200);
}

TEST_F(Access, ManyLoginsNeverUseUpTheTokens) {
  for (int i = 0; i < 150; ++i) ASSERT_EQ(login("ada", "ada's password").status, 200) << i;
  const auto tokens = served.ask("ada", "GET", "/v1/tokens").body.at("tokens").as_array();
  EXPECT_EQ(tokens.size(), 21U);
}

TEST_F(Access, TokensShowTheirSecretOnce) {
  const Served::Headers key{{"idempotency-key", "k"}};
  const auto made = served.ask("ada", "POST", "/v1/tokens", R"({"name":"ci","days":1})", key);
  ASSERT_EQ(made.status, 201) << made.text;
  const auto secret = text(made.body, "token");
  const auto again = served.ask("ada", "POST", "/v1/tokens", R"({"name":"ci","days":1})", key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body.at("id"), made.body.at("id"));
  EXPECT_FALSE(again.body.as_object().contains("token"));
  EXPECT_EQ(served.ask("ada", "GET", "/v1/tokens").text.find(secret), std::string::npos);
  const Served::Headers bearer{{"authorization", "Bearer " + secret}};
  EXPECT_EQ(served.ask("", "GET", "/v1/me", "", bearer).status, 200);
  EXPECT_EQ(served.ask("ada", "DELETE", "/v1/tokens/" + text(made.body, "id")).status, 200);
  EXPECT_EQ(served.ask("", "GET", "/v1/me", "", bearer).status, 401);
  EXPECT_EQ(served.ask("ada", "POST", "/v1/tokens", R"({"days":0})").field(), "days");
}

TEST_F(Access, UsersAreMadeAndChanged) {
  const auto made = served.ask("root", "POST", "/v1/users",
                               R"({"user":"dora","team":"speech","password":"long enough"})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(login("dora", "long enough").status, 200);
  EXPECT_EQ(served.ask("root", "POST", "/v1/users", R"({"user":"dora","team":"speech"})").code(),
            "conflict");
  EXPECT_EQ(served.ask("root", "POST", "/v1/users", R"({"user":"a/b","team":"speech"})").field(),
            "user");
  EXPECT_EQ(served.ask("root", "POST", "/v1/users", R"({"user":"e","team":"none"})").field(),
            "team");
  EXPECT_EQ(
      served.ask("root", "POST", "/v1/users", R"({"user":"e","team":"speech","password":"short"})")
          .field(),
      "password");
  EXPECT_EQ(served.ask("root", "POST", "/v1/users", R"({"user":"e","team":"speech","role":"boss"})")
                .field(),
            "role");
  EXPECT_EQ(served.ask("ada", "PATCH", "/v1/users/ada", R"({"password":"a new password"})").status,
            200);
  EXPECT_EQ(login("ada", "ada's password").status, 401);
  EXPECT_EQ(login("ada", "a new password").status, 200);
  EXPECT_EQ(served.ask("ada", "PATCH", "/v1/users/ada", R"({"role":"admin"})").status, 403);
  EXPECT_EQ(served.ask("root", "PATCH", "/v1/users/root", R"({"enabled":false})").code(),
            "conflict");
  EXPECT_EQ(served.ask("root", "PATCH", "/v1/users/nobody", R"({"enabled":false})").status, 404);
  EXPECT_EQ(served.ask("root", "GET", "/v1/users").body.at("users").as_array().size(), 6U);
}

TEST_F(Access, ATokenInACookieIsForReadingFromOurOwnPage) {
  const Served::Headers cookie{{"cookie", "a=b; berth_token=token-ada"}, {"host", "berth"}};
  EXPECT_EQ(served.ask("", "GET", "/v1/me", "", cookie).status, 200);
  EXPECT_EQ(served.ask("", "POST", "/v1/jobs", "{}", cookie).status, 401);
  Served::Headers elsewhere = cookie;
  elsewhere["origin"] = "https://evil";
  EXPECT_EQ(served.ask("", "GET", "/v1/me", "", elsewhere).status, 401);
  int status = 0;
  served.open("", "/v1/events/stream", status, elsewhere);
  EXPECT_EQ(status, 401);
  elsewhere["origin"] = "https://berth";
  served.open("", "/v1/events/stream", status, elsewhere);
  EXPECT_EQ(status, 101);
}

TEST_F(Access, JoinTokensAreListedUntilTheyExpireOrAreRevoked) {
  const auto late = served.ask("root", "POST", "/v1/join-tokens", R"({"hours":3})");
  const auto soon = served.ask("root", "POST", "/v1/join-tokens", R"({"hours":1})");
  const auto listed = [&] {
    std::vector<std::string> ids;
    const auto all = served.ask("root", "GET", "/v1/join-tokens");
    for (const auto& each : all.body.at("join_tokens").as_array()) ids.push_back(text(each, "id"));
    EXPECT_EQ(all.text.find("secret-"), std::string::npos);
    return ids;
  };
  const std::string first = text(soon.body, "id");
  const std::string second = text(late.body, "id");
  EXPECT_EQ(listed(), (std::vector{first, second}));
  served.pass(domain::kHour * 2);
  EXPECT_EQ(listed(), std::vector{second});
  EXPECT_EQ(served.ask("root", "DELETE", "/v1/join-tokens/" + second).status, 200);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(served.ask("root", "DELETE", "/v1/join-tokens/" + second).status, 404);
}

TEST_F(Access, UnknownRoutesNameTheNearest) {
  const auto wrong = served.ask("ada", "GET", "/v1/job/1");
  EXPECT_EQ(wrong.status, 404);
  EXPECT_EQ(wrong.message(), "there is no route /v1/job/1; did you mean /v1/jobs/{id}?");
  EXPECT_EQ(served.ask("ada", "GET", "/nothing").message(), "there is no route /nothing");
  const auto method = served.ask("ada", "DELETE", "/v1/jobs");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "POST, GET");
  EXPECT_EQ(served.ask("ada", "WS", "/v1/events/stream").status, 405);
}

TEST(Power, NeedsAProvider) {
  Served served(false);
  const auto refused =
      served.ask("olga", "PUT", "/v1/nodes/g1/power", R"({"idle_ms":60000,"resume_ms":1000})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.body.at("error").at("message").as_string(),
            "nodes cannot be switched: the controller has no --node-provider");
  const auto on = served.ask("olga", "DELETE", "/v1/nodes/g1/power", "");
  EXPECT_EQ(on.status, 200) << "to be rid of an old one";
}

TEST_F(Access, NodesTeamsPricesAndCalendar) {
  const auto nodes = served.ask("ada", "GET", "/v1/nodes");
  EXPECT_EQ(nodes.body.at("nodes").as_array().size(), 2U);
  const auto node = served.ask("ada", "GET", "/v1/nodes/g1");
  EXPECT_EQ(node.body.at("capacity").at("gpus"), 8);
  EXPECT_TRUE(node.body.as_object().contains("sample"));
  EXPECT_EQ(served.ask("ada", "GET", "/v1/nodes/none").status, 404);
  const auto drained = served.ask("olga", "POST", "/v1/nodes/g1/drain", "");
  EXPECT_EQ(text(drained.body, "state"), "draining");
  EXPECT_EQ(text(drained.body, "cause"), "drained by olga");
  EXPECT_EQ(served.ask("olga", "POST", "/v1/nodes/none/drain", "").status, 404);
  const auto power = [&](const char* body) {
    return served.ask("olga", "PUT", "/v1/nodes/g1/power", body);
  };
  EXPECT_EQ(text(power(R"({"idle_ms":1,"resume_ms":1000})").body.at("error"), "field"), "idle_ms");
  EXPECT_EQ(text(power(R"({"idle_ms":60000})").body.at("error"), "field"), "resume_ms");
  const auto off = power(R"({"idle_ms":60000,"resume_ms":1000})");
  EXPECT_EQ(off.body.at("power").at("idle_ms"), 60'000);
  EXPECT_EQ(off.body.at("power").at("resume_ms"), 1'000);
  EXPECT_FALSE(off.body.at("power").as_object().contains("failure"));
  served.direct().power_failures[{"g1"}] = "no power";
  const auto failed = served.ask("ada", "GET", "/v1/nodes/g1");
  EXPECT_EQ(text(failed.body.at("power"), "failure"), "no power");
  const auto on = served.ask("olga", "DELETE", "/v1/nodes/g1/power", "");
  EXPECT_FALSE(on.body.as_object().contains("power"));
  const Served::Headers key{{"idempotency-key", "k"}};
  const auto join = served.ask("olga", "POST", "/v1/join-tokens", R"({"hours":2})", key);
  EXPECT_EQ(text(join.body, "command"), "join " + text(join.body, "token"));
  EXPECT_FALSE(served.ask("olga", "POST", "/v1/join-tokens", R"({"hours":2})", key)
                   .body.as_object()
                   .contains("token"));
  EXPECT_EQ(served.ask("olga", "POST", "/v1/join-tokens", R"({"hours":0})").field(), "hours");
  EXPECT_THAT(text(join.body, "note"), testing::HasSubstr("--name HOST"));

  EXPECT_EQ(served.ask("ada", "GET", "/v1/teams").body.at("teams").as_array().size(), 1U);
  EXPECT_EQ(served.ask("root", "GET", "/v1/teams").body.at("teams").as_array().size(), 3U);
  EXPECT_EQ(served.ask("root", "POST", "/v1/teams", R"({"team":"new"})").status, 201);
  EXPECT_EQ(served.ask("root", "POST", "/v1/teams", R"({"team":"new"})").code(), "conflict");
  EXPECT_EQ(served.ask("root", "POST", "/v1/teams/new/grants", R"({"credits_micros":7})")
                .body.at("balance"),
            7);
  EXPECT_EQ(served.ask("root", "POST", "/v1/teams/new/grants", R"({"credits_micros":0})").field(),
            "credits_micros");
  EXPECT_EQ(
      served.ask("ada", "GET", "/v1/teams/vision/statement").body.at("lines").as_array().size(),
      1U);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/teams/speech/statement").status, 404);
  const auto prices = served.ask("ada", "GET", "/v1/prices");
  EXPECT_EQ(served.ask("root", "PUT", "/v1/prices", prices.text).body, prices.body);
  EXPECT_EQ(served.ask("root", "PUT", "/v1/prices", R"({"core_hour":-1})").status, 400);
  const auto calendar = served.ask("ada", "GET", "/v1/calendar?hours=3");
  EXPECT_EQ(calendar.body.at("hours").as_array().size(), 6U);
  EXPECT_EQ(served.ask("ada", "GET", "/v1/calendar?hours=0").field(), "hours");
}

TEST_F(Access, EventsHideOthersAffairsAndEverySecret) {
  const auto spec = fmt::format(R"({{"spec":{}}})", spec_json("reserved", 8, 1));
  served.ask("ada", "POST", "/v1/jobs", spec);
  served.ask("carl", "POST", "/v1/jobs", spec);
  login("ada", "ada's password");
  const auto theirs = served.ask("carl", "GET", "/v1/events?from=0&limit=1000");
  EXPECT_EQ(theirs.text.find("vision\",\"spec"), std::string::npos);
  for (const auto& event : theirs.body.at("events").as_array()) {
    const auto* job = event.as_object().if_contains("job");
    if (job != nullptr) EXPECT_EQ(*job, 2);
  }
  const auto all = served.ask("root", "GET", "/v1/events?from=0&limit=1000");
  EXPECT_EQ(all.body.at("next"), served.direct().position());
  EXPECT_GT(all.body.at("events").as_array().size(), theirs.body.at("events").as_array().size());
  for (const std::string& body : {theirs.text, all.text}) {
    EXPECT_EQ(body.find("hash of"), std::string::npos);
    EXPECT_EQ(body.find("password_hash"), std::string::npos);
    EXPECT_EQ(body.find("\"hash\":\""), std::string::npos);
  }
}

}  // namespace
}  // namespace api
