#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kClosures{
    Entry{"column.repeats", "REPEATS", "重复"},
    Entry{"state.closed", "closed", "停用"},
    Entry{"nodes.closed", "until it is opened", "直到重新开放"},
    Entry{"nodes.closed_until", "until {0}", "到 {0} 为止"},
    Entry{"nodes.closes", "closes {0}", "{0} 起停用"},
    Entry{"nodes.not_switched", "{0}; cannot be switched: {1}", "{0}；无法开关：{1}"},
    Entry{"nodes.closing", "{0}: {1}", "{0}：{1}"},
    Entry{"closure.made", "closure {0} closes {1}, {2} until {3}", "停用时段 {0}：{1}，{2} 至 {3}"},
    Entry{"closure.made_open", "closure {0} closes {1} from {2} on, until it is opened",
          "停用时段 {0}：{1}，自 {2} 起，直到重新开放"},
    Entry{"closure.repeats", "; repeats: {0}", "；重复：{0}"},
    Entry{"closure.opened", "closure {0} is taken back; its nodes are open",
          "停用时段 {0} 已撤回；节点已开放"},
    Entry{"closure.none", "No node is closed, and none will be.", "没有停用时段。"},
    Entry{"closure.pool", "pool {0}", "资源池 {0}"},
    Entry{"closure.all", "all nodes", "所有节点"},
    Entry{"closure.daily", "daily", "每天"},
    Entry{"closure.weekly", "weekly", "每周"},
    Entry{"closure.every", "every {0}", "每 {0}"},
    Entry{"closure.weekdays", "weekdays", "工作日"},
    Entry{"closure.weekends", "weekends", "周末"},
    Entry{"closure.times", "{0} times", "{0} 个时段"},
    Entry{"ask.close_anyway", "Close them even if jobs lose what they were promised?",
          "即使有作业因此失去承诺，也要停用这些节点？"},
    Entry{"hint.open", "To open them: berth node open {0}", "开放节点：berth node open {0}"},
    Entry{"hint.close_anyway",
          "Choose another time, or close them all the same with --anyway: those jobs then lose "
          "what they were promised.",
          "请另选时间，或用 --anyway 照样停用：这些作业将失去承诺。"},
    Entry{"hint.closures", "`berth node closures` lists them.",
          "用 `berth node closures` 查看停用时段。"},
    Entry{"error.one_target", "say which: one of NODE..., --pool POOL and --all",
          "请指明停用哪些节点：NODE...、--pool POOL 或 --all，三者选一"},
    Entry{"error.one_end", "say one of --until and --for", "--until 与 --for 只能选一个"},
    Entry{"error.one_repetition", "--on repeats every week; leave out --every",
          "--on 已按周重复；请去掉 --every"},
    Entry{"error.every_needs_end", "--every needs --until or --for",
          "--every 需要 --until 或 --for"},
    Entry{"error.on_needs_times", "--on needs --from and --until, such as 22:00 and 06:00",
          "--on 需要 --from 与 --until，例如 22:00 与 06:00"},
    Entry{"error.end_first", "it would end {0}, and begin {1}", "结束时间 {0} 不晚于开始时间 {1}"},
    Entry{"error.end_past", "it would have ended {0}", "结束时间 {0} 已经过去"},
    Entry{"error.every_day", "--every must be at least 1d, and whole minutes",
          "--every 至少为 1d，且为整分钟"},
    Entry{"error.too_long_to_repeat", "it would last until after the next one begins",
          "每次持续的时间超过了重复的间隔"},
};

}  // namespace

std::span<const Entry> closures() { return kClosures; }

}  // namespace cli::text
