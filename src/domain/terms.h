#pragma once
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <optional>
#include <string>

#include "domain/bid.h"

// What a request may say beside its one bid.
namespace domain {

/// Which end of another job is waited for.
enum class When {
  success,
  any,      ///< Whatever its end, also when it was cancelled.
  failure,  ///< Failed, expired or lost.
};
BOOST_DESCRIBE_ENUM(When, success, any, failure)

/// Another job, the parent, whose end comes before the start. Said by number or by name; accepted
/// bids have numbers only.
struct Dependency {
  JobId job;
  std::string name;  ///< All jobs of the newest submission with a job of that name.
  When when = When::success;
  friend bool operator==(const Dependency&, const Dependency&) = default;
};
BOOST_DESCRIBE_STRUCT(Dependency, (), (job, name, when))

/// What another bid for the same would be: each that is set replaces what the bid says.
struct Alternative {
  std::optional<JobClass> job_class;
  std::optional<Shape> shape;
  std::optional<Duration> duration;
  std::optional<Time> earliest;
  std::optional<Time> deadline;
  std::optional<Money> max_price;
  std::optional<bool> firm;
  std::optional<bool> preemptible;
  std::optional<Duration> restart;
  friend bool operator==(const Alternative&, const Alternative&) = default;
};
BOOST_DESCRIBE_STRUCT(Alternative, (),
                      (job_class, shape, duration, earliest, deadline, max_price, firm, preemptible,
                       restart))

inline Bid changed(Bid bid, const Alternative& by) {
  bid.job_class = by.job_class.value_or(bid.job_class);
  bid.shape = by.shape.value_or(bid.shape);
  bid.duration = by.duration.value_or(bid.duration);
  bid.earliest = by.earliest.value_or(bid.earliest);
  bid.deadline = by.deadline.value_or(bid.deadline);
  if (by.max_price) bid.max_price = by.max_price;
  bid.firm = by.firm.value_or(bid.firm);
  bid.preemptible = by.preemptible.value_or(bid.preemptible);
  bid.restart = by.restart.value_or(bid.restart);
  return bid;
}

/// Which of several bids is taken.
enum class Choose {
  cheapest,  ///< The lowest price; the first of those that cost the same.
  first,     ///< The first that is accepted.
};
BOOST_DESCRIBE_ENUM(Choose, cheapest, first)

/// The same again, its window shifted by `every`: so many times in all, or as long as it may start
/// before `until`.
struct Repeat {
  Duration every;
  std::optional<std::int32_t> times;
  std::optional<Time> until;
  friend bool operator==(const Repeat&, const Repeat&) = default;
};
BOOST_DESCRIBE_STRUCT(Repeat, (), (every, times, until))

}  // namespace domain
