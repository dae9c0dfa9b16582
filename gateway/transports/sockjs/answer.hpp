#pragma once

// The heads of HTTP answers: who may read them (CORS), how long they may be kept, the cookie that
// some balancers stick to. Source: sockjs-protocol 0.3.3; where it and the servers in use differ, a
// comment says what is done. Pure.

#include "gateway/transports/sockjs/request.hpp"
#include "gateway/transports/sockjs/route.hpp"

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::sockjs {

// A whole answer; `keep_alive`: another request may follow it.
struct answer {
    int status = 200;
    std::string_view content_type; // empty: none
    std::string_view body;
    std::string fields; // more of them, each with its CR LF
};
std::string answer_text(const answer& what, bool keep_alive);
// The head of an answer whose end is not known yet; in chunks but for HTTP/1.0.
std::string streaming_head(
    std::string_view content_type, std::string_view fields, const request& to, bool keep_alive);

std::string cors_fields(const request& to);
std::string no_cache_fields(const request& to);
std::string cookie_fields(const request& to, const service& s);
// To OPTIONS: kept for a year.
answer options_answer(const request& to, resource what, const service& s, std::time_t now);
std::string info_text(const service& s, std::uint32_t entropy);
std::string chunk_of(std::string_view payload);

// For a WebSocket resource that is not asked for as one: nullopt where it is.
std::optional<answer> no_upgrade(const request& of);

} // namespace gateway::sockjs
