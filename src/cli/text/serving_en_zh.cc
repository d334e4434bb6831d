#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kServing{
    Entry{"serving.up", "Start a controller and an agent on this machine.",
          "在本机启动控制器和代理。"},
    Entry{"serving.controller", "Serve a cluster: take bids, plan, tell agents what to run.",
          "运行集群的控制器：接受出价、安排计划、指挥代理。"},
    Entry{"serving.agent", "Serve this machine as a node of a cluster.",
          "把本机作为一个节点加入集群。"},
    Entry{"serving.up.examples",
          "  berth up\n      # a cluster of this machine\n"
          "  berth up --simulated-gpus A100:8\n      # try it without GPUs\n"
          "  berth up --http 0.0.0.0:7070 --agents 0.0.0.0:7071 \\\n"
          "      --grpc 0.0.0.0:7072 --name head.lab\n"
          "      # and others may join: see `berth node token`",
          "  berth up\n      # 只有本机的集群\n"
          "  berth up --simulated-gpus A100:8\n      # 没有 GPU 时试用\n"
          "  berth up --http 0.0.0.0:7070 --agents 0.0.0.0:7071 \\\n"
          "      --grpc 0.0.0.0:7072 --name head.lab\n"
          "      # 其他机器也可加入：见 `berth node token`"},
    Entry{"serving.controller.examples",
          "  berth controller\n      # for this machine alone\n"
          "  berth controller --http 0.0.0.0:7070 --agents 0.0.0.0:7071 \\\n"
          "      --grpc 0.0.0.0:7072 --name head.lab\n      # for others too, with TLS",
          "  berth controller\n      # 只供本机使用\n"
          "  berth controller --http 0.0.0.0:7070 --agents 0.0.0.0:7071 \\\n"
          "      --grpc 0.0.0.0:7072 --name head.lab\n      # 也供其他机器使用，启用 TLS"},
    Entry{"serving.agent.examples",
          "  berth agent --controller head.lab:7071 --join-at head.lab:7072 \\\n"
          "      --join-token-file token.txt\n"
          "      # the first start; `berth node token` prints this line, with its token\n"
          "  berth agent --controller head.lab:7071\n      # later starts",
          "  berth agent --controller head.lab:7071 --join-at head.lab:7072 \\\n"
          "      --join-token-file token.txt\n"
          "      # 首次启动；`berth node token` 会给出这条命令及令牌\n"
          "  berth agent --controller head.lab:7071\n      # 以后启动"},
    Entry{"serving.option.data", "folder of everything that is kept", "保存全部数据的目录"},
    Entry{"serving.option.http",
          "HOST:PORT for people and programs; TLS on any address but loopback",
          "供用户和程序访问的 HOST:PORT；非本机回环地址一律使用 TLS"},
    Entry{"serving.option.agents", "HOST:PORT for agents; mutual TLS",
          "供代理连接的 HOST:PORT；双向 TLS"},
    Entry{"serving.option.grpc", "HOST:PORT for joining nodes and the scheduler service; TLS",
          "供节点加入和调度服务使用的 HOST:PORT；TLS"},
    Entry{"serving.option.name",
          "host name or address that others reach this machine by; may be repeated",
          "其他机器访问本机所用的主机名或地址；可重复"},
    Entry{"serving.option.cert", "certificate for --http (PEM)", "--http 使用的证书（PEM）"},
    Entry{"serving.option.key", "its key (PEM)", "证书的私钥（PEM）"},
    Entry{"serving.option.lease",
          "how long ranks outlive their agent's last word from the controller: 10s to 10m",
          "代理与控制器失联后进程最多保留多久：10s 到 10m"},
    Entry{"serving.option.controller", "HOST:PORT of the controller's port for agents",
          "控制器供代理连接的 HOST:PORT"},
    Entry{
        "serving.option.join_token_file",
        "file with the token of `berth node token`, - for standard input; needed once (also "
        "BERTH_JOIN_TOKEN)",
        "存放 `berth node token` 所给令牌的文件，- 表示标准输入；只需一次（或 BERTH_JOIN_TOKEN）"},
    Entry{"serving.option.join", "the token itself; the other ways do not show it to others",
          "令牌本身；其他方式不会让他人看到"},
    Entry{"serving.option.join_at", "HOST:PORT for joining", "加入集群所用的 HOST:PORT"},
    Entry{"serving.option.node", "name of the node (default: this machine's host name)",
          "节点名（默认：本机主机名）"},
    Entry{"serving.option.address", "where other nodes reach this one",
          "其他节点访问本机所用的地址"},
    Entry{"serving.option.pool", "pool (default: named after the GPU model)",
          "资源池（默认：以 GPU 型号命名）"},
    Entry{"serving.option.cores_offered", "cores to offer (default: all)",
          "提供的 CPU 核数（默认：全部）"},
    Entry{"serving.option.simulated", "MODEL:N declares GPUs that are not there, for trials",
          "MODEL:N 声明并不存在的 GPU，仅供试用"},
    Entry{"serving.option.time_scale",
          "for trials: the cluster's clock runs N times as fast, for good (1 to 1000)",
          "仅供试用：集群时钟以 N 倍速运行，此后不可更改（1 到 1000）"},
    Entry{"serving.option.node_provider",
          "absolute path of the program that switches nodes on and off: PATH resume|suspend NODE",
          "开关节点的程序的绝对路径，调用方式：PATH resume|suspend NODE"},
    Entry{"serving.time_scale",
          "A trial: the cluster's clock runs {0} times as fast as real ones; its times and hours "
          "are not real\n",
          "试用集群：集群时钟以真实时钟的 {0} 倍速运行，其时刻和时长并非真实\n"},
    Entry{"serving.is_up", "Berth is up at {0}\n", "Berth 已启动：{0}\n"},
    Entry{"serving.try",
          "In another terminal:\n  berth run -- hostname\n  berth nodes\n  berth --help\n",
          "在另一个终端中试试：\n  berth run -- hostname\n  berth nodes\n  berth --help\n"},
    Entry{"serving.controller_at",
          "controller of cluster {0} at {1}\nagents at {2}, joining at {3}\n",
          "集群 {0} 的控制器：{1}\n代理端口 {2}，加入端口 {3}\n"},
    Entry{"serving.first_admin", "The first admin is {0}; the token is in {1}/admin-token\n",
          "首个管理员是 {0}；令牌保存在 {1}/admin-token\n"},
    Entry{"serving.agent_of", "agent of node {0}\n", "节点 {0} 的代理\n"},
    Entry{"serving.removed",
          "node {0} was removed: nothing runs here any more. Start `berth up` again to have it "
          "back\n",
          "节点 {0} 已被移除，本机不再运行作业。重新启动 `berth up` 可使其恢复\n"},
    Entry{"serving.not_resumed", "node {0} could not be switched on: {1}\n",
          "节点 {0} 未能开机：{1}\n"},
    Entry{"serving.not_suspended", "node {0} could not be switched off: {1}\n",
          "节点 {0} 未能关机：{1}\n"},
    Entry{"serving.stopping", "stopping; jobs go on\n", "正在停止；作业继续运行\n"},
};

}  // namespace

std::span<const Entry> serving() { return kServing; }

}  // namespace cli::text
