#include "agent/folders.h"

#include <fmt/format.h>

#include <utility>

namespace agent {

using ports::RankKey;

namespace {
/// More than start between two ends.
constexpr std::size_t kMostSpare = 16;
}  // namespace

void RankFolders::keep_only(const std::set<RankKey>& known) {
  std::set<std::string> kept;
  for (const RankKey& key : known) kept.insert(place_of(data_dir_, key).folder);
  const auto names = files_.folders(ranks_folder(data_dir_));
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string folder = ranks_folder(data_dir_) + "/" + name;
    if (!kept.contains(folder)) (void)files_.remove(folder);
  }
}

base::Result<> RankFolders::make(const RankKey& key) {
  const RankPlace place = place_of(data_dir_, key);
  if (reuse(place.folder)) return {};
  if (auto made = files_.make_folder(place.output); !made) return made;
  return files_.make_folder(place.work);
}

bool RankFolders::reuse(const std::string& folder) {
  if (spare_.empty()) return false;
  const std::string spare = std::move(spare_.back());
  spare_.pop_back();
  if (files_.rename(spare, folder)) return true;
  (void)files_.remove(spare);
  return false;
}

void RankFolders::remove(const RankKey& key) {
  const std::string folder = place_of(data_dir_, key).folder;
  if (spare_.size() < kMostSpare &&
      files_.empty_folder(folder, {kOutputName, kWorkName}, kLogName)) {
    std::string spare = fmt::format("{}/spare-{}", ranks_folder(data_dir_), emptied_);
    ++emptied_;
    if (files_.rename(folder, spare)) return spare_.push_back(std::move(spare));
  }
  (void)files_.remove(folder);
}

}  // namespace agent
