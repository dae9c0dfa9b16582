// Checks who may ask: tokens and their roles, and the guard against web pages that reach for a
// local API.

#include "control/api/api.hpp"

#include <boost/asio/ip/address.hpp>

namespace control {

namespace {

constexpr std::string_view scheme = "Bearer ";

std::string_view without_port(std::string_view host)
{
    if (host.starts_with('[')) {
        return host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1);
    }
    return host.substr(0, host.find(':'));
}

// A page whose name was made to resolve to us says that name; an address or localhost cannot be
// made to.
bool local_name(std::string_view host)
{
    const auto name = without_port(host);
    boost::system::error_code error;
    boost::asio::ip::make_address(std::string(name), error);
    return name == "localhost" || !error;
}

std::string_view host_of(std::string_view origin)
{
    const auto slashes = origin.find("://");
    return slashes == std::string_view::npos ? origin : origin.substr(slashes + 3);
}

} // namespace

// Fields that say who asks, and for what. If there are two, another reader may take the other one.
std::optional<http_response> api::refused_repeats(const http_request& request) const
{
    for (const auto* name : {"Origin", "Authorization", "Idempotency-Key", "Last-Event-ID"}) {
        if (request.count(name) > 1) {
            return problem_response(
                {400, "repeated-header", "This header may stand there once only", name, "", {}},
                epoch());
        }
    }
    return std::nullopt;
}

std::optional<http_response> api::refused_origin(const http_request& request) const
{
    const auto host = request.header("Host").value_or("");
    const bool from_socket = request.peer.starts_with("unix"); // no page gets there, under any name
    if (options_.local_names_only && !options_.tokens && !from_socket && !local_name(host)) {
        return problem_response(
            {403,
             "host",
             "This host name is not served without tokens",
             "use an address or localhost",
             "",
             {}},
            epoch());
    }
    // Pages of another origin send this. Programs send no Origin.
    const auto origin = request.header("Origin");
    if (origin && host_of(*origin) != host) {
        return problem_response(
            {403, "origin", "Another origin's page may not ask", std::string(*origin), "", {}},
            epoch());
    }
    return std::nullopt;
}

void api::note_wrong_token(const std::string& peer)
{
    const auto address = address_of_peer(peer);
    if (const auto untold = brake_.failed(address, net::clock::now())) {
        log_(
            log_level::warning, "admin: a wrong token from " + address + " (" +
                                    std::to_string(*untold) + " since the last such line)");
    }
}

std::optional<net::duration>
api::pause_before(const http_request& request, net::time_point now)
{
    if (!options_.tokens || !request.header("Authorization")) {
        return net::duration{};
    }
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    for (const auto& one : routes()) { // what is open to everybody has no {names}
        if (one.needed == role::none && one.pattern == path) {
            return net::duration{};
        }
    }
    return brake_.pause_before(address_of_peer(request.peer), now);
}

http_response api::too_many() const
{
    auto response = problem_response(
        {429, "wrong-tokens", "Too many wrong tokens came from this address",
         "requests from it wait, and so many wait already", "", {}},
        epoch());
    response.headers.emplace_back("Retry-After", "10");
    if (options_.answered) {
        options_.answered("other", response.status);
    }
    return response;
}

std::optional<http_response> api::refused_role(call& the_call, role needed)
{
    the_call.who = "local " + the_call.request.peer;
    the_call.note->who = the_call.who;
    const bool by_socket = the_call.request.peer.starts_with("unix");
    const auto given = the_call.request.header("Authorization");
    if (!options_.tokens || needed == role::none ||
        (by_socket && !options_.sockets_ask_tokens && !given)) {
        return std::nullopt;
    }
    if (const auto wrong = options_.tokens->refresh()) {
        log_(log_level::error, *wrong + "; the tokens read before stay");
    }
    const auto found = given && given->starts_with(scheme)
                           ? options_.tokens->tokens().find(given->substr(scheme.size()))
                           : std::nullopt;
    if (!found) {
        ++auth_failures_;
        the_call.note->stranger = true;
        the_call.note->who = (given ? "wrong token, " : "no token, ") + the_call.request.peer;
        if (given) {
            note_wrong_token(the_call.request.peer);
        }
        auto response = problem_response(
            {401, "unauthorized", "A token is needed", "Authorization: Bearer TOKEN", "", {}},
            epoch());
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    the_call.who = std::string(to_string(found->as)) + " token of line " +
                   std::to_string(found->line) + ", " + the_call.request.peer;
    the_call.note->who = the_call.who;
    if (found->as < needed) {
        return problem_response(
            {403,
             "forbidden",
             "This token may not do that",
             "needs " + std::string(to_string(needed)) + ", is " +
                 std::string(to_string(found->as)),
             "",
             {}},
            epoch());
    }
    return std::nullopt;
}

} // namespace control
