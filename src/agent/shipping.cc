#include "agent/shipping.h"

#include <algorithm>
#include <utility>

namespace agent {

using domain::Time;

namespace {
/// After the controller kept nothing of what was sent, as on a full disk.
constexpr domain::Duration kRetry{1'000};
}  // namespace

void Shipper::add(const ShippedFile& what) {
  const auto [at, is_new] = files_of_.try_emplace(what.name);
  if (!is_new) return;
  File& file = at->second;
  file.what = what;
  file.must_ask = what.ask || what.replace;
  if (what.final) {
    take_size(file);
  } else {
    growing_.insert(what.name);
  }
  update_active(what.name, file);
}

void Shipper::finish(const FileName& name) {
  const auto at = files_of_.find(name);
  if (at == files_of_.end() || at->second.what.final) return;
  growing_.erase(name);
  at->second.what.final = true;
  take_size(at->second);
  update_active(name, at->second);
}

void Shipper::forget(const FileName& name) {
  const auto at = files_of_.find(name);
  if (at == files_of_.end()) return;
  under_way_ -= at->second.sent - at->second.kept;
  files_of_.erase(at);
  growing_.erase(name);
  active_.erase(name);
}

bool Shipper::is_done(const File& file) {
  if (file.broken) return true;
  if (!file.what.final || file.must_ask || file.kept < file.size) return false;
  return file.size > 0 || !file.what.even_empty || file.answered;
}

bool Shipper::is_kept(const FileName& name) const {
  const auto at = files_of_.find(name);
  return at != files_of_.end() && is_done(at->second);
}

bool Shipper::is_broken(const FileName& name) const {
  const auto at = files_of_.find(name);
  return at != files_of_.end() && at->second.broken;
}

void Shipper::take_size(File& file) {
  const auto size = files_.size(file.what.source);
  if (size) {
    file.size = std::max(file.sent, *size);
  } else if (file.what.even_empty || file.size > 0) {
    file.broken = true;  // It was there and is not any more.
  }
  // A question about a file that never came to be, such as metrics that nobody wrote, is idle.
  if (file.what.final && file.size == 0 && !file.what.even_empty) file.must_ask = false;
}

void Shipper::update_active(const FileName& name, const File& file) {
  const bool has_work = !file.broken && (file.sent < file.size || file.kept < file.sent ||
                                         (file.what.final && !is_done(file)));
  if (has_work) {
    active_.insert(name);
  } else {
    active_.erase(name);
  }
}

void Shipper::on_connected() {
  on_disconnected();
  connected_ = true;
}

void Shipper::on_disconnected() {
  connected_ = false;
  for (auto& [name, file] : files_of_) {
    move_back(file, file.kept);
    file.asked = false;
    file.retry_at = {};
  }
}

void Shipper::move_back(File& file, std::uint64_t to) {
  under_way_ -= file.sent - file.kept;
  file.kept = to;
  file.sent = to;
}

void Shipper::on_kept(const ports::FileKept& kept, Time now) {
  const auto at = files_of_.find({kept.job, kept.path});
  if (at == files_of_.end()) return;
  File& file = at->second;
  if (file.must_ask) {
    // Answers to what was sent before a replacement may still be on their way.
    if (!file.asked || (file.what.replace && kept.size != 0)) return;
    file.must_ask = false;
    move_back(file, kept.size);
    file.size = std::max(file.size, file.kept);
  } else if (kept.size > file.kept) {
    under_way_ -= file.sent - file.kept;
    file.kept = std::min(kept.size, file.size);
    file.sent = std::max(file.sent, file.kept);
    under_way_ += file.sent - file.kept;
  } else if (kept.size < file.kept || file.sent > file.kept) {
    move_back(file, kept.size);  // It lost or refused bytes.
    file.retry_at = now + kRetry;
  }
  file.answered = true;
  update_active(at->first, file);
}

void Shipper::look() {
  for (const FileName& name : growing_) {
    File& file = files_of_.at(name);
    const std::uint64_t before = file.size;
    take_size(file);
    if (file.size != before) update_active(name, file);
  }
}

void Shipper::ship(Time now) {
  backlog_ = false;
  if (!connected_) return;
  std::size_t idle = 0;
  auto at = active_.upper_bound(last_);
  while (idle < active_.size()) {
    if (at == active_.end()) at = active_.begin();
    const FileName name = *at++;
    File& file = files_of_.at(name);
    const Step result = step(file, now);
    if (file.broken || result == Step::nothing) update_active(name, file);
    if (result == Step::blocked) {
      backlog_ = true;
      return;
    }
    last_ = name;
    idle = result == Step::sent ? 0 : idle + 1;
    at = active_.upper_bound(name);
  }
}

Shipper::Step Shipper::step(File& file, Time now) {
  if (now < file.retry_at) {
    backlog_ = true;
    return Step::nothing;
  }
  if (file.must_ask) return file.asked ? Step::nothing : send_question(file);
  if (file.sent < file.size) return send_chunk(file, now);
  const bool must_make = file.what.final && file.what.even_empty && !file.answered;
  return must_make && file.size == 0 && !file.asked ? send_question(file) : Step::nothing;
}

Shipper::Step Shipper::send_question(File& file) {
  const FileName& name = file.what.name;
  ports::FileChunk chunk{
      .job = name.job, .path = name.path, .offset = 0, .bytes = {}, .replace = file.what.replace};
  if (!link_.send(std::move(chunk))) return Step::blocked;
  file.asked = true;
  return Step::sent;
}

Shipper::Step Shipper::send_chunk(File& file, Time now) {
  const bool is_full = file.sent - file.kept + kChunkBytes > kFileWindowBytes ||
                       under_way_ + kChunkBytes > kWindowBytes;
  if (is_full) return Step::nothing;
  const std::uint64_t left = file.size - file.sent;
  auto bytes = files_.read(file.what.source, file.sent,
                           static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes)));
  if (!bytes || bytes->empty()) {
    const bool is_gone = bytes || bytes.error().code == base::ErrorCode::not_found;
    if (!is_gone) {
      file.retry_at = now + kRetry;
    } else if (file.what.final) {
      file.broken = true;
      move_back(file, file.kept);
    } else {
      file.size = file.sent;  // Somebody made it shorter; what comes after that is sent.
    }
    return Step::nothing;
  }
  const std::size_t count = bytes->size();
  const FileName& name = file.what.name;
  ports::FileChunk chunk{
      .job = name.job, .path = name.path, .offset = file.sent, .bytes = *std::move(bytes)};
  if (!link_.send(std::move(chunk))) return Step::blocked;
  file.sent += count;
  under_way_ += count;
  return Step::sent;
}

}  // namespace agent
