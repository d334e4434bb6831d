#include "apps/berth/cluster_clock.h"

#include <algorithm>
#include <variant>

#include "adapters/system/fast_clock.h"
#include "adapters/system/system_clock.h"
#include "controller/writer.h"

namespace apps {

using adapters::system::FastClock;
using adapters::system::SystemClock;
using base::Result;

Result<ClusterClock> open_clock(ports::EventLog& log, std::optional<std::int32_t> wished) {
  auto size = log.size();
  if (!size) return base::pass(size);
  domain::Time from = SystemClock{}.now();
  std::int32_t scale = wished.value_or(1);
  if (*size > 0) {
    auto first = controller::Writer::read_facts(log, 0, 1);
    if (!first) return base::pass(first);
    auto last = controller::Writer::read_facts(log, *size - 1, 1);
    if (!last) return base::pass(last);
    const auto* created = std::get_if<ledger::ClusterCreated>(&first->at(0).fact.event);
    scale = created == nullptr ? 1 : created->time_scale;
    if (wished.value_or(scale) != scale)
      return base::invalid("--time-scale", "this cluster was made with {}", scale);
    from = std::max(from, last->at(0).fact.at);
  }
  if (scale == 1) return ClusterClock{std::make_unique<SystemClock>(), scale};
  return ClusterClock{std::make_unique<FastClock>(from, scale), scale};
}

}  // namespace apps
