#pragma once
#include <vector>

#include "era/question.h"

namespace era {

/// What would be accepted in place of a bid whose rank is larger than any node. First, where it
/// asks for GPUs, as many in all over more ranks, each as large as a node holds it: what else no
/// node holds is divided alike, and what a node holds stays as asked. Then the number of ranks as
/// asked with the largest part of each: GPUs count most, then cores, then memory. Where not even
/// that has room, what no node holds shrinks alike, by whole GPUs, cores and GiB.
/// Each was quoted, and has some of every resource that was asked for. A few dozen searches for a
/// place at most.
std::vector<Change> smaller_ranks(const Question& asked);

}  // namespace era
