#include "replay/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

namespace replay {
namespace {

constexpr std::size_t kChunk = 1 << 16;
constexpr int kGzip = 16 + MAX_WBITS;

/// Unpacks one gzip member after another onto `text`.
base::Result<> inflate_all(z_stream& stream, std::size_t limit, std::string& text) {
  std::vector<char> chunk(kChunk);
  int status = Z_OK;
  while (status != Z_STREAM_END || stream.avail_in > 0) {
    if (status == Z_STREAM_END && inflateReset(&stream) != Z_OK) break;
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END)
      return base::fail(base::ErrorCode::invalid_argument, "not a whole gzip file");
    text.append(chunk.data(), chunk.size() - stream.avail_out);
    if (text.size() > limit)
      return base::fail(base::ErrorCode::resource_exhausted, "unpacks to more than {} bytes",
                        limit);
  }
  return {};
}

}  // namespace

base::Result<std::string> unpacked(std::string_view bytes, std::size_t limit) {
  if (!bytes.starts_with("\x1f\x8b")) return std::string(bytes);
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK)
    return base::fail(base::ErrorCode::internal, "zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(bytes.size(), UINT32_MAX));
  std::string text;
  auto done = inflate_all(stream, limit, text);
  inflateEnd(&stream);
  if (!done) return base::pass(done);
  return text;
}

}  // namespace replay
