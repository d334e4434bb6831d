#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kLimits{
    Entry{"column.of", "OF", "对象"},
    Entry{"column.used", "USED", "已用"},
    Entry{"column.kind", "KIND", "类型"},
    Entry{"column.share", "SHARE", "权重"},
    Entry{"column.used_hours", "GPU-HOURS", "GPU 小时"},
    Entry{"column.quota", "QUOTA", "配额"},
    Entry{"extend.done_free", "job {0} now runs until {1}", "作业 {0} 现在运行到 {1}"},
    Entry{"job.moved", "job {0} has another place in the queue", "作业 {0} 的排队位置已更改"},
    Entry{"quota.team", "team {0}", "团队 {0}"},
    Entry{"quota.user", "user {0}", "用户 {0}"},
    Entry{"quota.none", "There are no quotas.", "没有配额。"},
    Entry{"quota.any_model", "any", "任意"},
    Entry{"quota.soft", "soft", "软"},
    Entry{"quota.hard", "hard", "硬"},
    Entry{"quota.half_life", "Of what a team has used, half is forgotten after {0}.",
          "团队的已用量每过 {0} 减半。"},
    Entry{"team.share", "team {0} has share {1}", "团队 {0} 的权重为 {1}"},
    Entry{"prices.off", "Pricing is off: nothing costs anything.", "计费已关闭：一切免费。"},
    Entry{"offer.free_line", "pool {0}: from {1} to {2}", "资源池 {0}：{1} 至 {2}"},
    Entry{"error.one_spot", "say one of --top, --bottom, --before JOB and --after JOB",
          "请在 --top、--bottom、--before JOB 和 --after JOB 中选择一个"},
    Entry{"error.one_of_prices", "say one of --set FILE, --off and --on",
          "请在 --set FILE、--off 和 --on 中选择一个"},
};

}  // namespace

std::span<const Entry> limits() { return kLimits; }

}  // namespace cli::text
