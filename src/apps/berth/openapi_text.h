#pragma once
#include <string_view>

namespace apps {

/// contracts/openapi.yaml, as it was when the program was built.
extern const std::string_view kOpenApiText;

}  // namespace apps
