#pragma once
#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the controller answers of nodes; see answers.h.
namespace cli {

struct Amounts {
  std::int64_t gpus = 0;
  std::int64_t cpu_millis = 0;
  std::int64_t memory_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(Amounts, (), (gpus, cpu_millis, memory_bytes))

/// What closes a node next, or has it closed.
struct Closing {
  std::string id;
  std::int64_t from = 0;
  std::optional<std::int64_t> until;
  std::string cause;
  bool closed_now = false;
};
BOOST_DESCRIBE_STRUCT(Closing, (), (id, from, until, cause, closed_now))

struct ClosureTime {
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> until;
  std::optional<std::int64_t> every_ms;
};
BOOST_DESCRIBE_STRUCT(ClosureTime, (), (from, until, every_ms))

struct Closure {
  std::string id;
  std::vector<std::string> nodes;
  std::string pool;
  std::vector<ClosureTime> times;
  std::string cause;
  std::optional<ClosureTime> next;
  bool closed_now = false;
};
BOOST_DESCRIBE_STRUCT(Closure, (), (id, nodes, pool, times, cause, next, closed_now))

struct Closures {
  std::vector<Closure> closures;
};
BOOST_DESCRIBE_STRUCT(Closures, (), (closures))

struct Power {
  std::int64_t idle_ms = 0;
  std::int64_t resume_ms = 0;
  std::string failure;  ///< Why it could not be switched.
};
BOOST_DESCRIBE_STRUCT(Power, (), (idle_ms, resume_ms, failure))

struct Node {
  std::string name;
  std::string pool;
  std::string gpu_model;
  std::string state;
  std::string cause;
  std::int64_t since = 0;
  bool simulated = false;
  Amounts capacity;
  Amounts in_use;
  std::optional<Closing> closing;
  std::optional<Power> power;
};
BOOST_DESCRIBE_STRUCT(Node, (),
                      (name, pool, gpu_model, state, cause, since, simulated, capacity, in_use,
                       closing, power))

struct Nodes {
  std::vector<Node> nodes;
};
BOOST_DESCRIBE_STRUCT(Nodes, (), (nodes))

}  // namespace cli
