// Who may ask: tokens and their roles, and the guard against web pages that reach for a local API.

#include "control/api.hpp"

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
    // What a page of another origin sends; programs send no Origin.
    const auto origin = request.header("Origin");
    if (origin && host_of(*origin) != host) {
        return problem_response(
            {403, "origin", "Another origin's page may not ask", std::string(*origin), "", {}},
            epoch());
    }
    return std::nullopt;
}

std::optional<http_response> api::refused_role(call& the_call, role needed)
{
    the_call.who = "local " + the_call.request.peer;
    if (!options_.tokens || needed == role::none) {
        return std::nullopt;
    }
    if (const auto wrong = options_.tokens->refresh()) {
        log_(log_level::error, *wrong + "; the tokens read before stay");
    }
    const auto given = the_call.request.header("Authorization").value_or("");
    const auto found = given.starts_with(scheme)
                           ? options_.tokens->tokens().find(given.substr(scheme.size()))
                           : std::nullopt;
    if (!found) {
        auto response = problem_response(
            {401, "unauthorized", "A token is needed", "Authorization: Bearer TOKEN", "", {}},
            epoch());
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    the_call.who = std::string(to_string(found->as)) + " token of line " +
                   std::to_string(found->line) + ", " + the_call.request.peer;
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
