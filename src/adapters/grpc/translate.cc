#include "adapters/grpc/translate.h"

#include <array>
#include <utility>

#include "base/json.h"
#include "contracts/agent.pb.h"

namespace adapters::grpc {
namespace {

using base::ErrorCode;
using base::Result;

template <class Ours, class Wire>
struct Pair {
  Ours ours;
  Wire wire;
};

constexpr auto kPhases = std::to_array<Pair<ports::RankPhase, wire::RankPhase>>({
    {ports::RankPhase::starting, wire::RANK_PHASE_STARTING},
    {ports::RankPhase::running, wire::RANK_PHASE_RUNNING},
    {ports::RankPhase::stopping, wire::RANK_PHASE_STOPPING},
    {ports::RankPhase::ended, wire::RANK_PHASE_ENDED},
});

constexpr auto kCauses = std::to_array<Pair<domain::ExitCause, wire::ExitCause>>({
    {domain::ExitCause::success, wire::EXIT_CAUSE_SUCCESS},
    {domain::ExitCause::failed, wire::EXIT_CAUSE_FAILED},
    {domain::ExitCause::crashed, wire::EXIT_CAUSE_CRASHED},
    {domain::ExitCause::out_of_memory, wire::EXIT_CAUSE_OUT_OF_MEMORY},
    {domain::ExitCause::port_in_use, wire::EXIT_CAUSE_PORT_IN_USE},
    {domain::ExitCause::disk_full, wire::EXIT_CAUSE_DISK_FULL},
    {domain::ExitCause::gpu_fault, wire::EXIT_CAUSE_GPU_FAULT},
    {domain::ExitCause::cannot_start, wire::EXIT_CAUSE_CANNOT_START},
    {domain::ExitCause::stopped, wire::EXIT_CAUSE_STOPPED},
    {domain::ExitCause::shim_lost, wire::EXIT_CAUSE_SHIM_LOST},
    {domain::ExitCause::node_lost, wire::EXIT_CAUSE_NODE_LOST},
});

constexpr auto kFrameworks = std::to_array<Pair<domain::Framework, wire::Framework>>({
    {domain::Framework::plain, wire::FRAMEWORK_PLAIN},
    {domain::Framework::pytorch, wire::FRAMEWORK_PYTORCH},
});

template <class Table, class Ours>
auto to_wire(const Table& table, Ours ours) {
  for (const auto& pair : table) {
    if (pair.ours == ours) return pair.wire;
  }
  return table[0].wire;  // Every value is in its table: translate_test.cc goes through them.
}

template <class Table, class Wire, class Ours>
bool from_wire(const Table& table, Wire from, Ours& to) {
  for (const auto& pair : table) {
    if (pair.wire != from) continue;
    to = pair.ours;
    return true;
  }
  return false;
}

template <class Strings>
std::vector<std::string> strings(const Strings& from) {
  return {from.begin(), from.end()};
}

ports::RankKey decode(const wire::RankKey& from) {
  return {.job = {from.job()}, .attempt = from.attempt(), .rank = from.rank()};
}

void encode(const ports::RankKey& key, wire::RankKey& to) {
  to.set_job(key.job.value);
  to.set_attempt(key.attempt);
  to.set_rank(key.rank);
}

void encode(const ports::ObservedRank& rank, wire::ObservedRank& to) {
  encode(rank.key, *to.mutable_key());
  to.set_phase(to_wire(kPhases, rank.phase));
  to.set_started_ms(rank.started.ms);
  to.set_checkpoint(base::valid_utf8(rank.checkpoint));
  to.set_checkpoint_step(rank.checkpoint_step);
  if (rank.log_bytes) to.set_log_bytes(*rank.log_bytes);
  if (!rank.end) return;
  wire::RankEnd& end = *to.mutable_end();
  end.set_exit_code(rank.end->exit_code);
  end.set_signal(rank.end->signal);
  end.set_cause(to_wire(kCauses, rank.end->cause));
  end.set_detail(base::valid_utf8(rank.end->detail));
  end.set_at_ms(rank.end->at.ms);
}

Result<ports::ObservedRank> decode(const wire::ObservedRank& from) {
  ports::ObservedRank rank{.key = decode(from.key()),
                           .started = {from.started_ms()},
                           .end = std::nullopt,
                           .checkpoint = from.checkpoint(),
                           .checkpoint_step = from.checkpoint_step(),
                           .log_bytes = std::nullopt};
  if (from.has_log_bytes()) rank.log_bytes = from.log_bytes();
  if (!from_wire(kPhases, from.phase(), rank.phase)) {
    return base::invalid("report.ranks.phase", "unknown phase {}", int{from.phase()});
  }
  if ((rank.phase == ports::RankPhase::ended) != from.has_end()) {
    return base::invalid("report.ranks.end", "an end belongs to the phase 'ended' alone");
  }
  if (!from.has_end()) return rank;
  const wire::RankEnd& end = from.end();
  rank.end = {.exit_code = end.exit_code(),
              .signal = end.signal(),
              .detail = end.detail(),
              .at = {end.at_ms()}};
  if (!from_wire(kCauses, end.cause(), rank.end->cause)) {
    return base::invalid("report.ranks.end.cause", "unknown cause {}", int{end.cause()});
  }
  return rank;
}

void encode(const ports::NodeSample& sample, wire::NodeSample& to) {
  to.set_at_ms(sample.at.ms);
  to.set_cpu_permille(sample.cpu_permille);
  to.set_memory_used_bytes(sample.memory_used_bytes);
  to.set_disk_read_bytes(sample.disk_read_bytes);
  to.set_disk_write_bytes(sample.disk_write_bytes);
  to.set_net_receive_bytes(sample.net_receive_bytes);
  to.set_net_send_bytes(sample.net_send_bytes);
  to.set_disk_free_bytes(sample.disk_free_bytes);
  to.mutable_gpu_permille()->Add(sample.gpu_permille.begin(), sample.gpu_permille.end());
  to.mutable_gpu_memory_bytes()->Add(sample.gpu_memory_bytes.begin(),
                                     sample.gpu_memory_bytes.end());
}

ports::NodeSample decode(const wire::NodeSample& from) {
  return {.at = {from.at_ms()},
          .cpu_permille = from.cpu_permille(),
          .memory_used_bytes = from.memory_used_bytes(),
          .disk_read_bytes = from.disk_read_bytes(),
          .disk_write_bytes = from.disk_write_bytes(),
          .net_receive_bytes = from.net_receive_bytes(),
          .net_send_bytes = from.net_send_bytes(),
          .disk_free_bytes = from.disk_free_bytes(),
          .gpu_permille = {from.gpu_permille().begin(), from.gpu_permille().end()},
          .gpu_memory_bytes = {from.gpu_memory_bytes().begin(), from.gpu_memory_bytes().end()}};
}

void encode(const domain::Program& program, wire::Program& to) {
  to.mutable_command()->Add(program.command.begin(), program.command.end());
  to.set_workdir(program.workdir);
  for (const auto& [name, value] : program.env) (*to.mutable_env())[name] = value;
  to.set_conda(program.environment.conda);
  to.set_venv(program.environment.venv);
  to.set_framework(to_wire(kFrameworks, program.framework));
  to.set_max_retries(program.max_retries);
  to.set_grace_ms(program.grace.ms);
  to.mutable_outputs()->Add(program.outputs.begin(), program.outputs.end());
}

Result<domain::Program> decode(const wire::Program& from) {
  domain::Program program{
      .command = strings(from.command()),
      .workdir = from.workdir(),
      .env = {from.env().begin(), from.env().end()},
      .environment = {.conda = from.conda(), .venv = from.venv()},
      .max_retries = from.max_retries(),
      .grace = {from.grace_ms()},
      .outputs = strings(from.outputs()),
  };
  if (!from_wire(kFrameworks, from.framework(), program.framework)) {
    return base::invalid("wanted.ranks.program.framework", "unknown framework {}",
                         int{from.framework()});
  }
  return program;
}

void encode(const ports::RankOrder& order, wire::RankOrder& to) {
  encode(order.key, *to.mutable_key());
  to.set_stop(order.stop);
  to.set_grace_ms(order.grace.ms);
  to.set_stop_reason(base::valid_utf8(order.stop_reason));
  encode(order.program, *to.mutable_program());
  to.mutable_per_rank()->set_gpus(order.per_rank.gpus);
  to.mutable_per_rank()->set_cpu_millis(order.per_rank.cpu_millis);
  to.mutable_per_rank()->set_memory_bytes(order.per_rank.memory_bytes);
  to.mutable_gpu_uuids()->Add(order.gpu_uuids.begin(), order.gpu_uuids.end());
  to.set_job_name(base::valid_utf8(order.job_name));
  to.set_user(order.user);
  to.set_team(order.team);
  to.set_world(order.world);
  to.set_local_rank(order.local_rank);
  to.set_local_world(order.local_world);
  to.set_node_rank(order.node_rank);
  to.mutable_node_addresses()->Add(order.node_addresses.begin(), order.node_addresses.end());
  to.set_master_port(order.master_port);
  to.set_finish_ms(order.finish.ms);
  to.set_resume_from(order.resume_from);
  to.set_mtbf_ms(order.mtbf.ms);
}

Result<ports::RankOrder> decode(const wire::RankOrder& from) {
  auto program = decode(from.program());
  if (!program) return base::pass(program);
  return ports::RankOrder{
      .key = decode(from.key()),
      .stop = from.stop(),
      .grace = {from.grace_ms()},
      .stop_reason = from.stop_reason(),
      .program = *std::move(program),
      .per_rank = {.gpus = from.per_rank().gpus(),
                   .cpu_millis = from.per_rank().cpu_millis(),
                   .memory_bytes = from.per_rank().memory_bytes()},
      .gpu_uuids = strings(from.gpu_uuids()),
      .job_name = from.job_name(),
      .user = from.user(),
      .team = from.team(),
      .world = from.world(),
      .local_rank = from.local_rank(),
      .local_world = from.local_world(),
      .node_rank = from.node_rank(),
      .node_addresses = strings(from.node_addresses()),
      .master_port = from.master_port(),
      .finish = {from.finish_ms()},
      .resume_from = from.resume_from(),
      .mtbf = {from.mtbf_ms()},
  };
}

Result<ports::FromAgent> decode(const wire::Report& from) {
  ports::Report report{.sequence = from.sequence(), .ranks = {}, .sample = std::nullopt};
  for (const wire::ObservedRank& each : from.ranks()) {
    auto rank = decode(each);
    if (!rank) return base::pass(rank);
    report.ranks.push_back(*std::move(rank));
  }
  if (from.has_sample()) report.sample = decode(from.sample());
  return report;
}

Result<ports::ToAgent> decode(const wire::Wanted& from) {
  ports::Wanted wanted;
  for (const wire::RankOrder& each : from.ranks()) {
    auto order = decode(each);
    if (!order) return base::pass(order);
    wanted.ranks.push_back(*std::move(order));
  }
  return wanted;
}

}  // namespace

void encode(const domain::Inventory& inventory, wire::Inventory& to) {
  to.set_address(inventory.address);
  to.set_boot_id(inventory.boot_id);
  to.set_pool(inventory.pool);
  to.set_cpu_millis(inventory.cpu_millis);
  to.set_memory_bytes(inventory.memory_bytes);
  for (const domain::Gpu& gpu : inventory.gpus) {
    wire::Gpu& each = *to.add_gpus();
    each.set_uuid(gpu.uuid);
    each.set_model(base::valid_utf8(gpu.model));
    each.set_memory_bytes(gpu.memory_bytes);
    each.set_driver(gpu.driver);
    each.set_compute_capability(gpu.compute_capability);
    each.set_enabled(gpu.enabled);
    each.set_health(base::valid_utf8(gpu.health));
  }
  to.set_simulated(inventory.simulated);
  to.set_version(inventory.version);
}

domain::Inventory decode(const wire::Inventory& from) {
  domain::Inventory inventory{.address = from.address(),
                              .boot_id = from.boot_id(),
                              .pool = from.pool(),
                              .cpu_millis = from.cpu_millis(),
                              .memory_bytes = from.memory_bytes(),
                              .gpus = {},
                              .simulated = from.simulated(),
                              .version = from.version()};
  for (const wire::Gpu& gpu : from.gpus()) {
    inventory.gpus.push_back({.uuid = gpu.uuid(),
                              .model = gpu.model(),
                              .memory_bytes = gpu.memory_bytes(),
                              .driver = gpu.driver(),
                              .compute_capability = gpu.compute_capability(),
                              .enabled = gpu.enabled(),
                              .health = gpu.health()});
  }
  return inventory;
}

void encode(ports::FromAgent message, wire::FromAgent& to) {
  std::visit(base::Overload{
                 [&](const ports::Hello& hello) {
                   to.mutable_hello()->set_node(hello.node.value);
                   encode(hello.inventory, *to.mutable_hello()->mutable_inventory());
                 },
                 [&](const ports::Report& report) {
                   wire::Report& out = *to.mutable_report();
                   out.set_sequence(report.sequence);
                   for (const ports::ObservedRank& rank : report.ranks)
                     encode(rank, *out.add_ranks());
                   if (report.sample) encode(*report.sample, *out.mutable_sample());
                 },
                 [&](ports::FileChunk& chunk) {
                   wire::FileChunk& out = *to.mutable_file_chunk();
                   out.set_job(chunk.job.value);
                   out.set_path(base::valid_utf8(chunk.path));
                   out.set_offset(chunk.offset);
                   out.set_bytes(std::move(chunk.bytes));
                   out.set_replace(chunk.replace);
                 },
             },
             message);
}

void encode(const ports::ToAgent& message, wire::ToAgent& to) {
  std::visit(base::Overload{
                 [&](const ports::Welcome& welcome) {
                   to.mutable_welcome()->set_lease_ms(welcome.lease.ms);
                 },
                 [&](const ports::ReportSeen& seen) {
                   to.mutable_report_seen()->set_sequence(seen.sequence);
                 },
                 [&](const ports::Wanted& wanted) {
                   wire::Wanted& out = *to.mutable_wanted();
                   for (const ports::RankOrder& order : wanted.ranks) {
                     encode(order, *out.add_ranks());
                   }
                 },
                 [&](const ports::FileKept& kept) {
                   wire::FileKept& out = *to.mutable_file_kept();
                   out.set_job(kept.job.value);
                   out.set_path(kept.path);
                   out.set_size(kept.size);
                 },
                 [&](const ports::Rejected& rejected) {
                   to.mutable_rejected()->set_reason(base::valid_utf8(rejected.reason));
                 },
             },
             message);
}

Result<ports::FromAgent> decode(wire::FromAgent& message) {
  switch (message.message_case()) {
    case wire::FromAgent::kHello:
      return ports::Hello{{message.hello().node()}, decode(message.hello().inventory())};
    case wire::FromAgent::kReport:
      return decode(message.report());
    case wire::FromAgent::kFileChunk: {
      wire::FileChunk& chunk = *message.mutable_file_chunk();
      return ports::FileChunk{.job = {chunk.job()},
                              .path = chunk.path(),
                              .offset = chunk.offset(),
                              .bytes = std::move(*chunk.mutable_bytes()),
                              .replace = chunk.replace()};
    }
    case wire::FromAgent::MESSAGE_NOT_SET:
      break;
  }
  return base::fail(ErrorCode::invalid_argument, "an agent sent a message of an unknown kind");
}

Result<ports::ToAgent> decode(wire::ToAgent& message) {
  switch (message.message_case()) {
    case wire::ToAgent::kWelcome:
      return ports::Welcome{{message.welcome().lease_ms()}};
    case wire::ToAgent::kReportSeen:
      return ports::ReportSeen{message.report_seen().sequence()};
    case wire::ToAgent::kWanted:
      return decode(message.wanted());
    case wire::ToAgent::kFileKept:
      return ports::FileKept{
          {message.file_kept().job()}, message.file_kept().path(), message.file_kept().size()};
    case wire::ToAgent::kRejected:
      return ports::Rejected{message.rejected().reason()};
    case wire::ToAgent::MESSAGE_NOT_SET:
      break;
  }
  return base::fail(ErrorCode::invalid_argument, "a controller sent a message of an unknown kind");
}

Result<ports::FromAgent> decode_from_agent(std::string_view bytes) {
  wire::FromAgent message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return base::fail(ErrorCode::invalid_argument, "an agent sent bytes that are no message");
  }
  return decode(message);
}

}  // namespace adapters::grpc
