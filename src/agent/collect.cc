#include "agent/collect.h"

#include <utility>

#include "agent/glob.h"
#include "agent/layout.h"
#include "base/json.h"

namespace agent {

using ports::RankKey;
using ports::RankRecord;

void Collector::add(const RankKey& key, ShippedFile file) {
  if (shipper_.knows(file.name)) return;
  shipper_.add(file);
  names_[key].push_back(std::move(file.name));
}

void Collector::begin(const RankKey& key, bool ask) {
  const RankPlace place = place_of(data_dir_, key);
  const std::string name = kept_name(key);
  const std::pair<const char*, const std::string&> growing[] = {
      {".log", place.log}, {".metrics.jsonl", place.metrics}, {".samples.jsonl", place.samples}};
  for (const auto& [ending, source] : growing) {
    add(key, {.name = {key.job, name + ending}, .source = source, .ask = ask});
  }
}

void Collector::finish(const RankRecord& record, bool ask) {
  begin(record.key, ask);
  for (const FileName& name : names_[record.key]) shipper_.finish(name);
  add_outputs(record, ask);
  for (const std::string& pattern : record.outputs) add_matches(record, pattern, ask);
}

void Collector::add_outputs(const RankRecord& record, bool ask) {
  const std::string folder = place_of(data_dir_, record.key).output;
  const auto entries = files_.list(folder, {});
  if (!entries) return;
  for (const ports::FileEntry& entry : *entries) {
    const std::string path = kept_outputs(record.key) + "/" + base::valid_utf8(entry.path);
    add(record.key, {.name = {record.key.job, path},
                     .source = folder + "/" + entry.path,
                     .final = true,
                     .even_empty = true,
                     .ask = ask});
  }
}

void Collector::add_matches(const RankRecord& record, const std::string& pattern, bool ask) {
  const Glob glob = parse_glob(pattern);
  if (glob.pattern.empty()) return;
  const std::string prefix = glob.folder.empty() ? "" : glob.folder + "/";
  const auto entries =
      files_.list(record.workdir + "/" + glob.folder, {.depth = glob.depth, .files = 100'000});
  if (!entries) return;
  for (const ports::FileEntry& entry : *entries) {
    const std::string path = prefix + entry.path;
    if (!matches(glob.pattern, path)) continue;
    add(record.key,
        {.name = {record.key.job, kept_outputs(record.key) + "/" + base::valid_utf8(path)},
         .source = record.workdir + "/" + path,
         .final = true,
         .even_empty = true,
         .ask = ask});
  }
}

bool Collector::is_kept(const RankKey& key) const {
  const auto at = names_.find(key);
  if (at == names_.end()) return true;
  for (const FileName& name : at->second) {
    if (!shipper_.is_kept(name)) return false;
  }
  return true;
}

void Collector::forget(const RankKey& key) {
  const auto at = names_.find(key);
  if (at == names_.end()) return;
  for (const FileName& name : at->second) shipper_.forget(name);
  names_.erase(at);
}

}  // namespace agent
