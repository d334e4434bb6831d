#pragma once
#include <boost/describe/class.hpp>

#include <vector>

#include "domain/ids.h"
#include "domain/time.h"

namespace era {

/// A time in which a job runs without a break: on [start, finish), rank i on nodes[i].
struct Piece {
  domain::Time start;
  domain::Time finish;
  std::vector<domain::NodeId> nodes;
  friend bool operator==(const Piece&, const Piece&) = default;
};
BOOST_DESCRIBE_STRUCT(Piece, (), (start, finish, nodes))

/// The pieces of a job, by start, without overlaps. Between two of them it pauses.
using Pieces = std::vector<Piece>;

/// How long they take in all.
inline domain::Duration length_of(const Pieces& pieces) {
  domain::Duration sum;
  for (const Piece& piece : pieces) sum = sum + (piece.finish - piece.start);
  return sum;
}

/// When the last piece is over of what has a first piece and `later` ones: a booking, an offer, a
/// move.
template <class InPieces>
domain::Time end_of(const InPieces& place) {
  return place.later.empty() ? place.finish : place.later.back().finish;
}

}  // namespace era
