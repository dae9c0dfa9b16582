// `drain --self`: the gateway's own way out, before it stops.

#include "control/cli/commands.hpp"
#include "control/cli/tables.hpp"

namespace cli {

namespace {

constexpr auto look_again = std::chrono::milliseconds(200);

void print_way_out(std::ostream& out, const boost::json::object& now, bool)
{
    if (text_at(now, "stage") == "drained") {
        out << "this gateway is drained\n";
    } else {
        out << "this gateway leaves: " << text_at(now, "clients") << " clients are sent away\n";
    }
}

} // namespace

int commands::drain_self(const wait_options& waiting)
{
    const auto answer = client_.send({"POST", "/v1/drain", {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    if (got.status != 200 && got.status != 202) {
        return refused(got);
    }
    const auto now = body_of(got, "stage");
    if (const auto* status = std::get_if<int>(&now)) {
        return *status;
    }
    return waiting.wait ? wait_until_gone(waiting) : show(std::get<0>(now), print_way_out);
}

int commands::wait_until_gone(const wait_options& waiting)
{
    const auto begun = std::chrono::steady_clock::now();
    for (;;) {
        const auto now = get("/v1/drain", "stage");
        if (const auto* status = std::get_if<int>(&now)) {
            clear_progress();
            return *status;
        }
        const auto& body = std::get<0>(now);
        const auto stage = text_at(body, "stage");
        const auto left = text_at(body, "clients");
        if (stage == "drained") {
            clear_progress();
            return show(body, print_way_out);
        }
        if (to_.progress && !to_.quiet) {
            to_.err << "\r\x1b[K" << stage << "  " << left << " clients left" << std::flush;
        }
        if (waiting.timeout && std::chrono::steady_clock::now() >= begun + *waiting.timeout) {
            clear_progress();
            return fail(exit_timeout, "timeout; " + left + " clients are left; the drain goes on");
        }
        if (!http_client::pause(look_again)) {
            clear_progress();
            return fail(exit_detached, "detached; the drain of this gateway goes on");
        }
    }
}

} // namespace cli
