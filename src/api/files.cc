#include <algorithm>

#include "api/routes.h"
#include "api/tail.h"

namespace api {
namespace {

using base::Result;

constexpr std::uint64_t kMostBytes =
    64 * 1024 * 1024;  ///< Of one answer; the rest is asked for again.
constexpr std::size_t kMostFiles = 100'000;

struct FileView {
  std::string path;
  std::uint64_t bytes = 0;
  domain::Time modified;
};
BOOST_DESCRIBE_STRUCT(FileView, (), (path, bytes, modified))

struct FileList {
  std::vector<FileView> files;
};
BOOST_DESCRIBE_STRUCT(FileList, (), (files))

Answer list_files(Service& service, domain::JobId job) {
  auto files = service.files().list(job);
  if (!files) return base::pass(files);
  FileList shown;
  for (auto& file : *files) {
    if (shown.files.size() < kMostFiles) {
      shown.files.push_back({std::move(file.path), file.bytes, file.modified});
    }
  }
  return ok(shown);
}

void get_files(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto job = find_job(*call, reading);
    if (!job) return finish(*call, base::pass(job));
    service.block(call, [&service, id = (*job)->id] { return list_files(service, id); });
  });
}

/// Which bytes of a file are asked for.
struct Wanted {
  domain::JobId job;
  std::string path;
  std::uint64_t first = 0;
  std::uint64_t most = kMostBytes;
  bool is_range = false;  ///< Asked for with a Range header.
};

/// Reads "bytes=FIRST-" and "bytes=FIRST-LAST" (RFC 9110); whatever else is ignored, as it may be.
void read_range(const Call& call, Wanted& wanted) {
  constexpr std::string_view kBytes = "bytes=";
  const auto header = call.request.headers.find("range");
  if (header == call.request.headers.end() || !header->second.starts_with(kBytes)) return;
  const std::string_view range = std::string_view(header->second).substr(kBytes.size());
  const std::size_t dash = range.find('-');
  if (dash == range.npos) return;
  const auto first = parse_number(range.substr(0, dash));
  const bool is_open = dash + 1 == range.size();
  const auto last = is_open ? std::optional<std::int64_t>(std::int64_t{1} << 60)
                            : parse_number(range.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < *first) return;
  wanted.first = static_cast<std::uint64_t>(*first);
  wanted.most = std::min(kMostBytes, static_cast<std::uint64_t>(*last - *first) + 1);
  wanted.is_range = true;
}

/// A name as it may stand in a header (RFC 8187).
std::string header_name(std::string_view path) {
  std::string encoded;
  for (const char c : path.substr(path.find_last_of('/') + 1)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    encoded += is_plain
                   ? std::string(1, c)
                   : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return encoded;
}

Answer read_file(Service& service, const Wanted& wanted) {
  auto size = service.files().size(wanted.job, wanted.path);
  if (!size) return base::pass(size);
  auto bytes = service.files().read(wanted.job, wanted.path, wanted.first,
                                    static_cast<std::size_t>(wanted.most));
  if (!bytes) return base::pass(bytes);
  if (wanted.is_range && bytes->empty()) {
    auto response =
        error_response({base::ErrorCode::invalid_argument, "past the end of the file", "Range"},
                       words::Language::en);
    response.status = 416;
    response.headers["content-range"] = fmt::format("bytes */{}", *size);
    return response;
  }
  const std::uint64_t end = wanted.first + bytes->size();
  const bool is_part = wanted.is_range || end < *size;
  ports::HttpResponse response{
      .status = is_part ? 206 : 200, .headers = {}, .body = *std::move(bytes)};
  response.headers["content-type"] = "application/octet-stream";
  response.headers["content-disposition"] =
      fmt::format("attachment; filename*=UTF-8''{}", header_name(wanted.path));
  response.headers["x-content-type-options"] = "nosniff";
  response.headers["accept-ranges"] = "bytes";
  response.headers["x-file-bytes"] = std::to_string(*size);
  if (is_part) {
    response.headers["content-range"] =
        fmt::format("bytes {}-{}/{}", wanted.first, end == 0 ? 0 : end - 1, *size);
  }
  return response;
}

void get_file(Service& service, const CallPtr& call) {
  service.enter(call, [&service, call](const Reading& reading) {
    auto job = find_job(*call, reading);
    if (!job) return finish(*call, base::pass(job));
    Wanted wanted{.job = (*job)->id, .path = call->arguments[1]};
    if (auto good = ports::check_name(wanted.job, wanted.path); !good) {
      return finish(*call, base::pass(good));
    }
    auto offset = number_or(*call, "offset", {0, std::int64_t{1} << 60}, 0);
    if (!offset) return finish(*call, base::pass(offset));
    wanted.first = static_cast<std::uint64_t>(*offset);
    read_range(*call, wanted);
    service.block(call, [&service, wanted] { return read_file(service, wanted); });
  });
}

}  // namespace

std::vector<Route> file_routes() {
  return {
      {"GET", "/v1/jobs/{id}/files", Role::member, get_files},
      {"GET", "/v1/jobs/{id}/files/{path...}", Role::member, get_file, {"offset"}},
  };
}

}  // namespace api
