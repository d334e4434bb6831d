#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapters/beast/target.h"
#include "base/check.h"

/// Whatever a client asks for is refused, or is decoded to something that encodes and decodes back
/// to itself and cannot climb out of a folder.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto target = adapters::beast::decode_target(text);
  if (!target) {
    CHECK(target.error().field == "path" || target.error().field == "query", "a refusal names");
    return 0;
  }
  CHECK(target->path.starts_with('/'), "a path starts with a slash");
  CHECK(!target->path.contains("/../"), "a path cannot climb");
  CHECK(!target->path.contains('\0'), "a path has no control characters");
  const auto again =
      adapters::beast::decode_target(adapters::beast::encode_target(target->path, target->query));
  CHECK(again.has_value() && *again == *target, "encoding loses nothing");
  return 0;
}
