#include "sim/checkpoint_store.h"

#include <fmt/format.h>

#include "agent/manifest.h"

namespace sim {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMostBytes = 1 << 20;

/// Enough of a sum to tell bytes of a simulated world apart.
std::string sum_of(std::string_view bytes) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return fmt::format("{:064x}", hash);
}

}  // namespace

std::vector<WrittenFile> checkpoint_files(const std::string& folder, std::int64_t step,
                                          std::int64_t job, bool manifest_first) {
  std::vector<WrittenFile> written;
  std::string listed;
  for (const char* name : {"model.bin", "optimizer.bin"}) {
    const std::string bytes = fmt::format("{} of job {} after {}\n", name, job, step);
    listed += fmt::format(R"({}"{}":{{"bytes":{},"sha256":"{}"}})", listed.empty() ? "" : ",", name,
                          bytes.size(), sum_of(bytes));
    written.push_back({folder + "/" + name, bytes});
  }
  const WrittenFile manifest{
      folder + "/" + agent::kManifest,
      fmt::format(R"({{"version":1,"step":{},"pieces":1,"files":{{{}}}}})", step, listed)};
  written.insert(manifest_first ? written.begin() : written.end(), manifest);
  return written;
}

std::string flaw_of(ports::RankFiles& files, const std::string& folder) {
  const auto text = files.read(folder + "/" + agent::kManifest, 0, kMostBytes);
  if (!text) return folder + " has no manifest";
  const auto manifest = agent::decode_manifest(*text);
  if (!manifest) return folder + ": " + manifest.error().message;
  for (const auto& [name, known] : manifest->files) {
    const auto bytes = files.read(folder + "/" + name, 0, kMostBytes);
    const bool is_whole = bytes && bytes->size() == known.bytes && sum_of(*bytes) == known.sha256;
    if (!is_whole) return fmt::format("{}/{} is not what was written", folder, name);
  }
  return {};
}

void CheckpointStore::ensure(domain::JobId job, const std::string& name,
                             const std::string& folder) {
  later_([this, job, name, folder] {
    auto whole = bring(job, name, folder + "/" + name);
    if (on_ready_) on_ready_(job, name, std::move(whole));
  });
}

Result<> CheckpointStore::bring(domain::JobId job, const std::string& name,
                                const std::string& folder) {
  if (flaw_of(files_, folder).empty()) return {};
  if (auto gone = files_.remove(folder); !gone) return gone;
  const std::string kept = "checkpoints/" + name + "/";
  const std::string manifest = std::string("/") + agent::kManifest;
  if (auto done = fetch(job, kept + agent::kManifest, folder + manifest); !done) return done;
  const auto known = agent::decode_manifest(*files_.read(folder + manifest, 0, kMostBytes));
  if (!known) return std::unexpected(known.error());
  for (const auto& [path, file] : known->files) {
    if (auto done = fetch(job, kept + path, folder + "/" + path); !done) return done;
  }
  const std::string flaw = flaw_of(files_, folder);
  if (flaw.empty()) return {};
  return base::fail(ErrorCode::data_loss, "{}", flaw);
}

Result<> CheckpointStore::fetch(domain::JobId job, const std::string& from, const std::string& to) {
  std::string all;
  auto fetched = link_.fetch(job, from, [&](std::string_view bytes) -> Result<> {
    all += bytes;
    return {};
  });
  if (!fetched) return fetched;
  return files_.replace(to, all);
}

}  // namespace sim
