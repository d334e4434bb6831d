#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <string>

#include "base/result.h"
#include "ports/http.h"

namespace adapters::beast {

/// False if these first bytes cannot begin a request, such as those of a TLS handshake.
bool looks_like_http(boost::asio::const_buffer first_bytes);

bool wants_continue(const boost::beast::http::request<boost::beast::http::string_body>& request);

/// The request as the handler sees it. Repeated headers are joined with ", ". Fails with
/// `invalid_argument` and the field at fault.
base::Result<ports::HttpRequest> make_request(
    boost::beast::http::request<boost::beast::http::string_body> message, const std::string& peer);

/// Answers for what never becomes a request.
ports::HttpResponse refuse_garbage();
ports::HttpResponse refuse_malformed(boost::system::error_code reason);
ports::HttpResponse refuse_request(const base::Error& error);

}  // namespace adapters::beast
