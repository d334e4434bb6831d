#include <array>

#include "words/catalog.h"

namespace words {
namespace {

// Texts that other modules write in English: causes in facts and messages of errors. The first that
// fits is taken, so the more special ones stand first.
constexpr auto kKnown = std::to_array<Entry>({
    // Causes of jobs and attempts.
    {"", "another rank ended badly", "另一个 rank 异常结束"},
    {"", "its time is over and the balance does not reach for more", "时间已到，余额不足以续费"},
    {"", "its time is over and its money does not reach for more", "时间已到，费用不足以续费"},
    {"", "its time is over; goes on as flex", "时间已到；转为flex 作业继续"},
    {"", "its time is over", "时间已到"},
    {"", "its deadline passed before there was idle capacity", "截止时间前一直没有空闲资源"},
    {"", "hardware was lost and there is no time left to keep the promise",
     "硬件失效，剩余时间不足以兑现承诺"},
    {"", "every rank exited with 0", "所有 rank 均以 0 退出"},
    {"", "the bid was refused", "出价被拒绝"},
    {"", "the bid was accepted", "出价已接受"},
    {"", "waits for idle capacity", "等待空闲资源"},
    {"", "attempt {0} starts", "第 {0} 次尝试启动"},
    {"", "attempt {0} runs", "第 {0} 次尝试运行"},
    {"", "gives way to {0}", "让位于{0}"},
    {"", "makes room for {0}", "为{0}腾出位置"},
    {"", "its node is gone", "所在节点已失效"},
    {"", "its node booted again", "所在节点重新启动"},
    {"", "its place is free already", "位置已提前空出"},
    {"", "cancelled by {0}", "由 {0} 取消"},
    {"", "{0}; no retries left of {1}", "{0}；{1} 次重试已用完"},
    {"", "rank {0} on {1}: {2}", "节点 {1} 上的 rank {0}：{2}"},
    {"", "ended with code {0}", "以退出码 {0} 结束"},
    {"", "exited with code {0}", "以退出码 {0} 退出"},
    {"", "killed by SIG{0}", "被信号 SIG{0} 终止"},
    {"", "killed by signal {0}", "被信号 {0} 终止"},
    {"", "another team's job", "其他团队的作业"},
    // States of nodes.
    {"", "waiting for its agent", "等待代理连接"},
    {"", "its agent connected", "代理已连接"},
    {"", "resumed by an operator", "由运维人员恢复"},
    // Errors of the ledger.
    {"", "there is no job {0}", "没有作业 {0}"},
    {"", "there is no node {0}", "没有节点 {0}"},
    {"", "there is no team {0}", "没有团队 {0}"},
    {"", "there is no user {0}", "没有用户 {0}"},
    {"", "there is no token {0}", "没有令牌 {0}"},
    {"", "team {0} exists already", "团队 {0} 已存在"},
    {"", "user {0} exists already", "用户 {0} 已存在"},
    {"", "{0} is the last admin and must stay one", "{0} 是最后一名管理员，必须保留"},
    {"", "job {0} has ended already", "作业 {0} 已经结束"},
    {"", "jobs run on node {0}; drain it and wait, or cancel them",
     "节点 {0} 上还有作业；请先排空并等待，或取消它们"},
    {"", "what was quoted has been taken since; ask for a new quote",
     "报价的位置已被占用；请重新询价"},
    {"", "the balance of team {0} does not reach", "团队 {0} 的余额不足"},
    {"", "it would cost {0} micro-credits more", "还需要 {0} 微点"},
    {"", "{0} needs the place of {1} then", "{0}届时需要{1}的位置"},
    {"", "another promise", "另一份预约"},
    {"", "a job needs a command", "作业需要一条命令"},
    {"", "a rank needs a GPU or some cores", "每个 rank 需要 GPU 或 CPU 核"},
    {"", "a GPU model, but no GPU is asked for", "给出了 GPU 型号，却没有申请 GPU"},
    {"", "an eager job starts now", "急切作业立即开始"},
    {"", "a flex job is promised nothing, so no start either",
     "flex 作业没有任何保证，也就没有开始时间的保证"},
    {"", "must be more than 0 and at most 90 days", "必须大于 0 且不超过 90 天"},
    {"", "must be 0 to 1 hour", "必须在 0 到 1 小时之间"},
    {"", "must be {0} to {1}", "必须在 {0} 到 {1} 之间"},
    {"", "is in the past", "已经过去"},
    {"", "is not a time", "不是有效的时间"},
    {"", "is not after the earliest start", "不晚于最早开始时间"},
    {"", "longer than {0} bytes", "超过 {0} 字节"},
    {"", "a grant must be more than 0 credits", "拨款必须大于 0"},
    // Errors of reading a body.
    {"", "not JSON: {0}", "不是 JSON：{0}"},
    {"", "expected {0}, got {1}", "应为{0}，却是{1}"},
    {"", "unknown key '{0}'; did you mean '{1}'?", "未知的键 '{0}'；是否应为 '{1}'？"},
    {"", "unknown key '{0}'; known are {1}", "未知的键 '{0}'；可用的有 {1}"},
    {"", "unknown value '{0}'; did you mean '{1}'? Accepted are {2}",
     "未知的值 '{0}'；是否应为 '{1}'？可用的有 {2}"},
    {"", "unknown value '{0}'; accepted are {1}", "未知的值 '{0}'；可用的有 {1}"},
    {"", "a whole number from {0} to {1}", "{0} 到 {1} 的整数"},
    {"", "a whole number", "整数"},
    {"", "a number", "数字"},
    {"", "a string", "字符串"},
    {"", "a list", "列表"},
    {"", "an object", "对象"},
    {"", "true or false", "true 或 false"},
    // Errors of the API.
    {"", "the user or the password is wrong", "用户名或密码错误"},
    {"", "too many wrong passwords; wait a minute", "密码错误次数过多；请等一分钟"},
    {"", "many people log in at this moment; try again", "登录的人太多；请重试"},
    {"", "the controller is busy; try again", "控制器繁忙；请重试"},
    {"", "a password has {0} to {1} bytes", "密码长度应为 {0} 到 {1} 字节"},
    {"", "the quote is gone or was given to somebody else; ask for a new one",
     "报价已失效或不属于你；请重新询价"},
    {"", "the quote was given for another spec", "该报价对应的作业描述不同"},
    {"", "{0} takes no parameter '{1}'; it knows {2}", "{0} 没有参数 '{1}'；可用的有 {2}"},
    {"", "{0} takes no parameters, not '{1}'", "{0} 没有参数，也没有 '{1}'"},
    {"", "there is no route {0}; did you mean {1}?", "没有路径 {0}；是否应为 {1}？"},
    {"", "there is no route {0}", "没有路径 {0}"},
    {"", "{0} takes {1}, not {2}", "{0} 接受 {1}，不接受 {2}"},
    {"", "job {0}", "作业 {0}"},
});

}  // namespace

std::span<const Entry> known_texts() { return kKnown; }

}  // namespace words
