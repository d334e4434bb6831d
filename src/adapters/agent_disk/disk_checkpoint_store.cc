#include "adapters/agent_disk/disk_checkpoint_store.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "adapters/agent_disk/disk_rank_files.h"
#include "agent/manifest.h"

namespace adapters::agent_disk {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kMostManifestBytes = 64 * 1024 * 1024;

/// SHA-256 of what it is fed.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void feed(std::string_view bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    std::string text;
    for (unsigned int at = 0; at < size; ++at) text += fmt::format("{:02x}", digest[at]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Result<> check_file(const std::string& path, const agent::Manifest::File& known) {
  DiskRankFiles files;
  Digest digest;
  std::uint64_t size = 0;
  while (true) {
    auto block = files.read(path, size, kBlockBytes);
    if (!block) return base::pass(block);
    if (block->empty()) break;
    size += block->size();
    digest.feed(*block);
  }
  if (size == known.bytes && digest.hexadecimal() == known.sha256) return {};
  return base::fail(ErrorCode::data_loss, "{} is not what was written", path);
}

Result<agent::Manifest> read_manifest(const std::string& folder) {
  DiskRankFiles files;
  auto text = files.read(folder + "/" + agent::kManifest, 0, kMostManifestBytes);
  if (!text) return base::pass(text);
  return agent::decode_manifest(*text);
}

/// Reads every byte of one piece.
Result<agent::Manifest> check_piece(const std::string& folder) {
  auto manifest = read_manifest(folder);
  if (!manifest) return manifest;
  for (const auto& [path, known] : manifest->files) {
    if (auto good = check_file(folder + "/" + path, known); !good) return base::pass(good);
  }
  return manifest;
}

}  // namespace

DiskCheckpointStore::DiskCheckpointStore(ports::ControllerLink& link)
    : link_(link), thread_([this] { run(); }) {}

DiskCheckpointStore::~DiskCheckpointStore() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DiskCheckpointStore::on_ready(OnReady handler) {
  const std::lock_guard lock(mutex_);
  on_ready_ = std::move(handler);
}

void DiskCheckpointStore::ensure(domain::JobId job, const std::string& name,
                                 const std::string& folder) {
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({job, name, folder});
  }
  changed_.notify_all();
}

void DiskCheckpointStore::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !questions_.empty(); });
    if (closing_) return;
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    const OnReady tell = on_ready_;
    lock.unlock();
    auto whole = answer(question);
    if (tell) tell(question.job, question.name, std::move(whole));
    lock.lock();
  }
}

Result<> DiskCheckpointStore::answer(const Question& question) {
  if (!agent::parse_checkpoint_name(question.name)) {
    return base::invalid("resume_from", "'{}' is no checkpoint's name", question.name);
  }
  if (auto first = ensure_piece(question, question.name); !first) return first;
  const auto manifest = read_manifest(question.folder + "/" + question.name);
  const std::int32_t pieces = manifest ? manifest->pieces : 1;
  for (std::int32_t piece = 1; piece < pieces; ++piece) {
    auto whole = ensure_piece(question, agent::piece_name(question.name, piece));
    if (!whole) return whole;
  }
  return {};
}

Result<> DiskCheckpointStore::ensure_piece(const Question& question, const std::string& name) {
  const std::string folder = question.folder + "/" + name;
  if (check_piece(folder)) return {};
  const std::string into = question.folder + "/.fetched-" + name;
  std::error_code error;
  fs::remove_all(into, error);
  auto fetched = fetch_piece(question, name, into);
  if (fetched) {
    if (auto whole = check_piece(into); !whole) fetched = base::pass(whole);
  }
  if (fetched) {
    fs::remove_all(folder, error);
    fs::rename(into, folder, error);
    if (error) fetched = base::fail(ErrorCode::unavailable, "{}: {}", folder, error.message());
  }
  if (!fetched) fs::remove_all(into, error);
  return fetched;
}

Result<> DiskCheckpointStore::fetch_piece(const Question& question, const std::string& name,
                                          const std::string& into) {
  const std::string kept = "checkpoints/" + name + "/";
  const std::string first = into + "/" + agent::kManifest;
  if (auto done = fetch_file(question.job, kept + agent::kManifest, first); !done) return done;
  const auto manifest = read_manifest(into);
  if (!manifest) return std::unexpected(manifest.error());
  for (const auto& [path, known] : manifest->files) {
    if (auto done = fetch_file(question.job, kept + path, into + "/" + path); !done) return done;
  }
  return {};
}

Result<> DiskCheckpointStore::fetch_file(domain::JobId job, const std::string& path,
                                         const std::string& into) {
  std::error_code error;
  fs::create_directories(fs::path(into).parent_path(), error);
  std::ofstream file(into, std::ios::binary | std::ios::trunc);
  const auto no_room = [&] {
    return base::fail(ErrorCode::resource_exhausted, "{} cannot be written; is the disk full?",
                      into);
  };
  if (!file) return no_room();
  auto fetched = link_.fetch(job, path, [&](std::string_view bytes) -> Result<> {
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file) return no_room();
    return {};
  });
  if (!fetched) return std::unexpected(std::move(fetched).error().while_doing("fetch " + path));
  file.close();
  if (!file) return no_room();
  return {};
}

}  // namespace adapters::agent_disk
