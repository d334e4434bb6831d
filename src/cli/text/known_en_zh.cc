#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

// Errors that this side writes in English, by pattern; the first that fits is taken, so the more
// special ones stand first.
constexpr auto kKnown = std::to_array<words::Entry>({
    // Reading what was typed, and job files.
    {"", "'{0}' is no amount of memory; write {1}", "'{0}' 不是内存大小；请写 {1}"},
    {"", "'{0}' is no amount of credits; write {1}", "'{0}' 不是点数；请写 {1}"},
    {"", "'{0}' is no number of cores; write {1}", "'{0}' 不是 CPU 核数；请写 {1}"},
    {"", "'{0}' is no number of GPUs; write {1}", "'{0}' 不是 GPU 数量；请写 {1}"},
    {"", "'{0}' names no GPU model; write {1}", "'{0}' 没有给出 GPU 型号；请写 {1}"},
    {"", "'{0}' is no length of time; write {1} (h:m:s) or {2} (days-hours:minutes)",
     "'{0}' 不是时长；请写 {1}（时:分:秒）或 {2}（天-时:分）"},
    {"", "a length of time must be above zero", "时长必须大于零"},
    {"", "'{0}' is longer than 3650 days", "'{0}' 超过 3650 天"},
    {"", "'{0}' is no moment; say the time of day too, such as {1}",
     "'{0}' 不是时刻；还要写明几点，例如 {1}"},
    {"", "'{0}' is no moment; write 2h (from now), {1}",
     "'{0}' 不是时刻；请写 2h（从现在起）、{1}"},
    {"", "'{0}' is no time of day; write it as {1}", "'{0}' 不是一天中的时间；请写成 {1}"},
    {"", "'{0}' is no day; write {1} or weekdays or weekends",
     "'{0}' 不是星期几；请写 {1}，或 weekdays、weekends"},
    {"", "{0} or {1}", "{0} 或 {1}"},
    {"", "'{0}' is not one of {1}", "'{0}' 不在可选值之中：{1}"},
    {"", "'{0}' is no name of a variable", "'{0}' 不能用作变量名"},
    {"", "'{0}' is no job number", "'{0}' 不是作业编号"},
    {"", "'{0}' is no name", "'{0}' 不能用作名称"},
    {"", "expected a text, got nothing", "应为文字，却是空的"},
    {"", "expected a path, got nothing", "应为路径，却是空的"},
    {"", "expected one value", "应为单个值"},
    {"", "expected a list", "应为列表"},
    {"", "expected NAME: value lines", "应为“名称: 值”的形式"},
    {"", "expected 'key: value' lines", "应为“键: 值”的形式"},
    {"", "at most {0} items", "最多 {0} 项"},
    {"", "at most {0} variables", "最多 {0} 个变量"},
    {"", "write NAME=VALUE or NAME", "请写 NAME=VALUE 或 NAME"},
    {"", "{0} is not set here; write {1}=VALUE", "这里没有设置 {0}；请写 {1}=VALUE"},
    {"", "the command is empty", "命令是空的"},
    {"", "there is no command: write it after --, such as {0}, or as 'command' in a job file",
     "没有命令：请写在 -- 之后，例如 {0}，或写成作业文件中的 'command'"},
    {"", "a job file has 'key: value' lines, such as {0}", "作业文件由“键: 值”组成，例如 {0}"},
    {"", "a job file has at most 1 MiB", "作业文件最大 1 MiB"},
    {"", "a key must be one word", "键必须是一个词"},
    {"", "'{0}' is there twice", "'{0}' 出现了两次"},
    {"", "not YAML: {0}", "不是有效的 YAML：{0}"},
    {"", "line {0} is not YAML", "第 {0} 行不是有效的 YAML"},
    {"", "a firm start (at) leaves no room for by or after: give only one",
     "固定开始时间（at）不能与 by 或 after 同时使用"},
    {"", "a firm start (at) leaves no room for breaks", "固定开始时间（at）不能与可暂停同用"},
    {"", "only a reserved job has a firm start: leave out --now and --flex",
     "只有预约作业才有固定开始时间：请去掉 --now 和 --flex"},
    {"", "the deadline lies before the earliest start", "截止时间早于最早开始时间"},
    {"", "conda and venv exclude each other", "conda 与 venv 不能同时使用"},
    {"", "--now and --flex exclude each other", "--now 与 --flex 不能同时使用"},
    {"", "there is no HOME: set BERTH_CONFIG to a file",
     "没有 HOME：请把 BERTH_CONFIG 设为一个文件"},
    // Reading the command line.
    {"", "{0} is missing", "缺少 {0}"},
    {"", "{0} needs a value", "{0} 需要一个值"},
    {"", "{0}: '{1}' is no number", "{0}：'{1}' 不是数字"},
    {"", "{0} needs {1} beside it", "{0} 必须与 {1} 一起使用"},
    {"", "give {0} once", "{0} 只能给出一次"},
    // Reaching a controller.
    {"", "cannot reach {0}: {1}", "无法连接 {0}：{1}"},
    {"", "connection refused - is the controller running?", "连接被拒绝；控制器在运行吗？"},
    {"", "a token has no spaces and no control characters", "令牌不含空格和控制字符"},
    // Serving.
    {"", "this machine has not joined yet; get a token with `berth node token` on the controller",
     "本机尚未加入集群；请在控制器上用 `berth node token` 获取令牌"},
    {"", "HOST:PORT for joining is needed", "需要给出加入集群所用的 HOST:PORT"},
    {"", "cannot write in {0}", "无法写入 {0}"},
    {"", "another controller uses {0}; is Berth up already?",
     "另一个控制器正在使用 {0}；Berth 已经启动了吗？"},
    {"", "cannot listen on {0}; is another program using it?",
     "无法监听 {0}；是否被其他程序占用？"},
    {"", "cannot listen on {0}", "无法监听 {0}"},
    {"", "give the host name or address that others reach this machine by",
     "请给出其他机器访问本机所用的主机名或地址"},
    {"", "no node may be called so", "节点不能使用这个名称"},
    {"", "the join token is not known here, or has expired", "加入令牌无效或已过期"},
    {"", "'{0}' is not HOST:PORT", "'{0}' 不是 HOST:PORT"},
    {"", "must be 10s to 10m", "必须在 10s 到 10m 之间"},
    {"", "{0}; a new token of `berth node token` lets it join again",
     "{0}；可用 `berth node token` 给出的新令牌重新加入"},
    {"", "node {0} was removed", "节点 {0} 已被移除"},
    {"", "there is no berth-shim beside this program, in {0}",
     "程序所在目录 {0} 中没有 berth-shim"},
    {"", "'{0}' is not MODEL:N", "'{0}' 不是 MODEL:N"},
    {"", "give the token in one way only", "令牌只能用一种方式给出"},
    {"", "the token is empty", "令牌是空的"},
    {"", "line {0}: {1}", "第 {0} 行：{1}"},
});

}  // namespace

std::span<const words::Entry> known() { return kKnown; }

std::string translate(Language language, std::string_view english) {
  const auto wanted = language == Language::zh ? words::Language::zh : words::Language::en;
  return words::translate(wanted, english, kKnown);
}

}  // namespace cli::text
