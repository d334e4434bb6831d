#include "agent/checkpoints.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "agent/layout.h"

namespace agent {

using domain::JobId;

namespace {

constexpr std::size_t kMostManifestBytes = 64 * 1024 * 1024;
/// How many of a job's checkpoints are worth looking at.
constexpr std::size_t kNewest = 2;

FileName kept_file(JobId job, const std::string& path) { return {job, "checkpoints/" + path}; }

/// Names of checkpoints, without the pieces of other ranks, newest first.
std::vector<std::string> newest_first(std::vector<std::string> names) {
  std::erase_if(names, [](const std::string& name) {
    const auto parsed = parse_checkpoint_name(name);
    return !parsed || parsed->piece != 0;
  });
  std::ranges::sort(names, std::greater{},
                    [](const std::string& name) { return parse_checkpoint_name(name)->step; });
  return names;
}

}  // namespace

bool JobCheckpoints::look(JobId job) {
  Job& state = jobs_[job];
  const KeptCheckpoint before = state.newest;
  if (state.under_way) watch(job, state);
  if (state.under_way) return state.newest != before;
  state.is_idle = true;
  const auto names = files_.folders(checkpoint_folder(data_dir_, job));
  if (!names) return state.newest != before;
  std::optional<Found> unsent;
  std::size_t looked_at = 0;
  for (const std::string& name : newest_first(*names)) {
    if (looked_at++ == kNewest) break;
    auto found = find(job, name);
    if (!found) continue;
    if (is_noted(job, *found)) {
      state.newest = found->what;
      break;
    }
    if (!unsent) unsent = std::move(found);
  }
  if (unsent) begin(job, state, *std::move(unsent));
  return state.newest != before;
}

std::optional<JobCheckpoints::Found> JobCheckpoints::find(JobId job,
                                                          const std::string& name) const {
  const std::string folder = checkpoint_folder(data_dir_, job);
  Found found{.what = {name, parse_checkpoint_name(name)->step}, .manifests = {}, .files = {}};
  const auto text = files_.read(folder + "/" + name + "/" + kManifest, 0, kMostManifestBytes);
  if (!text) return std::nullopt;
  const auto manifest = decode_manifest(*text);
  if (!manifest) return std::nullopt;
  for (std::int32_t piece = 0; piece < manifest->pieces; ++piece) {
    if (!add_piece(folder, piece_name(name, piece), found)) return std::nullopt;
  }
  return found;
}

bool JobCheckpoints::add_piece(const std::string& folder, const std::string& name,
                               Found& found) const {
  const std::string path = folder + "/" + name + "/";
  const auto text = files_.read(path + kManifest, 0, kMostManifestBytes);
  if (!text) return false;
  const auto manifest = decode_manifest(*text);
  if (!manifest) return false;
  for (const auto& [file, known] : manifest->files) {
    const auto size = files_.size(path + file);
    if (!size || *size != known.bytes) return false;
    found.files.emplace_back(name + "/" + file, path + file);
  }
  found.files.emplace_back(name + "/" + kManifest, path + kManifest);
  found.manifests += *text;
  return true;
}

bool JobCheckpoints::is_noted(JobId job, const Found& found) const {
  const std::string path = kept_checkpoints_folder(data_dir_, job) + "/" + found.what.name;
  const auto noted = files_.read(path, 0, kMostManifestBytes);
  return noted && *noted == found.manifests;
}

void JobCheckpoints::note(JobId job, const Found& found) {
  const std::string folder = kept_checkpoints_folder(data_dir_, job);
  // Without the note a later agent sends the checkpoint again, which costs time and nothing else.
  if (!files_.make_folder(folder)) return;
  (void)files_.replace(folder + "/" + found.what.name, found.manifests);
  const auto notes = files_.list(folder, {.depth = 1});
  if (!notes) return;
  const std::string checkpoints = checkpoint_folder(data_dir_, job) + "/";
  for (const ports::FileEntry& entry : *notes) {
    if (!files_.exists(checkpoints + entry.path)) (void)files_.remove(folder + "/" + entry.path);
  }
}

void JobCheckpoints::begin(JobId job, Job& state, Found found) {
  state.is_idle = false;
  for (const auto& [name, source] : found.files) {
    shipper_.add({.name = kept_file(job, name),
                  .source = source,
                  .final = true,
                  .even_empty = true,
                  .replace = true});
  }
  state.under_way = std::move(found);
}

void JobCheckpoints::watch(JobId job, Job& state) {
  const Found& found = *state.under_way;
  const auto names = found.files | std::views::keys |
                     std::views::transform([&](const auto& name) { return kept_file(job, name); });
  const bool is_broken =
      std::ranges::any_of(names, [&](const FileName& name) { return shipper_.is_broken(name); });
  const bool is_done =
      std::ranges::all_of(names, [&](const FileName& name) { return shipper_.is_kept(name); });
  if (!is_broken && !is_done) return;
  // A program that writes them quickly has removed this one by now; if it is there, it must not
  // have been written anew.
  const auto now = find(job, found.what.name);
  const bool is_gone = !files_.exists(checkpoint_folder(data_dir_, job) + "/" + found.what.name);
  const bool is_same = is_gone || (now && now->manifests == found.manifests);
  if (!is_broken && is_same) {
    note(job, found);
    state.newest = found.what;
  }
  drop(job, state);
}

void JobCheckpoints::drop(JobId job, Job& state) {
  for (const auto& [name, source] : state.under_way->files) {
    shipper_.forget(kept_file(job, name));
  }
  state.under_way.reset();
}

KeptCheckpoint JobCheckpoints::newest(JobId job) const {
  const auto at = jobs_.find(job);
  return at == jobs_.end() ? KeptCheckpoint{} : at->second.newest;
}

bool JobCheckpoints::is_idle(JobId job) const {
  const auto at = jobs_.find(job);
  return at == jobs_.end() || (at->second.is_idle && !at->second.under_way);
}

void JobCheckpoints::note_kept(JobId job, const std::string& name) {
  if (!parse_checkpoint_name(name)) return;
  const auto found = find(job, name);
  if (!found) return;
  note(job, *found);
  jobs_[job].newest = found->what;
}

void JobCheckpoints::forget(JobId job) {
  const auto at = jobs_.find(job);
  if (at == jobs_.end()) return;
  if (at->second.under_way) drop(job, at->second);
  jobs_.erase(at);
}

}  // namespace agent
