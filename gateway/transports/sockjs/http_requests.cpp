// What a request of a SockJS connection comes to: by its head, and once it is whole.

#include "gateway/transports/sockjs/http_connection.hpp"

#include <ctime>
#include <random>
#include <utility>

namespace gateway::sockjs {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=UTF-8";
constexpr std::string_view javascript = "application/javascript; charset=UTF-8";

// Streaming answers begin with what browsers wait for before they show anything.
const std::string& prelude()
{
    static const std::string text = std::string(2048, 'h') + '\n';
    return text;
}

std::uint32_t draw_entropy()
{
    thread_local std::random_device source;
    return static_cast<std::uint32_t>(source());
}

} // namespace

// By its head. False: it was answered, or the connection goes elsewhere.
bool http_connection::judge()
{
    const auto& head = request_->head;
    const premises& at = hub_.owner().at(who_.listener);
    if (wish_of(head, request_->path, at) != wish::http) {
        give_away_to_websocket();
        return false;
    }
    if (!hub_.owner().page_may_come(who_, head)) {
        say({.status = 403, .content_type = plain_text, .body = "this origin is not allowed\n"});
        return false;
    }
    route_ = find_route(request_->path, at.services);
    if (!route_) {
        say_not_found();
        return false;
    }
    const service& its = at.services[route_->service];
    const bool websocket =
        route_->what == resource::raw_websocket || route_->what == resource::framed_websocket;
    if (!is_method_of(route_->what, head.method)) {
        say({.status = 405, .fields = "Allow: " + std::string{methods_of(route_->what)} + "\r\n"});
        return false;
    }
    if (websocket) { // but not as one
        if (const auto against = no_upgrade(*request_); its.websocket && against) {
            say(*against);
        } else {
            say_not_found();
        }
        return false;
    }
    if (!is_of_session(route_->what) || head.method == "OPTIONS") {
        return true;
    }
    name_ = hub_.name_of(who_, *route_);
    if (const unsigned shard = hub_.shard_of(name_); shard != hub_.settings().shard) {
        hand_over(shard);
        return false;
    }
    return true;
}

// ---- what a request does

void http_connection::act()
{
    const service& its = hub_.owner().at(who_.listener).services[route_->service];
    if (request_->head.method == "OPTIONS") {
        say(options_answer(*request_, route_->what, its, std::time(nullptr)));
        return;
    }
    switch (route_->what) {
    case resource::greeting:
        say({.content_type = plain_text, .body = "Welcome to SockJS!\n"});
        return;
    case resource::info: {
        const std::string text = info_text(its, draw_entropy());
        say(
            {.content_type = "application/json; charset=UTF-8",
             .body = text,
             .fields = cors_fields(*request_) + no_cache_fields(*request_)});
        return;
    }
    case resource::xhr: kind_ = receiver_kind::xhr; break;
    case resource::xhr_streaming: kind_ = receiver_kind::xhr_streaming; break;
    case resource::eventsource: kind_ = receiver_kind::eventsource; break;
    case resource::xhr_send: send(); return;
    case resource::raw_websocket:
    case resource::framed_websocket: return; // judge()
    }
    receive(its);
}

void http_connection::receive(const service& of)
{
    session* from = hub_.find(name_);
    if (from == nullptr) {
        std::string why;
        from = hub_.open(name_, who_, *request_, of, why);
        if (from == nullptr) {
            why += '\n';
            say(
                {.status = 503,
                 .content_type = plain_text,
                 .body = why,
                 .fields = "Retry-After: 5\r\n" + cors_fields(*request_)});
            return;
        }
    }
    const std::string fields =
        cookie_fields(*request_, of) + cors_fields(*request_) + no_cache_fields(*request_);
    const bool events = kind_ == receiver_kind::eventsource;
    out().append(streaming_head(
        events ? "text/event-stream; charset=UTF-8" : javascript, fields, *request_, keep_alive_));
    state_ = state::receiving;
    session_ = from;
    body_.reset(); // an answer may be open for long
    route_.reset();
    request_.reset();
    if (events) {
        write("\r\n");
    } else if (kind_ == receiver_kind::xhr_streaming) {
        write(prelude());
    }
    touch();
    from->attach(*this);
}

void http_connection::send()
{
    const std::string body = std::move(body_->body());
    const auto came =
        body.empty() ? decoding::no_array : decode_messages(body, single_string::no, brought_);
    if (came != decoding::done) {
        say(
            {.status = 500,
             .content_type = plain_text,
             .body = came == decoding::broken ? "Broken JSON encoding.\n" : "Payload expected.\n",
             .fields = cors_fields(*request_) + no_cache_fields(*request_)});
        return;
    }
    state_ = state::sending;
    session_ = hub_.find(name_);
    session_->send(*this);
}

void http_connection::end(bool delivered)
{
    session_ = nullptr;
    state_ = state::reading; // say() goes on from there
    brought_ = {};
    const service& its = hub_.owner().at(who_.listener).services[route_->service];
    if (delivered) {
        say(
            {.status = 204,
             .content_type = plain_text,
             .fields = cookie_fields(*request_, its) + cors_fields(*request_) +
                       no_cache_fields(*request_)});
    } else {
        say_not_found();
    }
    account();
}

void http_connection::say_not_found()
{
    say(
        {.status = 404,
         .content_type = plain_text,
         .body = "404 Error: Page not found\n",
         .fields = cors_fields(*request_)});
}

void http_connection::say(const answer& what)
{
    // A body that was not read is in the way of the next request.
    const bool unread = !body_ && has_body();
    keep_alive_ = stays_open() && !unread;
    if (keep_alive_) {
        in_.erase(0, std::exchange(request_->head_bytes, 0)); // judge() keeps it
    }
    out().append(answer_text(what, keep_alive_));
    since_ = loop().now();
    state_ = state::answered;
    touch();
    if (!keep_alive_) {
        close_after_flush();
    }
}

void http_connection::refuse(int status, std::string_view sentence)
{
    const std::string body = std::string{sentence} + '\n';
    out().append(answer_text({.status = status, .content_type = plain_text, .body = body}, false));
    state_ = state::answered;
    since_ = loop().now();
    touch();
    close_after_flush();
}

} // namespace gateway::sockjs
