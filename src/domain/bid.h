#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <optional>
#include <string>
#include <vector>

#include "domain/ids.h"
#include "domain/money.h"
#include "domain/resources.h"
#include "domain/time.h"
#include "domain/width.h"

namespace domain {

/// How the ranks of a gang lie on nodes. All GPUs of one rank are always on one node.
enum class Placement {
  any,     ///< Packed where that is possible, else as it comes.
  packed,  ///< On as few nodes as the shape allows; refused rather than spread wider.
  spread,  ///< Each rank on a node of its own.
};
BOOST_DESCRIBE_ENUM(Placement, any, packed, spread)

/// `ranks` equal processes that start and end together.
struct Shape {
  std::int32_t ranks = 1;
  Resources per_rank;
  std::string gpu_model;  ///< Empty: any model. Matched without regard to case.
  std::string pool;       ///< Empty: any pool.
  Placement placement = Placement::any;
  friend bool operator==(const Shape&, const Shape&) = default;
};
BOOST_DESCRIBE_STRUCT(Shape, (), (ranks, per_rank, gpu_model, pool, placement))

enum class JobClass {
  reserved,  ///< Promised to be done by its deadline.
  eager,     ///< Reserved and starting now, or refused.
  flex,      ///< Uses what is idle, cheap, gives way; nothing is promised.
};
BOOST_DESCRIBE_ENUM(JobClass, reserved, eager, flex)

/// A user's request: a shape for a duration, somewhere inside [earliest, deadline), at up to a
/// price.
struct Bid {
  JobClass job_class = JobClass::flex;
  Shape shape;
  Duration duration;
  Time earliest;
  Time deadline = kNever;  ///< kNever: none given; the planning horizon for what is promised.
  std::optional<Money> max_price;  ///< None: the going price, as far as the team's balance reaches.
  bool firm = false;               ///< The start is promised too, not only the deadline.
  bool preemptible = false;        ///< It keeps checkpoints: its time need not be in one piece.
  Duration restart;  ///< Preemptible: what each break costs, to save and to start again.
  /// Elastic: the widths that it may run on, which may change over time; `shape.ranks`, for which
  /// `duration` is said, is one of them. In order of ranks; none if it always has `shape.ranks`.
  Widths widths{};
  friend bool operator==(const Bid&, const Bid&) = default;
};
BOOST_DESCRIBE_STRUCT(Bid, (),
                      (job_class, shape, duration, earliest, deadline, max_price, firm, preemptible,
                       restart, widths))

}  // namespace domain
