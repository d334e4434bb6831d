#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kExamples{
    Entry{"examples.berth",
          "  berth up\n      # a cluster of this machine, to try it\n"
          "  berth login https://head:7070\n      # or sign in to one that there is\n"
          "  berth run --gpus 1 -- python train.py\n      # train, and see the log here\n"
          "  berth quote --gpus A100:8 -t 6h --by 'thu 18:00' -- python train.py\n"
          "      # what would it cost?",
          "  berth up\n      # 在本机启动一个集群试用\n"
          "  berth login https://head:7070\n      # 或登录已有的集群\n"
          "  berth run --gpus 1 -- python train.py\n      # 训练，并在此查看日志\n"
          "  berth quote --gpus A100:8 -t 6h --by 'thu 18:00' -- python train.py\n"
          "      # 需要多少点数？"},
    Entry{"examples.quote",
          "  berth quote job.yaml\n      # what a job file would cost\n"
          "  berth quote --gpus 4 -t 2h --by 'tomorrow 09:00' -- python train.py\n"
          "      # done by tomorrow\n"
          "  berth quote --gpus 8 -t 30m --now -- python bench.py\n      # starting now\n"
          "  berth quote job.yaml --alternatives\n      # also narrower, later, with breaks",
          "  berth quote job.yaml\n      # 作业文件的报价\n"
          "  berth quote --gpus 4 -t 2h --by 'tomorrow 09:00' -- python train.py\n"
          "      # 明天之前完成\n"
          "  berth quote --gpus 8 -t 30m --now -- python bench.py\n      # 立即开始\n"
          "  berth quote job.yaml --alternatives\n      # 同时比较更少 rank、更晚、可暂停的方案"},
    Entry{"examples.submit",
          "  berth submit job.yaml\n      # as the file says\n"
          "  berth submit --gpus A100:8 -t 12h --by 'fri 18:00' -- python train.py\n"
          "      # done by Friday\n"
          "  berth submit --count 20 --flex -- python try.py\n      # twenty cheap jobs",
          "  berth submit job.yaml\n      # 按文件提交\n"
          "  berth submit --gpus A100:8 -t 12h --by 'fri 18:00' -- python train.py\n"
          "      # 周五之前完成\n"
          "  berth submit --count 20 --flex -- python try.py\n      # 二十个低价作业"},
    Entry{"examples.run",
          "  berth run -- python train.py\n      # one core, an hour, when something is idle\n"
          "  berth run --gpus 2 --now -t 30m -- python train.py\n      # two GPUs, right now\n"
          "  berth run --ranks 4 --gpus 1 --framework pytorch --all-ranks -- python train.py\n"
          "      # four ranks",
          "  berth run -- python train.py\n      # 一个核，一小时，空闲时运行\n"
          "  berth run --gpus 2 --now -t 30m -- python train.py\n      # 立即使用两块 GPU\n"
          "  berth run --ranks 4 --gpus 1 --framework pytorch --all-ranks -- python train.py\n"
          "      # 四个 rank"},
    Entry{"examples.jobs",
          "  berth jobs\n      # what is live\n"
          "  berth jobs --all --limit 200\n      # ended ones too\n"
          "  berth jobs --state failed --json\n      # for a script",
          "  berth jobs\n      # 当前作业\n"
          "  berth jobs --all --limit 200\n      # 包括已结束的\n"
          "  berth jobs --state failed --json\n      # 供脚本使用"},
    Entry{"examples.why",
          "  berth why 42\n      # why does job 42 wait?\n"
          "  berth why 42 --json\n      # for a script",
          "  berth why 42\n      # 作业 42 为何等待？\n"
          "  berth why 42 --json\n      # 供脚本使用"},
    Entry{"examples.job",
          "  berth job show 42\n      # everything about job 42\n"
          "  berth job cancel 42\n      # stop it",
          "  berth job show 42\n      # 作业 42 的全部信息\n"
          "  berth job cancel 42\n      # 停止作业"},
    Entry{"examples.job show",
          "  berth job show 42\n      # everything about job 42\n"
          "  berth job show 42 --json\n      # for a script",
          "  berth job show 42\n      # 作业 42 的全部信息\n"
          "  berth job show 42 --json\n      # 供脚本使用"},
    Entry{"examples.job logs",
          "  berth job logs 42\n      # what there is now\n"
          "  berth job logs -f 42\n      # until it has ended\n"
          "  berth job logs 42 --rank 3 --attempt 1\n      # of one rank and attempt",
          "  berth job logs 42\n      # 现有日志\n"
          "  berth job logs -f 42\n      # 跟踪到结束\n"
          "  berth job logs 42 --rank 3 --attempt 1\n      # 指定 rank 与尝试"},
    Entry{"examples.job cancel",
          "  berth job cancel 42\n      # stop it\n"
          "  berth job cancel 42 43 44\n      # several",
          "  berth job cancel 42\n      # 停止作业\n"
          "  berth job cancel 42 43 44\n      # 多个作业"},
    Entry{"examples.job move",
          "  berth job move 42 --top\n      # before all your other queued jobs\n"
          "  berth job move 42 --after 40\n      # right behind job 40",
          "  berth job move 42 --top\n      # 排到自己其他作业之前\n"
          "  berth job move 42 --after 40\n      # 紧接在作业 40 之后"},
    Entry{"examples.team share",
          "  berth team share vision 2\n      # twice as much as a team with 1\n"
          "  berth team share vision 1\n      # as much as the others",
          "  berth team share vision 2\n      # 是权重 1 的团队的两倍\n"
          "  berth team share vision 1\n      # 与其他团队相同"},
    Entry{"examples.quota",
          "  berth quota\n      # the quotas there are\n"
          "  berth quota set 8 --team vision\n      # at most 8 GPUs at once",
          "  berth quota\n      # 现有配额\n"
          "  berth quota set 8 --team vision\n      # 同时最多 8 块 GPU"},
    Entry{"examples.quota list",
          "  berth quota list\n      # quotas and their use\n"
          "  berth quota list --json\n      # for a script",
          "  berth quota list\n      # 配额及其用量\n"
          "  berth quota list --json\n      # 供脚本使用"},
    Entry{"examples.quota set",
          "  berth quota set 4 --user ada\n      # one user, all models together\n"
          "  berth quota set 8 --team vision --model A100 --soft\n      # flex may borrow more",
          "  berth quota set 4 --user ada\n      # 单个用户，所有型号合计\n"
          "  berth quota set 8 --team vision --model A100 --soft\n      # flex 可借用更多"},
    Entry{"examples.quota remove",
          "  berth quota remove --user ada\n      # no limit any more\n"
          "  berth quota remove --team vision --model A100\n      # that of one model",
          "  berth quota remove --user ada\n      # 不再限制\n"
          "  berth quota remove --team vision --model A100\n      # 某一型号的配额"},
    Entry{"examples.fairness",
          "  berth fairness\n      # the half-life\n"
          "  berth fairness --half-life 3d\n      # forget sooner (admins)",
          "  berth fairness\n      # 查看半衰期\n"
          "  berth fairness --half-life 3d\n      # 更快遗忘（管理员）"},
    Entry{"examples.job extend",
          "  berth job extend 42 2h\n      # two hours more\n"
          "  berth job extend 42 30m --max-price 1.5\n      # for 1.5 credits at most",
          "  berth job extend 42 2h\n      # 延长两小时\n"
          "  berth job extend 42 30m --max-price 1.5\n      # 最多 1.5 点"},
    Entry{"examples.job metrics",
          "  berth job metrics 42\n      # what it has measured\n"
          "  berth job metrics 42 --rank 0 --json\n      # for a script",
          "  berth job metrics 42\n      # 显示指标\n"
          "  berth job metrics 42 --rank 0 --json\n      # 供脚本使用"},
    Entry{"examples.job files",
          "  berth job files 42\n      # what it has kept\n"
          "  berth job files 42 --json\n      # for a script",
          "  berth job files 42\n      # 保留的文件\n"
          "  berth job files 42 --json\n      # 供脚本使用"},
    Entry{"examples.job get",
          "  berth job get 42 --to results\n      # all of them\n"
          "  berth job get 42 model.pt\n      # one file",
          "  berth job get 42 --to results\n      # 全部下载\n"
          "  berth job get 42 model.pt\n      # 下载一个文件"},
    Entry{"examples.nodes",
          "  berth nodes\n      # all of them\n"
          "  berth nodes --json\n      # for a script",
          "  berth nodes\n      # 所有节点\n"
          "  berth nodes --json\n      # 供脚本使用"},
    Entry{"examples.node",
          "  berth node token\n      # add one\n"
          "  berth node close gpu7 --from 'sat 22:00' --for 4h\n      # close one for a time\n"
          "  berth node drain gpu7 --cause 'new disk'\n      # take one out of use",
          "  berth node token\n      # 添加节点\n"
          "  berth node close gpu7 --from 'sat 22:00' --for 4h\n      # 停用一段时间\n"
          "  berth node drain gpu7 --cause 'new disk'\n      # 排空节点"},
    Entry{"examples.node drain",
          "  berth node drain gpu7\n      # take it out of use\n"
          "  berth node drain gpu7 --cause 'new disk'\n      # and say why",
          "  berth node drain gpu7\n      # 停用节点\n"
          "  berth node drain gpu7 --cause 'new disk'\n      # 并说明原因"},
    Entry{"examples.node power",
          "  berth node power gpu7 gpu8 --idle 20m --resume 4m\n      # off when idle\n"
          "  berth node power gpu7 --always-on\n      # on again, for good",
          "  berth node power gpu7 gpu8 --idle 20m --resume 4m\n      # 空闲时关机\n"
          "  berth node power gpu7 --always-on\n      # 重新开机并保持"},
    Entry{"examples.node resume",
          "  berth node resume gpu7\n      # use it again\n"
          "  berth node resume gpu7 --json\n      # for a script",
          "  berth node resume gpu7\n      # 重新启用\n"
          "  berth node resume gpu7 --json\n      # 供脚本使用"},
    Entry{"examples.node remove",
          "  berth node remove gpu7\n      # asks first\n"
          "  berth node remove gpu7 --yes\n      # does not ask",
          "  berth node remove gpu7\n      # 会先询问\n"
          "  berth node remove gpu7 --yes\n      # 不询问"},
    Entry{"examples.node close",
          "  berth node close gpu7 gpu8 --from 'sat 22:00' --for 4h --cause 'new disks'\n"
          "      # maintenance\n"
          "  berth node close --pool lab --on weekdays --from 09:00 --until 18:00\n"
          "      # machines that are lent at night and at weekends\n"
          "  berth node close gpu7 --until 18:00 --anyway\n"
          "      # now, whatever was promised there",
          "  berth node close gpu7 gpu8 --from 'sat 22:00' --for 4h --cause 'new disks'\n"
          "      # 维护\n"
          "  berth node close --pool lab --on weekdays --from 09:00 --until 18:00\n"
          "      # 只在夜间与周末借出的机器\n"
          "  berth node close gpu7 --until 18:00 --anyway\n"
          "      # 立即停用，不顾已有的承诺"},
    Entry{"examples.node closures",
          "  berth node closures\n      # all that are not over\n"
          "  berth node closures --json\n      # for a script",
          "  berth node closures\n      # 尚未结束的全部停用时段\n"
          "  berth node closures --json\n      # 供脚本使用"},
    Entry{"examples.node open",
          "  berth node open 7ac41f0e5b2d9863\n      # its nodes take work at once\n"
          "  berth node open 7ac41f0e5b2d9863 --json\n      # for a script",
          "  berth node open 7ac41f0e5b2d9863\n      # 节点立即开放\n"
          "  berth node open 7ac41f0e5b2d9863 --json\n      # 供脚本使用"},
    Entry{"examples.node token",
          "  berth node token\n      # a line to paste on the new node\n"
          "  berth node token --hours 1\n      # valid for an hour",
          "  berth node token\n      # 在新节点上粘贴的命令\n"
          "  berth node token --hours 1\n      # 一小时内有效"},
    Entry{"examples.node token list",
          "  berth node token list\n      # all that are valid now\n"
          "  berth node token list --json\n      # for a script",
          "  berth node token list\n      # 目前有效的全部令牌\n"
          "  berth node token list --json\n      # 供脚本使用"},
    Entry{"examples.node token revoke",
          "  berth node token revoke 07af541e\n      # asks first\n"
          "  berth node token revoke 07af541e --yes\n      # does not ask",
          "  berth node token revoke 07af541e\n      # 会先询问\n"
          "  berth node token revoke 07af541e --yes\n      # 不询问"},
    Entry{"examples.calendar",
          "  berth calendar\n      # the next 24 hours\n"
          "  berth calendar --from 'sat 00:00' --hours 48 --pool a100\n"
          "      # a pool at the weekend",
          "  berth calendar\n      # 未来 24 小时\n"
          "  berth calendar --from 'sat 00:00' --hours 48 --pool a100\n      # 周末的某个资源池"},
    Entry{"examples.teams",
          "  berth teams\n      # all of them\n"
          "  berth teams --json\n      # for a script",
          "  berth teams\n      # 所有团队\n"
          "  berth teams --json\n      # 供脚本使用"},
    Entry{"examples.team",
          "  berth team add vision\n      # a new team\n"
          "  berth grant vision 500\n      # and its credits",
          "  berth team add vision\n      # 新团队\n"
          "  berth grant vision 500\n      # 并发放点数"},
    Entry{"examples.team add",
          "  berth team add vision\n      # a new team\n"
          "  berth team add vision --json\n      # for a script",
          "  berth team add vision\n      # 新团队\n"
          "  berth team add vision --json\n      # 供脚本使用"},
    Entry{"examples.users",
          "  berth users\n      # all of them\n"
          "  berth users add li --team vision\n      # a new one",
          "  berth users\n      # 所有用户\n"
          "  berth users add li --team vision\n      # 新用户"},
    Entry{"examples.users list",
          "  berth users list\n      # all of them\n"
          "  berth users list --json\n      # for a script",
          "  berth users list\n      # 所有用户\n"
          "  berth users list --json\n      # 供脚本使用"},
    Entry{"examples.users add",
          "  berth users add li --team vision\n      # asks for a password\n"
          "  berth users add ops --team infra --role operator --no-password\n"
          "      # signs in with tokens only",
          "  berth users add li --team vision\n      # 会询问密码\n"
          "  berth users add ops --team infra --role operator --no-password\n      # 只用令牌登录"},
    Entry{"examples.users passwd",
          "  berth users passwd\n      # your own\n"
          "  berth users passwd li --password-stdin\n      # another's, from a pipe",
          "  berth users passwd\n      # 修改自己的密码\n"
          "  berth users passwd li --password-stdin\n      # 从管道读取他人的新密码"},
    Entry{"examples.tokens",
          "  berth tokens\n      # your own\n"
          "  berth tokens create laptop --days 90\n      # a new one",
          "  berth tokens\n      # 自己的令牌\n"
          "  berth tokens create laptop --days 90\n      # 新令牌"},
    Entry{"examples.tokens list",
          "  berth tokens list\n      # your own\n"
          "  berth tokens list --json\n      # for a script",
          "  berth tokens list\n      # 自己的令牌\n"
          "  berth tokens list --json\n      # 供脚本使用"},
    Entry{"examples.tokens create",
          "  berth tokens create laptop\n      # for this laptop\n"
          "  berth tokens create ci --days 30\n      # for 30 days",
          "  berth tokens create laptop\n      # 供笔记本使用\n"
          "  berth tokens create ci --days 30\n      # 有效 30 天"},
    Entry{"examples.tokens revoke",
          "  berth tokens revoke t7f3\n      # asks first\n"
          "  berth tokens revoke t7f3 --yes\n      # does not ask",
          "  berth tokens revoke t7f3\n      # 会先询问\n"
          "  berth tokens revoke t7f3 --yes\n      # 不询问"},
    Entry{"examples.grant",
          "  berth grant vision 500\n      # 500 credits\n"
          "  berth grant vision 12.5\n      # 12.5 credits",
          "  berth grant vision 500\n      # 500 点\n"
          "  berth grant vision 12.5\n      # 12.5 点"},
    Entry{"examples.statement",
          "  berth statement\n      # your own team's\n"
          "  berth statement vision --limit 500 --json\n      # for a script",
          "  berth statement\n      # 自己团队的账单\n"
          "  berth statement vision --limit 500 --json\n      # 供脚本使用"},
    Entry{"examples.prices",
          "  berth prices\n      # what things cost\n"
          "  berth prices --set prices.json\n      # new prices\n"
          "  berth prices --off\n      # nothing costs anything",
          "  berth prices\n      # 查看价格\n"
          "  berth prices --set prices.json\n      # 设置新价格\n"
          "  berth prices --off\n      # 关闭计费"},
    Entry{"examples.login",
          "  berth login https://head:7070 --user li\n      # asks for the password\n"
          "  berth login https://head:7070 --ca head.pem --user li\n"
          "      # with the cluster's own certificate\n"
          "  BERTH_TOKEN=... berth login https://head:7070\n      # with a token",
          "  berth login https://head:7070 --user li\n      # 会询问密码\n"
          "  berth login https://head:7070 --ca head.pem --user li\n      # 使用集群自己的证书\n"
          "  BERTH_TOKEN=... berth login https://head:7070\n      # 使用令牌"},
    Entry{"examples.whoami",
          "  berth whoami\n      # who am I?\n"
          "  berth whoami --json\n      # for a script",
          "  berth whoami\n      # 我是谁？\n"
          "  berth whoami --json\n      # 供脚本使用"},
    Entry{"examples.events",
          "  berth events\n      # the newest\n"
          "  berth events -f --json\n      # follow them, a line each",
          "  berth events\n      # 最新事件\n"
          "  berth events -f --json\n      # 持续输出，每行一条"},
    Entry{"examples.report",
          "  berth report\n      # the last seven days\n"
          "  berth report --from 1d --replay\n"
          "      # the last day, and what it would have been without prices\n"
          "  berth report --from 2026-11-01T00:00 --json\n      # for a script",
          "  berth report\n      # 最近七天\n"
          "  berth report --from 1d --replay\n      # 最近一天，并与不用价格的情形对比\n"
          "  berth report --from 2026-11-01T00:00 --json\n      # 供脚本使用"},
    Entry{"examples.sim",
          "  berth sim --load 1.3 --values iii --bound\n      # jobs like those of a real cluster\n"
          "  berth sim --trace philly.csv.gz --format philly --gpus 272\n      # a trace of yours\n"
          "  berth sim --trace events --format ledger --gpus 64\n"
          "      # what `berth events -f --json` wrote down, on 64 GPUs",
          "  berth sim --load 1.3 --values iii --bound\n      # 类似真实集群的作业\n"
          "  berth sim --trace philly.csv.gz --format philly --gpus 272\n      # 自己的轨迹文件\n"
          "  berth sim --trace events --format ledger --gpus 64\n"
          "      # `berth events -f --json` 记下的请求，放到 64 块 GPU 上"},
    Entry{"examples.version",
          "  berth version\n      # here and there\n"
          "  berth version --json\n      # for a script",
          "  berth version\n      # 本地与控制器\n"
          "  berth version --json\n      # 供脚本使用"},
    Entry{"examples.help",
          "  berth help run\n      # one verb\n"
          "  berth help exit-codes\n      # what exit codes mean",
          "  berth help run\n      # 某个命令\n"
          "  berth help exit-codes\n      # 退出码含义"},
    Entry{"examples.completion",
          "  source <(berth completion bash)\n      # for this shell\n"
          "  berth completion zsh > ~/.zfunc/_berth\n      # for zsh",
          "  source <(berth completion bash)\n      # 用于当前 shell\n"
          "  berth completion zsh > ~/.zfunc/_berth\n      # 用于 zsh"},
};

}  // namespace

std::span<const Entry> examples() { return kExamples; }

}  // namespace cli::text
