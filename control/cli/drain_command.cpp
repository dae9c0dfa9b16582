// `drain ENDPOINT` and `undrain ENDPOINT`: the order, and waiting until nothing is left there.

#include "control/cli/commands.hpp"
#include "control/cli/tables.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace cli {

namespace {

constexpr auto look_again = std::chrono::milliseconds(200);

void print_sentence(std::ostream& out, const boost::json::object& pool, const char* what)
{
    out << text_at(pool, "color") << '/' << text_at(pool, "endpoint") << what << '\n';
}

void print_drained(std::ostream& out, const boost::json::object& pool, bool)
{
    print_sentence(out, pool, " is drained");
}

void print_ordered(std::ostream& out, const boost::json::object& pool, bool)
{
    print_sentence(out, pool, " is being drained");
}

void print_taken_back(std::ostream& out, const boost::json::object& pool, bool)
{
    print_sentence(out, pool, " takes sessions again");
}

const boost::json::object* endpoint_in(const boost::json::object& pool, const std::string& name)
{
    const auto* all = pool.if_contains("endpoints");
    if (all == nullptr || !all->is_array()) {
        return nullptr;
    }
    for (const auto& one : all->get_array()) {
        if (one.is_object() && text_at(one.get_object(), "name") == name) {
            return &one.get_object();
        }
    }
    return nullptr;
}

} // namespace

std::variant<boost::json::object, int>
commands::order_endpoint(const std::string& endpoint, const char* order, const std::string& body)
{
    const auto slash = endpoint.find('/');
    const auto answer = client_.send(
        {"POST",
         "/v1/endpoints/" + encoded(endpoint.substr(0, slash)) + "/" +
             encoded(endpoint.substr(slash + 1)) + "/" + order,
         {},
         body});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200 && got.status != 202) {
        return refused(got);
    }
    return body_of(got, "endpoint");
}

int commands::drain(const std::string& endpoint, bool force, const wait_options& waiting)
{
    const auto ordered = order_endpoint(endpoint, "drain", force ? R"({"force":true})" : "");
    if (const auto* status = std::get_if<int>(&ordered)) {
        return *status;
    }
    const auto& pool = std::get<0>(ordered);
    if (!waiting.wait) {
        return show(pool, print_ordered);
    }
    return wait_until_drained(text_at(pool, "color"), text_at(pool, "endpoint"), waiting);
}

int commands::wait_until_drained(
    const std::string& color, const std::string& name, const wait_options& waiting)
{
    const auto begun = std::chrono::steady_clock::now();
    const std::string endpoint = color + "/" + name;
    for (;;) {
        const auto body = get("/v1/pools", color);
        if (const auto* status = std::get_if<int>(&body)) {
            return *status;
        }
        const auto* found = std::get<0>(body).if_contains(color);
        auto pool = found->as_object();
        const auto* one = endpoint_in(pool, name);
        if (one == nullptr || text_at(*one, "draining") != "true") {
            clear_progress();
            return fail(exit_refused, endpoint + " was taken back meanwhile");
        }
        const auto left = number_at(*one, "sessions");
        const auto links = number_at(*one, "links");
        if (left == 0 && links == 0) { // nothing of this gateway's is there any more
            clear_progress();
            pool["color"] = color;
            pool["endpoint"] = name;
            return show(pool, print_drained);
        }
        if (to_.progress && !to_.quiet) {
            to_.err << "\r\x1b[K" << endpoint << "  draining  " << left << " sessions, " << links
                    << " links left" << std::flush;
        }
        if (waiting.timeout && std::chrono::steady_clock::now() >= begun + *waiting.timeout) {
            clear_progress();
            return fail(
                exit_timeout, "timeout; " + std::to_string(left) + " sessions and " +
                                  std::to_string(links) + " links are left at " + endpoint +
                                  "; the drain goes on");
        }
        if (!http_client::pause(look_again)) {
            clear_progress();
            return fail(exit_detached, "detached; the drain of " + endpoint + " goes on");
        }
    }
}

int commands::undrain(const std::string& endpoint)
{
    const auto ordered = order_endpoint(endpoint, "undrain", "");
    return std::holds_alternative<int>(ordered) ? std::get<int>(ordered)
                                                : show(std::get<0>(ordered), print_taken_back);
}

} // namespace cli
