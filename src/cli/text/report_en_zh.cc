#include <array>

#include "cli/text/catalog.h"

namespace cli::text {
namespace {

constexpr std::array kReports{
    Entry{"report.title", "{0}, from {1} to {2}.", "{0}，{1} 至 {2}。"},
    Entry{"report.everybody", "The whole cluster", "整个集群"},
    Entry{"report.of_team", "Team {0}", "团队 {0}"},
    Entry{"report.all", "all", "全部"},

    Entry{"cause.success", "success", "成功"},
    Entry{"cause.failed", "failed", "失败"},
    Entry{"cause.crashed", "crashed", "崩溃"},
    Entry{"cause.out_of_memory", "out_of_memory", "内存不足"},
    Entry{"cause.port_in_use", "port_in_use", "端口被占用"},
    Entry{"cause.disk_full", "disk_full", "磁盘已满"},
    Entry{"cause.gpu_fault", "gpu_fault", "GPU 故障"},
    Entry{"cause.cannot_start", "cannot_start", "无法启动"},
    Entry{"cause.stopped", "stopped", "被停止"},
    Entry{"cause.shim_lost", "shim_lost", "看护进程丢失"},
    Entry{"cause.node_lost", "node_lost", "节点丢失"},

    Entry{"report.time_to_start", "TIME TO START", "启动耗时"},
    Entry{"report.phase", "PHASE", "阶段"},
    Entry{"report.starts", "STARTS", "启动数"},
    Entry{"report.mean", "MEAN", "平均"},
    Entry{"report.longest", "LONGEST", "最长"},
    Entry{"report.waiting", "waiting", "等待"},
    Entry{"report.starting", "starting", "启动"},
    Entry{"report.total", "total", "合计"},
    Entry{"report.no_starts", "No job started.", "没有作业启动。"},

    Entry{"report.accepted", "ACCEPTED", "已接受"},
    Entry{"report.refused", "REFUSED", "已拒绝"},
    Entry{"report.first_try", "1ST TRY", "首次启动"},
    Entry{"report.second_try", "2ND TRY", "再次启动"},
    Entry{"report.ended", "ENDED", "已结束"},
    Entry{"report.succeeded", "SUCCEEDED", "成功"},
    Entry{"report.gpu_hours", "GPU-HOURS", "GPU 小时"},
    Entry{"report.not_succeeded", "NOT SUCCEEDED", "未成功"},
    Entry{"report.jobs", "JOBS", "作业数"},
    Entry{"report.never_started", "never started", "从未启动"},

    Entry{"report.hours_of", "HOURS OF", "小时数"},
    Entry{"report.memory_gib", "MEMORY GIB", "内存 GiB"},
    Entry{"report.used", "used", "已用"},
    Entry{"report.idle", "idle", "空闲"},
    Entry{"report.capacity", "capacity", "容量"},
    Entry{"report.promised", "promised", "已承诺"},

    Entry{"report.utilisation", "{0} of the machines was given out. Least used first:",
          "机器分配利用率为 {0}。利用率低者在前："},
    Entry{"report.measured",
          "Programs made use of {0} of the machines ({1} of {2} hours of ranks were sampled).",
          "程序实际利用率为 {0}（rank 共 {2} 小时，其中 {1} 小时有采样）。"},
    Entry{"report.by_samples", "MEASURED", "实测"},
    Entry{"report.present", "PRESENT", "在线"},
    Entry{"report.in_use", "IN USE", "利用率"},
    Entry{"report.more_machines", "And {0} more machines; --json has them all.",
          "另有 {0} 台机器；--json 列出全部。"},

    Entry{"report.money", "Paid {0} credits, given back {1}, penalties {2}.",
          "已付 {0} 点，退还 {1} 点，赔付 {2} 点。"},
    Entry{"report.unit_cost", "A GPU-hour cost {0} credits; one of a job that succeeded, {1}.",
          "每 GPU 小时 {0} 点；按成功作业计，每 GPU 小时 {1} 点。"},
    Entry{"report.promises",
          "Promises: {0} kept on time, {1} done late, {2} broken, {3} not needed.",
          "承诺：{0} 个按时兑现，{1} 个超时完成，{2} 个违约，{3} 个未用到。"},

    Entry{"report.replaying", "replaying {0} {1}%", "重放 {0} {1}%"},
    Entry{"report.replayed",
          "Replayed, not measured: the same {0} bids on {1} GPUs, in slots of {2} s.",
          "以下为重放模拟，并非实测：相同的 {0} 个请求，{1} 块 GPU，{2} 秒时间片。"},
    Entry{"report.left_out", "Bids left out, without GPUs or with more than there are: {0}.",
          "未计入：{0} 个请求不需要 GPU，或所需超过总数。"},
    Entry{"report.nothing_to_replay", "There is nothing to replay: no bid for GPUs that fits.",
          "没有可重放的请求：没有能放下的 GPU 请求。"},
    Entry{"report.with_or_without", "PRICES", "价格"},
    Entry{"report.with", "with", "有"},
    Entry{"report.without", "without", "无"},
    Entry{"report.value_on_time", "VALUE", "价值"},
    Entry{"report.mean_wait", "WAIT", "等待"},
    Entry{"report.started", "STARTED", "已启动"},
    Entry{"report.cost", "COST", "成本"},
    Entry{"report.paid", "PAID", "支付"},
    Entry{"report.what_it_costs",
          "Value: of all that was asked for, what was done on time. Wait: the mean. Cost: "
          "GPU-hours of the cluster, idle or not, for each of a job done on time. Paid: credits "
          "for a GPU-hour used.",
          "价值：按时完成部分占全部请求价值的比例。等待：平均值。成本：按时完成作业的每 GPU "
          "小时占用集群多少 GPU 小时（含空闲）。支付：每个已用 GPU 小时的点数。"},
};

}  // namespace

std::span<const Entry> reports() { return kReports; }

}  // namespace cli::text
