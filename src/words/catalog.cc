#include "words/catalog.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/check.h"

namespace words {
namespace {

// The sentences. Every one says what is, and ends with what to do if there is something to do. The
// first statement of a reason of a refusal also stands alone in lists (`short_reason`).
constexpr auto kSentences = std::to_array<Entry>({
    {"amount.credit", "{0} credit", "{0} 点"},
    {"amount.credits", "{0} credits", "{0} 点"},
    {"amount.gpu", "{0} GPU", "{0} 块 GPU"},
    {"amount.gpus", "{0} GPUs", "{0} 块 GPU"},
    {"amount.core", "{0} core", "{0} 核"},
    {"amount.cores", "{0} cores", "{0} 核"},
    {"amount.mib", "{0} MiB of memory", "{0} MiB 内存"},
    {"amount.gib", "{0} GiB of memory", "{0} GiB 内存"},
    {"amount.and", ", ", "、"},
    {"statement.ends", "; : .", "； ： 。"},
    {"unit.days", "{0} d", "{0} 天"},
    {"unit.hours", "{0} h", "{0} 小时"},
    {"unit.minutes", "{0} min", "{0} 分钟"},
    {"unit.seconds", "{0} s", "{0} 秒"},

    {"refusal.reason.no_such_pool",
     "No node has this pool or GPU model; `berth nodes` shows what there is.",
     "没有节点属于该资源池或装有该型号的 GPU；用 `berth nodes` 查看现有节点。"},
    {"refusal.reason.rank_larger_than_node",
     "One rank asks for more than any node has; `berth nodes` shows what they have.",
     "单个 rank 的需求超过了任何一台节点的容量；用 `berth nodes` 查看各节点的容量。"},
    {"refusal.reason.larger_than_pool",
     "The job asks for more than the whole pool has; use fewer ranks.",
     "作业的需求超过了整个资源池的容量；请减少 rank 数。"},
    {"refusal.reason.window_too_short",
     "The duration does not fit between the earliest start and the deadline.",
     "从最早开始时间到截止时间不足以容纳所需时长。"},
    {"refusal.reason.beyond_horizon", "The window lies beyond the time that is planned ahead.",
     "所求的时间窗超出了可预约的范围。"},
    {"refusal.reason.no_free_window", "At no time in the window is enough free.",
     "时间窗内没有任何时段有足够的空闲资源。"},
    {"refusal.reason.fragmented",
     "Enough is free in sum, but no nodes can hold the ranks for the whole time.",
     "空闲总量足够，但没有节点能在整个时段内容纳这些 rank。"},
    {"refusal.reason.not_free_now",
     "What the job needs is taken now; a reserved job can start later.",
     "所需资源目前已被占用；预约作业可以稍后开始。"},
    {"refusal.reason.too_expensive", "The cheapest place costs more than the bid's limit: {0}.",
     "最便宜的位置超过了出价上限：需要 {0}。"},
    {"refusal.reason.insufficient_funds",
     "The team's balance does not reach: it costs {0}; ask an admin for a grant.",
     "团队余额不足：需要 {0}；请向管理员申请拨款。"},
    {"refusal.money", "The money offered does not reach.", "所出的费用不够。"},
    {"refusal.reason.limit_reached", "A limit on the number or size of jobs is reached.",
     "已达到作业数量或规模的上限。"},
    {"quota.team", "Team {0}", "团队 {0}"},
    {"quota.user", "User {0}", "用户 {0}"},
    {"quota.reached", "{0} may have {1} GPUs at once, promised or in use; {2} are taken.",
     "{0} 同时最多可预约或使用 {1} 块 GPU，已占用 {2} 块。"},
    {"quota.reached_model", "{0} may have {1} {3} GPUs at once, promised or in use; {2} are taken.",
     "{0} 同时最多可预约或使用 {1} 块 {3} GPU，已占用 {2} 块。"},
    {"quota.room", " There is room from {0} on.", "自 {0} 起有余量。"},
    {"quota.flex", " A flex job may run above it where something is idle.",
     "flex 作业可在有空闲资源时超出该配额运行。"},
    {"refusal.reason.refused_together",
     "Another job of the same submission was refused, so none was accepted.",
     "同一次提交中的另一个作业被拒绝，因此全部未被接受。"},
    {"refusal.reason.no_promised_end",
     "It is to start after a job that is promised no end; ask for it as flex, or bid for that job "
     "with a deadline.",
     "它要等待的作业没有承诺的结束时间；请改为 flex，或为那个作业给出截止时间。"},
    {"refusal.blocking", " In the way: {0}.", "阻碍者：{0}。"},
    {"refusal.until", " The first of them ends at {0}.", "其中最早的于 {0} 结束。"},
    {"refusal.instead", " Possible instead: {0}", "可改为：{0}"},

    {"help.max_price", "A limit of {0} gets a start at {1}.", "把上限提高到 {0}，可于 {1} 开始。"},
    {"help.deadline", "A deadline of {0} gets a start at {1} for {2}.",
     "把截止时间改为 {0}，可于 {1} 开始，费用 {2}。"},
    {"help.ranks", "{0} ranks get a start at {1} for {2}.",
     "改为 {0} 个 rank，可于 {1} 开始，费用 {2}。"},
    {"help.per_rank", "Ranks of {0} each get a start at {1} for {2}.",
     "每个 rank 改为 {0}，可于 {1} 开始，费用 {2}。"},
    {"help.ranks_of", "{0} ranks of {1} each get a start at {2} for {3}.",
     "改为 {0} 个 rank，每个 {1}，可于 {2} 开始，费用 {3}。"},
    {"help.duration", "A duration of {0} gets a start at {1} for {2}.",
     "把时长改为 {0}，可于 {1} 开始，费用 {2}。"},
    {"help.cheaper", "A start at {0} costs {1}.", "于 {0} 开始只需 {1}。"},
    {"help.cancel_other", "Cancelling {0} would make room.", "取消{0}可以腾出位置。"},
    {"help.reserve", "A reserved job is promised its time; a flex job takes what is idle.",
     "预约作业有时间保证；flex 作业只使用空闲资源。"},
    {"help.resume_node", "An operator can resume nodes that are out of use.",
     "运维人员可以恢复停用的节点。"},
    {"help.open_nodes", "An operator can open closed nodes before their time.",
     "运维人员可以提前开放停用的节点。"},
    {"help.extend", "Extending the job gives it more time.", "延长作业可获得更多时间。"},

    {"offer.reserved", "Planned to start at {0}, promised to be done by {1}, for {2}.",
     "计划于 {0} 开始，保证在 {1} 前完成，费用 {2}。"},
    {"offer.firm", "Promised to start at {0} and to be done by {1}, for {2}.",
     "保证于 {0} 开始，并在 {1} 前完成，费用 {2}。"},
    {"offer.reserved_free", "Planned to start at {0}, promised to be done by {1}.",
     "计划于 {0} 开始，保证在 {1} 前完成。"},
    {"offer.firm_free", "Promised to start at {0} and to be done by {1}.",
     "保证于 {0} 开始，并在 {1} 前完成。"},
    {"offer.flex_free", "Runs when something is idle; nothing is promised.",
     "有空闲资源时运行；不作保证。"},
    {"help.deadline_free", "A deadline of {0} gets a start at {1}.",
     "把截止时间改为 {0}，可于 {1} 开始。"},
    {"help.ranks_free", "{0} ranks get a start at {1}.", "改为 {0} 个 rank，可于 {1} 开始。"},
    {"help.per_rank_free", "Ranks of {0} each get a start at {1}.",
     "每个 rank 改为 {0}，可于 {1} 开始。"},
    {"help.ranks_of_free", "{0} ranks of {1} each get a start at {2}.",
     "改为 {0} 个 rank，每个 {1}，可于 {2} 开始。"},
    {"help.duration_free", "A duration of {0} gets a start at {1}.",
     "把时长改为 {0}，可于 {1} 开始。"},
    {"offer.flex", "Runs when something is idle, for at most {0}; nothing is promised.",
     "有空闲资源时运行，最多 {0}；不作保证。"},

    {"job.number", "job {0}", "作业 {0}"},
    {"job.of_others", "another team's job", "其他团队的作业"},
    {"job.reserved",
     "Reserved: planned to start at {0}, or sooner where idle time costs no more; promised to be "
     "done by {1}.",
     "已预约：计划于 {0} 开始（空闲时段不更贵时会提前），保证在 {1} 前完成。"},
    {"job.firm", "Reserved: promised to start at {0} and to be done by {1}.",
     "已预约：保证于 {0} 开始，并在 {1} 前完成。"},
    {"job.displaced",
     "Its place was lost; Berth looks for another one that keeps the promise of {0}.",
     "原定位置已失去；Berth 正在寻找能在 {0} 前完成的其他位置。"},
    {"job.late",
     "It starts after {0}, which ends late; Berth keeps the promise of {1} as far as it can.",
     "它在{0}之后开始，而后者延迟结束；Berth 会尽量在 {1} 前完成。"},
    {"job.reserved_after", " It starts after {0}.", "它在{0}之后开始。"},
    {"job.queued_after", "Starts after {0}; nothing is promised to a flex job.",
     "在{0}之后开始；flex 作业没有时间保证。"},
    {"job.queued", "Waits for idle capacity; nothing is promised to a flex job.",
     "等待空闲资源；flex 作业没有时间保证。"},
    {"job.starting", "Attempt {0} is starting.", "第 {0} 次尝试正在启动。"},
    {"job.running", "Attempt {0} runs; its time ends at {1}.",
     "第 {0} 次尝试正在运行；其时间到 {1} 为止。"},
    {"job.running_in_pieces", "Attempt {0} runs; it pauses at {1} and goes on at {2}.",
     "第 {0} 次尝试正在运行；将于 {1} 暂停，{2} 继续。"},
    {"job.paused", "Pauses; it goes on at {0} and is promised to be done by {1}.",
     "已暂停；将于 {0} 继续，承诺于 {1} 之前完成。"},
    {"job.running_flex", "Attempt {0} runs on idle capacity and gives way when a promise needs it.",
     "第 {0} 次尝试正在使用空闲资源，在预约需要时让出。"},
    {"job.interrupted",
     "Interrupted: {0}. The next attempt may start at {1}; {2} of {3} retries used.",
     "已中断：{0}。下一次尝试最早于 {1} 开始；已用 {2}/{3} 次重试。"},
    {"job.succeeded", "Done: every rank exited with 0.", "已完成：所有 rank 均以 0 退出。"},
    {"job.failed", "Failed: {0}.", "失败：{0}。"},
    {"job.cancelled", "Cancelled: {0}.", "已取消：{0}。"},
    {"job.expired", "Expired: {0}.", "已过期：{0}。"},
    {"job.lost", "Lost: {0}. What it cost is refunded with a penalty.",
     "已丢失：{0}。费用已连同违约金退还。"},

    {"why.position", "{0} flex jobs of its team are ahead of it.",
     "同团队前面还有 {0} 个 flex 作业。"},
    {"why.waits_for", "It starts after {0}, which ends by {1} as planned.",
     "它在{0}之后开始，后者计划于 {1} 前结束。"},
    {"why.waits_for_open", "It starts after {0}, of which no end is promised.",
     "它在{0}之后开始，后者没有承诺的结束时间。"},
    {"why.nodes_closed", "No node that it could run on takes work now: {0}.",
     "目前没有可供其运行的节点接受作业：{0}。"},
    {"why.off", "off", "已关机"},
    {"why.comes_up", "should be up by {0}", "应在 {0} 前开机上线"},
    {"why.closed", "closed", "停用"},
    {"why.closed_until", "closed until {0}", "停用至 {0}"},
    {"why.closed_for", "{0}: {1}", "{0}：{1}"},
    {"why.expected", "Idle capacity is expected at {0} at the earliest.",
     "预计最早于 {0} 有空闲资源。"},
    {"why.holds", "{0} holds what it needs until {1}.", "{0}占用所需资源直到 {1}。"},
    {"why.holds_open", "{0} holds what it needs.", "{0}占用所需资源。"},

    {"note.loopback_only",
     "This controller listens on this machine alone, and the line above works only here. To let "
     "other machines join, start it again with --http 0.0.0.0:7070 --agents 0.0.0.0:7071 --grpc "
     "0.0.0.0:7072 --name HOST, where HOST is what they call this machine.",
     "此控制器只在本机监听，上面的命令只在本机有效。要让其他机器加入，请用 --http 0.0.0.0:7070 "
     "--agents 0.0.0.0:7071 --grpc 0.0.0.0:7072 --name HOST 重新启动，HOST "
     "是其他机器对本机的称呼。"},

    {"error.no_token", "This needs a token: Authorization: Bearer TOKEN.",
     "需要令牌：Authorization: Bearer TOKEN。"},
    {"error.bad_token", "The token is unknown, expired or revoked; log in again.",
     "令牌无效、过期或已撤销；请重新登录。"},
    {"error.role", "This needs the role {0}; {1} has the role {2}.",
     "此操作需要角色 {0}；{1} 的角色是 {2}。"},
});

/// The values of the placeholders if `text` fits `pattern`; each takes the least it can.
std::optional<std::vector<std::string_view>> match(std::string_view pattern,
                                                   std::string_view text) {
  std::vector<std::string_view> values;
  while (true) {
    const std::size_t hole = pattern.find('{');
    const std::string_view literal = pattern.substr(0, hole);
    if (!text.starts_with(literal)) return std::nullopt;
    text.remove_prefix(literal.size());
    if (hole == pattern.npos) {
      return text.empty() ? std::optional(values) : std::nullopt;
    }
    pattern.remove_prefix(hole + 3);
    const std::string_view next = pattern.substr(0, pattern.find('{'));
    const std::size_t end = next.empty() ? text.size() : text.find(next);
    if (end == text.npos) return std::nullopt;
    values.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// Whether `text` begins with a Chinese character, which takes three bytes; no punctuation.
bool begins_chinese(std::string_view text) {
  return !text.empty() && text.front() >= '\xE4' && text.front() <= '\xE9';
}

bool ends_chinese(std::string_view text) {
  return text.size() >= 3 && begins_chinese(text.substr(text.size() - 3));
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A space stands between Chinese and a name or a number, whichever of both a value is.
template <class Values>
std::string filled(std::string_view pattern, const Values& values) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '{') {
      text += pattern[at];
      continue;
    }
    const auto index = static_cast<std::size_t>(pattern[at + 1] - '0');
    CHECK(index < values.size(), "every placeholder has a value");
    const std::string_view value = values.begin()[index];
    if (!value.empty() && ends_chinese(text) && is_alphanumeric(value.front())) text += ' ';
    text += value;
    at += 2;
    const bool is_next = begins_chinese(pattern.substr(at + 1));
    if (is_next && !text.empty() && is_alphanumeric(text.back())) text += ' ';
  }
  return text;
}

using Tables = std::span<const std::span<const Entry>>;

std::string translate_inside(std::string_view english, Tables tables, int depth);

/// `english` by the pattern of `entry`, if it fits.
std::optional<std::string> by_pattern(const Entry& entry, std::string_view english, Tables tables,
                                      int depth) {
  const auto found = match(entry.en, english);
  if (!found) return std::nullopt;
  std::vector<std::string> values;
  for (const std::string_view value : *found) {
    values.push_back(depth > 0 ? translate_inside(value, tables, depth - 1) : std::string(value));
  }
  return filled(entry.zh, values);
}

std::string translate_inside(std::string_view english, Tables tables, int depth) {
  for (const auto& table : tables) {
    for (const Entry& entry : table) {
      if (auto made = by_pattern(entry, english, tables, depth)) return *std::move(made);
    }
  }
  return std::string(english);
}

const Entry& entry_of(std::string_view id) {
  static const std::map<std::string_view, const Entry*> all = [] {
    std::map<std::string_view, const Entry*> built;
    for (const Entry& entry : kSentences) {
      CHECK(built.emplace(entry.id, &entry).second, "an id is used once");
    }
    return built;
  }();
  const auto found = all.find(id);
  CHECK(found != all.end(), "every sentence that is asked for is in the catalog");
  return *found->second;
}

}  // namespace

Language language_of(std::string_view wanted) {
  return wanted.starts_with("zh") ? Language::zh : Language::en;
}

std::string say(Language language, std::string_view id,
                std::initializer_list<std::string_view> values) {
  const Entry& entry = entry_of(id);
  return filled(language == Language::zh ? entry.zh : entry.en, values);
}

std::string translate(Language language, std::string_view english) {
  return translate(language, english, {});
}

std::string translate(Language language, std::string_view english, std::span<const Entry> known) {
  if (language != Language::zh) return std::string(english);
  constexpr int kDepth = 5;
  const std::array tables{known, known_texts()};
  return translate_inside(english, tables, kDepth);
}

std::span<const Entry> sentences() { return kSentences; }

}  // namespace words
