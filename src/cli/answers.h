#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/choice.h"
#include "cli/node_answers.h"
#include "cli/offer_answers.h"

// What the controller answers, as far as the command line shows it (docs/api.md). Times and
// durations are milliseconds, money micro-credits. Words stay texts, so that an older command line
// can show a state that a newer controller has.
namespace cli {

struct Quote {
  std::string quote_id;
  std::int64_t expires = 0;
  std::optional<Offer> offer;
  std::optional<Refusal> refusal;
  std::optional<std::int64_t> promised_finish;
  std::optional<std::int64_t> firm_start;
  std::optional<Offer> cheaper;
  std::string text;
  std::optional<Choice> choice;
};
BOOST_DESCRIBE_STRUCT(Quote, (),
                      (quote_id, expires, offer, refusal, promised_finish, firm_start, cheaper,
                       text, choice))

struct Rank {
  std::int32_t rank = 0;
  std::string node;
  std::vector<std::string> gpu_uuids;
  std::int64_t started = 0;
  std::int64_t ended = 0;
  std::string cause;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(Rank, (),
                      (rank, node, gpu_uuids, started, ended, cause, exit_code, signal, detail))

struct Attempt {
  std::int32_t number = 0;
  std::string state;
  std::int64_t started = 0;
  std::int64_t ended = 0;
  std::string cause;
  std::string detail;
  std::string resume_from;
  std::vector<Rank> ranks;
};
BOOST_DESCRIBE_STRUCT(Attempt, (),
                      (number, state, started, ended, cause, detail, resume_from, ranks))

struct Transition {
  std::int64_t at = 0;
  std::string state;
  std::string cause;
};
BOOST_DESCRIBE_STRUCT(Transition, (), (at, state, cause))

struct Job {
  std::int64_t id = 0;
  std::string name;
  std::string user;
  std::string team;
  std::string state;
  std::string job_class;
  std::string cause;
  std::int64_t submitted = 0;
  std::int64_t ended = 0;
  std::int64_t planned_start = 0;
  std::int64_t planned_finish = 0;
  std::int64_t deadline = 0;
  std::int64_t promised_start = 0;
  std::int64_t price = 0;
  std::int64_t held = 0;
  std::int64_t paid = 0;
  std::string pool;
  std::vector<std::string> nodes;
  std::vector<Piece> later;
  std::optional<Refusal> refusal;
  std::string text;
  std::vector<Attempt> attempts;
  std::string checkpoint;
  std::int64_t checkpoint_step = 0;
  bool promise_broken = false;
  bool simulated = false;
  std::vector<Transition> history;
  std::optional<Choice> choice;
  std::vector<std::int64_t> waits_for;
};
BOOST_DESCRIBE_STRUCT(Job, (),
                      (id, name, user, team, state, job_class, cause, submitted, ended,
                       planned_start, planned_finish, deadline, promised_start, price, held, paid,
                       pool, nodes, later, refusal, text, attempts, checkpoint, checkpoint_step,
                       promise_broken, simulated, history, choice, waits_for))

struct Jobs {
  std::vector<Job> jobs;
  std::optional<std::int64_t> next;
};
BOOST_DESCRIBE_STRUCT(Jobs, (), (jobs, next))

struct Blocker {
  std::int64_t job = 0;
  std::int64_t until = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Blocker, (), (job, until, text))

struct Why {
  std::int64_t job = 0;
  std::string state;
  std::string text;
  std::vector<Blocker> blocking;
  std::int64_t expected_start = 0;
  std::int64_t until = 0;
  std::vector<std::string> would_help;
};
BOOST_DESCRIBE_STRUCT(Why, (), (job, state, text, blocking, expected_start, until, would_help))

/// A piece of a rank's log; from GET and from the stream.
struct LogPiece {
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  std::int64_t offset = 0;
  std::optional<std::int64_t> next;
  std::int64_t size = 0;
  std::string text;
  bool complete = false;
};
BOOST_DESCRIBE_STRUCT(LogPiece, (), (attempt, rank, offset, next, size, text, complete))

struct CalendarHour {
  std::string pool;
  std::int64_t from = 0;
  std::int64_t capacity_gpus = 0;
  std::int64_t free_gpus = 0;
  std::int64_t capacity_cpu_millis = 0;
  std::int64_t free_cpu_millis = 0;
  std::int64_t next_gpu_hour = 0;
  std::int64_t next_core_hour = 0;
};
BOOST_DESCRIBE_STRUCT(CalendarHour, (),
                      (pool, from, capacity_gpus, free_gpus, capacity_cpu_millis, free_cpu_millis,
                       next_gpu_hour, next_core_hour))

struct Calendar {
  std::vector<CalendarHour> hours;
};
BOOST_DESCRIBE_STRUCT(Calendar, (), (hours))

struct CurveStep {
  std::int64_t fullness_permille = 0;
  std::int64_t rate_permille = 0;
};
BOOST_DESCRIBE_STRUCT(CurveStep, (), (fullness_permille, rate_permille))

struct PriceList {
  std::map<std::string, std::int64_t> gpu_hour;
  std::int64_t core_hour = 0;
  std::int64_t eager_permille = 0;
  std::int64_t firm_permille = 0;
  std::int64_t flex_permille = 0;
  std::vector<CurveStep> curve;
  std::int64_t floor_permille = 0;
  std::string pricing = "on";
};
BOOST_DESCRIBE_STRUCT(PriceList, (),
                      (gpu_hour, core_hour, eager_permille, firm_permille, flex_permille, curve,
                       floor_permille, pricing))

struct Quota {
  std::string team;
  std::string user;
  std::string gpu_model;
  std::int32_t gpus = 0;
  bool soft = false;
  std::int32_t used = 0;
};
BOOST_DESCRIBE_STRUCT(Quota, (), (team, user, gpu_model, gpus, soft, used))

struct Quotas {
  std::vector<Quota> quotas;
};
BOOST_DESCRIBE_STRUCT(Quotas, (), (quotas))

struct Share {
  std::string team;
  std::int32_t weight = 1;
  std::int64_t used = 0;
};
BOOST_DESCRIBE_STRUCT(Share, (), (team, weight, used))

struct Fairness {
  std::int64_t half_life = 0;
};
BOOST_DESCRIBE_STRUCT(Fairness, (), (half_life))

struct Team {
  std::string team;
  std::int64_t balance = 0;
  std::int64_t held = 0;
  std::vector<std::string> members;
  std::int32_t weight = 1;
  std::int64_t used = 0;
  std::vector<Quota> quotas;
};
BOOST_DESCRIBE_STRUCT(Team, (), (team, balance, held, members, weight, used, quotas))

struct Teams {
  std::vector<Team> teams;
  std::string pricing = "on";
};
BOOST_DESCRIBE_STRUCT(Teams, (), (teams, pricing))

struct StatementLine {
  std::int64_t at = 0;
  std::string from;
  std::string to;
  std::int64_t amount = 0;
  std::string why;
  std::int64_t job = 0;
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(StatementLine, (), (at, from, to, amount, why, job, balance))

struct Statement {
  std::string team;
  std::int64_t balance = 0;
  std::int64_t held = 0;
  std::vector<StatementLine> lines;
  std::string pricing = "on";
};
BOOST_DESCRIBE_STRUCT(Statement, (), (team, balance, held, lines, pricing))

struct User {
  std::string user;
  std::string team;
  std::string role;
  bool enabled = true;
};
BOOST_DESCRIBE_STRUCT(User, (), (user, team, role, enabled))

struct Users {
  std::vector<User> users;
};
BOOST_DESCRIBE_STRUCT(Users, (), (users))

struct Token {
  std::string id;
  std::string name;
  std::string user;
  std::int64_t issued = 0;
  std::int64_t expires = 0;
  std::string token;
  std::string command;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Token, (), (id, name, user, issued, expires, token, command, note))

struct JoinTokens {
  std::vector<Token> join_tokens;
};
BOOST_DESCRIBE_STRUCT(JoinTokens, (), (join_tokens))

struct Tokens {
  std::vector<Token> tokens;
};
BOOST_DESCRIBE_STRUCT(Tokens, (), (tokens))

struct Login {
  std::string token;
  std::string user;
  std::string team;
  std::string role;
  std::int64_t expires = 0;
};
BOOST_DESCRIBE_STRUCT(Login, (), (token, user, team, role, expires))

struct KeptFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t modified = 0;
};
BOOST_DESCRIBE_STRUCT(KeptFile, (), (path, bytes, modified))

struct KeptFiles {
  std::vector<KeptFile> files;
};
BOOST_DESCRIBE_STRUCT(KeptFiles, (), (files))

struct MetricPoint {
  std::int64_t t = 0;
  std::int32_t attempt = 0;
  std::int32_t rank = 0;
  std::optional<std::int64_t> step;
  std::map<std::string, double> values;
};
BOOST_DESCRIBE_STRUCT(MetricPoint, (), (t, attempt, rank, step, values))

struct Metrics {
  std::vector<MetricPoint> points;
  std::optional<std::int64_t> next;
};
BOOST_DESCRIBE_STRUCT(Metrics, (), (points, next))

struct Event {
  std::int64_t position = 0;
  std::int64_t at = 0;
  std::string by;
  std::string type;
  std::optional<std::int64_t> job;
  std::optional<std::string> node;
  std::optional<std::string> team;
};
BOOST_DESCRIBE_STRUCT(Event, (), (position, at, by, type, job, node, team))

struct Events {
  std::vector<Event> events;
  std::optional<std::int64_t> next;
};
BOOST_DESCRIBE_STRUCT(Events, (), (events, next))

struct Version {
  std::string version;
  std::int64_t started = 0;
  std::int32_t time_scale = 1;
};
BOOST_DESCRIBE_STRUCT(Version, (), (version, started, time_scale))

}  // namespace cli
