#include <fmt/format.h>

#include <algorithm>

#include "replay/policy.h"

namespace replay {

const std::vector<NamedPolicy>& policies() {
  static const std::vector<NamedPolicy> kAll{{"era", make_era},
                                             {"first-fit", make_first_fit},
                                             {"backfill", make_backfill},
                                             {"edf", make_edf},
                                             {"fixed-price", make_fixed_price},
                                             {"exponential-price", make_exponential_price},
                                             {"greedy", make_greedy}};
  return kAll;
}

base::Result<std::vector<NamedPolicy>> policies_of(std::string_view names) {
  std::vector<NamedPolicy> chosen;
  while (true) {
    const std::size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    const auto is_it = [&](const NamedPolicy& policy) { return policy.name == name; };
    const auto found = std::find_if(policies().begin(), policies().end(), is_it);
    if (found == policies().end()) {
      std::string all;
      for (const NamedPolicy& policy : policies())
        all += fmt::format("{}{}", all.empty() ? "" : ", ", policy.name);
      return base::invalid("policy", "no policy \"{}\"; there are {}", name, all);
    }
    if (std::none_of(chosen.begin(), chosen.end(), is_it)) chosen.push_back(*found);
    if (comma == std::string_view::npos) return chosen;
    names.remove_prefix(comma + 1);
  }
}

}  // namespace replay
