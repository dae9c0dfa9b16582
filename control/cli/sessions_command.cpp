// `sessions` and `disconnect`: which sessions, page after page, and closing them at a pace.

#include "control/cli/commands.hpp"
#include "control/cli/tables.hpp"
#include "control/record/json.hpp"

#include <boost/json/array.hpp>

namespace cli {

namespace {

constexpr std::uint64_t page_rows = 1000;

std::string query_of(const session_filter& which)
{
    std::string query;
    for (const auto& [name, value] :
         {std::pair("endpoint", &which.at), std::pair("login", &which.login),
          std::pair("state", &which.state), std::pair("address", &which.address),
          std::pair("older_than", &which.older_than)}) {
        if (!value->empty()) {
            query += std::string("&") + name + "=" + encoded(*value);
        }
    }
    return query;
}

void print_disconnected(std::ostream& out, const boost::json::object& done, bool)
{
    const auto gone = text_at(done, "gone");
    out << text_at(done, "disconnected") << " sessions were disconnected"
        << (gone == "0" ? "" : ", " + gone + " had gone by themselves") << '\n';
}

} // namespace

// All pages as one answer.
std::variant<boost::json::object, int> commands::pages(const std::string& query)
{
    std::optional<boost::json::object> all;
    std::string cursor;
    do {
        auto got = get("/v1/sessions?" + query + cursor, "sessions");
        if (std::holds_alternative<int>(got)) {
            return got;
        }
        auto& page = std::get<0>(got);
        const auto next = text_at(page, "next");
        cursor = next.empty() ? "" : "&cursor=" + encoded(next);
        auto& rows = page.at("sessions").as_array();
        if (all) {
            auto& known = all->at("sessions").as_array();
            known.insert(known.end(), rows.begin(), rows.end());
        } else {
            all = std::move(page);
        }
    } while (!cursor.empty());
    (*all)["next"] = nullptr;
    return std::move(*all);
}

int commands::sessions(
    const std::string& sort, std::uint64_t limit, bool all, const session_filter& which)
{
    const std::string query = "limit=" + std::to_string(all ? page_rows : limit) +
                              (sort.empty() ? "" : "&sort=" + encoded(sort)) + query_of(which);
    const auto body = all ? pages(query) : get("/v1/sessions?" + query, "sessions");
    return std::holds_alternative<int>(body) ? std::get<int>(body)
                                             : show(std::get<0>(body), print_sessions);
}

int commands::disconnect(const std::string& session)
{
    const auto answer = client_.send({"DELETE", "/v1/sessions/" + encoded(session), {}, ""});
    if (const auto* none = std::get_if<unreachable>(&answer)) {
        return not_reachable(*none);
    }
    const auto& got = std::get<reply>(answer);
    return got.status == 204 ? static_cast<int>(exit_done) : refused(got);
}

int commands::disconnect_all(const session_filter& which, unsigned per_second)
{
    const auto body = pages("limit=" + std::to_string(page_rows) + query_of(which));
    if (const auto* status = std::get_if<int>(&body)) {
        return *status;
    }
    const auto& rows = std::get<0>(body).at("sessions").as_array();
    const auto begun = std::chrono::steady_clock::now();
    std::uint64_t done = 0;
    std::uint64_t gone = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto due = begun + std::chrono::microseconds(i * 1'000'000 / per_second);
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            due - std::chrono::steady_clock::now());
        if (left.count() > 0 && !http_client::pause(left)) {
            return fail(
                exit_detached, "interrupted: " + std::to_string(done) + " of " +
                                   std::to_string(rows.size()) + " sessions were disconnected");
        }
        const auto answer = client_.send(
            {"DELETE", "/v1/sessions/" + encoded(text_at(rows[i].as_object(), "id")), {}, ""});
        if (const auto* none = std::get_if<unreachable>(&answer)) {
            return not_reachable(*none);
        }
        const auto& got = std::get<reply>(answer);
        if (got.status != 204 && got.status != 404) {
            return refused(got);
        }
        ++(got.status == 204 ? done : gone);
    }
    return show({{"disconnected", done}, {"gone", gone}}, print_disconnected);
}

} // namespace cli
