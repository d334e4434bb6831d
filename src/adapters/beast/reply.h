#pragma once
#include <string>
#include <string_view>

#include "ports/http.h"

namespace adapters::beast {

/// The answer to a request that never reaches the handler: JSON of the shape
/// {"error":{"code","message","field"}}. `code` and `field` are words of ours.
ports::HttpResponse refusal(int status, std::string_view code, std::string_view message,
                            std::string_view field = "");

/// Renders everything of an answer but its body. Content-Length is added where HTTP wants one.
/// Headers with line breaks in them, and those that frame the message, are left out.
std::string encode_head(const ports::HttpResponse& response, bool keep_alive);

/// True where HTTP forbids a body: 1xx, 204 and 304.
bool is_bodiless(int status);

}  // namespace adapters::beast
