#include "agent/manifest.h"

#include <fmt/format.h>

#include <boost/describe/class.hpp>

#include <charconv>

#include "base/json.h"

namespace agent {
namespace {

constexpr std::int32_t kVersion = 1;

struct WrittenFile {
  std::uint64_t bytes = 0;
  std::string sha256;
};
BOOST_DESCRIBE_STRUCT(WrittenFile, (), (bytes, sha256))

/// As much of the file as concerns us; it may say more.
struct Written {
  std::int32_t version = 0;
  std::int64_t step = -1;
  std::int32_t pieces = 0;
  std::map<std::string, WrittenFile> files;
};
BOOST_DESCRIBE_STRUCT(Written, (), (version, step, pieces, files))

bool stays_inside(std::string_view path) {
  if (path.empty() || path == kManifest) return false;
  while (true) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == path.npos) return true;
    path.remove_prefix(end + 1);
  }
}

/// Takes "<prefix><digits>" off the front of `text`.
template <class T>
bool take_number(std::string_view& text, std::string_view prefix, T& number) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  const bool starts_with_digit = !text.empty() && text[0] >= '0' && text[0] <= '9';
  if (!starts_with_digit) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

base::Result<Manifest> decode_manifest(std::string_view text) {
  auto json = base::parse_json(text);
  if (!json) return base::fail(base::ErrorCode::data_loss, "no manifest: {}", json.error().message);
  auto written = base::from_json<Written>(*json, base::Mode::lenient);
  if (!written) {
    return base::fail(base::ErrorCode::data_loss, "no manifest: {}", written.error().message);
  }
  if (written->version != kVersion || written->step < 0 || written->pieces < 1) {
    return base::fail(base::ErrorCode::data_loss,
                      "no manifest: its version, step or pieces are unknown");
  }
  Manifest manifest{.step = written->step, .pieces = written->pieces, .files = {}};
  for (auto& [path, file] : written->files) {
    if (!stays_inside(path)) {
      return base::fail(base::ErrorCode::data_loss, "no manifest: bad file name '{}'", path);
    }
    manifest.files[path] = {.bytes = file.bytes, .sha256 = std::move(file.sha256)};
  }
  return manifest;
}

std::optional<CheckpointName> parse_checkpoint_name(std::string_view name) {
  CheckpointName parsed;
  if (!take_number(name, "step-", parsed.step)) return std::nullopt;
  if (name.empty()) return parsed;
  if (!take_number(name, "-rank-", parsed.piece) || !name.empty()) return std::nullopt;
  return parsed;
}

std::string piece_name(const std::string& name, std::int32_t piece) {
  return piece == 0 ? name : fmt::format("{}-rank-{:05}", name, piece);
}

}  // namespace agent
