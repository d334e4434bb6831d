#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapters/grpc/join_token.h"
#include "adapters/grpc/translate.h"

/// Whatever an agent sends is taken or refused, and never harms the controller.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)adapters::grpc::decode_from_agent(text);
  (void)adapters::grpc::decode_join_token(text);
  return 0;
}
