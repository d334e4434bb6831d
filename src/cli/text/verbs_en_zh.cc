#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kVerbs{
    Entry{"verb.berth", "Share GPU machines by reservation.", "以预约方式共享 GPU 服务器。"},
    Entry{"verb.quote", "Ask what a job would cost and when it would be done; changes nothing.",
          "询问作业的价格与完成时间；不做任何更改。"},
    Entry{"verb.submit", "Submit a job and return at once.", "提交作业并立即返回。"},
    Entry{"verb.run",
          "Submit a job, follow its log and exit with its exit status. Ctrl-C cancels the job; "
          "a second one leaves it running.",
          "提交作业，跟踪日志，并以其退出码退出。Ctrl-C 取消作业；再按一次则离开而不等待。"},
    Entry{"verb.jobs", "List jobs.", "列出作业。"},
    Entry{"verb.why", "Say why a job waits, until when, and what would help.",
          "说明作业为何等待、到何时、以及可行的办法。"},
    Entry{"verb.job", "Show and change one job.", "查看与更改单个作业。"},
    Entry{"verb.job show", "Show everything about a job.", "显示作业的全部信息。"},
    Entry{"verb.job logs", "Show a job's log.", "显示作业日志。"},
    Entry{"verb.job cancel", "Stop jobs, or take back their reservations.",
          "停止作业或撤销其预约。"},
    Entry{"verb.job extend", "Give a job more time.", "延长作业时间。"},
    Entry{"verb.job move", "Give a queued job another place in the queue.", "更改作业的排队位置。"},
    Entry{"verb.job metrics", "Show what a job has measured.", "显示作业的指标。"},
    Entry{"verb.job files", "List the files that a job has kept.", "列出作业保留的文件。"},
    Entry{"verb.job get", "Fetch files that a job has kept.", "下载作业保留的文件。"},
    Entry{"verb.nodes", "List nodes: what they have and what is in use.",
          "列出节点及其容量与占用。"},
    Entry{"verb.node", "Change one node, or add one.", "更改或添加节点。"},
    Entry{"verb.node drain", "Let a node finish its work and give it nothing new.",
          "排空节点：完成现有工作，不再接收新作业。"},
    Entry{"verb.node resume", "Give a node work again.", "让节点重新接收作业。"},
    Entry{"verb.node remove", "Remove a node on which nothing runs.", "移除没有作业的节点。"},
    Entry{"verb.node token", "Print the line that adds a node.", "给出添加节点的命令。"},
    Entry{"verb.node token list", "List the tokens with which machines may join.",
          "列出可用于加入的令牌。"},
    Entry{"verb.node token revoke", "Let no more machines join with a token.", "吊销加入令牌。"},
    Entry{"verb.calendar", "Show what is free and what it costs, hour by hour.",
          "按小时显示空闲资源与价格。"},
    Entry{"verb.teams", "List teams: credits, share, use, quotas.",
          "列出团队：点数、权重、用量、配额。"},
    Entry{"verb.team", "Add teams and set their shares.", "添加团队，设置其权重。"},
    Entry{"verb.team share", "Set what a team's due is against others.",
          "设置团队相对于其他团队的权重。"},
    Entry{"verb.team add", "Add a team.", "添加团队。"},
    Entry{"verb.users", "List and change users.", "列出与更改用户。"},
    Entry{"verb.users list", "List users.", "列出用户。"},
    Entry{"verb.users add", "Add a user.", "添加用户。"},
    Entry{"verb.users passwd", "Change a password.", "修改密码。"},
    Entry{"verb.tokens", "List and change access tokens.", "列出与更改访问令牌。"},
    Entry{"verb.tokens list", "List access tokens.", "列出访问令牌。"},
    Entry{"verb.tokens create", "Create an access token; it is shown once.",
          "创建访问令牌；只显示一次。"},
    Entry{"verb.tokens revoke", "Make an access token useless.", "吊销访问令牌。"},
    Entry{"verb.grant", "Give credits to a team.", "向团队发放点数。"},
    Entry{"verb.statement", "Show where a team's credits went.", "显示团队点数的去向。"},
    Entry{"verb.prices", "Show or replace the price list.", "显示或替换价目表。"},
    Entry{"verb.quota", "Show and set how many GPUs a team or a user may have.",
          "显示与设置团队或用户的 GPU 配额。"},
    Entry{"verb.quota list", "Show quotas and their use.", "显示配额及其用量。"},
    Entry{"verb.quota set", "Set a quota (operators).", "设置配额（运维人员）。"},
    Entry{"verb.quota remove", "Remove a quota (operators).", "删除配额（运维人员）。"},
    Entry{"verb.fairness", "Show or set how soon use is forgotten.",
          "显示或设置已用量减半所需的时间。"},
    Entry{"verb.login", "Sign in and remember it in ~/.config/berth/config.yaml.",
          "登录，并记录在 ~/.config/berth/config.yaml。"},
    Entry{"verb.whoami", "Say who you are.", "显示当前用户。"},
    Entry{"verb.events", "Show the cluster's events.", "显示集群事件。"},
    Entry{"verb.report", "Say how well the cluster fared: starts, ends, promises, use, cost.",
          "集群效率报告：启动、结局、承诺、利用率与成本。"},
    Entry{
        "verb.sim",
        "Play a trace of jobs to Berth and to other policies, here and now; no cluster is needed.",
        "用作业轨迹对比 Berth 与其他调度策略；在本机运行，不需要集群。"},
    Entry{"verb.version", "Show the versions here and there.", "显示本地与控制器的版本。"},
    Entry{"verb.help", "Explain a verb, or the exit codes.", "解释命令或退出码。"},
    Entry{"verb.completion", "Print a completion script for a shell.", "输出 shell 补全脚本。"},
};

}  // namespace

std::span<const Entry> verbs() { return kVerbs; }

}  // namespace cli::text
