// The routes of sessions: a page of them, sorted; and closing one.

#include "broker/net/address_range.hpp"
#include "control/api/api.hpp"
#include "control/api/status_json.hpp"
#include "control/record/json.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace control {

namespace {

constexpr std::size_t limit_default = 100;
constexpr std::size_t limit_max = 1000;

// Sessions come and go between two pages, so the cursor is a place in the order, not a number of
// rows: the key and id of the last session shown. Largest key first; ids break ties.
struct place {
    double key = 0;
    std::string id;
    bool before(const place& other) const
    {
        return key != other.key ? key > other.key : id < other.id;
    }
};

std::optional<double session_snapshot::*> key_of(std::string_view sort)
{
    if (sort == "held") {
        return &session_snapshot::held_ms;
    }
    if (sort == "age") {
        return &session_snapshot::age_s;
    }
    return sort == "rate" ? std::optional(&session_snapshot::rate) : std::nullopt;
}

std::string cursor_of(const place& last)
{
    char key[40];
    const auto end = std::to_chars(key, key + sizeof key, last.key)
                         .ptr; // shortest text that reads back the same
    return std::string(key, end) + "~" + last.id;
}

std::optional<place> place_from(std::string_view cursor)
{
    const auto wave = cursor.find('~');
    place at;
    const auto* stop = cursor.data() + std::min(wave, cursor.size());
    const auto [end, error] = std::from_chars(cursor.data(), stop, at.key);
    if (wave == std::string_view::npos || error != std::errc{} || end != stop) {
        return std::nullopt;
    }
    at.id = cursor.substr(wave + 1);
    return at;
}

// Which sessions are asked for; what is empty is not asked.
struct filter {
    std::string endpoint, login, state; // endpoint: COLOR/NAME
    std::optional<net::address_range> address;
    double older_than_s = 0;
    bool lets(const session_snapshot& s) const
    {
        return (endpoint.empty() || s.color + "/" + s.endpoint == endpoint) &&
               (login.empty() || s.login == login) && (state.empty() || s.state == state) &&
               (!address || address->contains(s.peer)) && s.age_s >= older_than_s;
    }
};

// What it takes, where `value` is something else.
std::optional<std::string> expected_of(filter& which, std::string_view name, std::string_view value)
{
    static constexpr std::array<std::string_view, 9> states{"connecting", "active", "waiting",
                                                            "quiescing",  "held",   "rebinding",
                                                            "pinned",     "parked", "closing"};
    if (name == "endpoint") {
        which.endpoint = value;
        const auto slash = value.find('/');
        return broker::color_from(value.substr(0, slash)) && slash != value.npos
                   ? std::nullopt
                   : std::optional<std::string>("COLOR/NAME");
    }
    if (name == "login") {
        which.login = value;
        return std::nullopt;
    }
    if (name == "state") {
        which.state = value;
        return std::ranges::find(states, value) != states.end()
                   ? std::nullopt
                   : std::optional<std::string>("a state as /v1/status names them");
    }
    if (name == "address") {
        which.address = net::parse_address_range(value);
        return which.address ? std::nullopt
                             : std::optional<std::string>("an address, or a block like 10.0.0.0/8");
    }
    const auto age = duration_from(value); // older_than
    which.older_than_s = age ? std::chrono::duration<double>(*age).count() : 0;
    return age ? std::nullopt : std::optional<std::string>("a duration as in 90s or 2h");
}

boost::json::object page_of(
    std::vector<session_snapshot> all, double session_snapshot::* key,
    const std::optional<place>& behind, std::size_t limit)
{
    const auto at = [key](const session_snapshot& s) {
        return place{key != nullptr ? s.*key : 0, s.id};
    };
    const auto total = all.size();
    if (behind) {
        std::erase_if(all, [&](const session_snapshot& s) { return !behind->before(at(s)); });
    }
    const auto shown = std::min(limit, all.size());
    std::ranges::partial_sort(
        all, all.begin() + static_cast<std::ptrdiff_t>(shown),
        [&](const session_snapshot& a, const session_snapshot& b) { return at(a).before(at(b)); });
    boost::json::array rows;
    for (std::size_t i = 0; i < shown; ++i) {
        rows.push_back(to_json(all[i]));
    }
    const bool more = shown != 0 && shown < all.size();
    return {
        {"sessions", std::move(rows)},
        {"next",
         more ? boost::json::value(cursor_of(at(all[shown - 1]))) : boost::json::value(nullptr)},
        {"total", total}};
}

} // namespace

void api::sessions(call& the_call)
{
    const auto bad = [&](const char* field, const char* expected) {
        the_call.done(problem_response(
            {400, "bad-field", "Bad query parameter", expected, field, {}}, epoch()));
    };
    static constexpr std::array<std::string_view, 5> filters{
        "endpoint", "login", "state", "address", "older_than"};
    filter which;
    for (const auto& [name, value] : the_call.target.query) {
        if (std::ranges::find(filters, name) != filters.end()) {
            if (const auto expected = expected_of(which, name, value)) {
                bad(name.c_str(), expected->c_str());
                return;
            }
        } else if (name != "limit" && name != "cursor" && name != "sort") {
            bad(name.c_str(), "limit, cursor, sort, endpoint, login, state, address or older_than");
            return;
        }
    }
    std::size_t limit = limit_default;
    if (const auto text = the_call.target.parameter("limit")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
        if (error != std::errc{} || end != text->data() + text->size() || limit == 0 ||
            limit > limit_max) {
            bad("limit", "1 to 1000");
            return;
        }
    }
    double session_snapshot::* key = nullptr;
    if (const auto text = the_call.target.parameter("sort")) {
        const auto known = key_of(*text);
        if (!known) {
            bad("sort", "held, age or rate");
            return;
        }
        key = *known;
    }
    std::optional<place> behind;
    if (const auto text = the_call.target.parameter("cursor")) {
        behind = place_from(*text);
        if (!behind) {
            bad("cursor", "the `next` of the page before");
            return;
        }
    }
    control_.sessions([done = the_call.done, key, behind, limit,
                       which = std::move(which)](std::vector<session_snapshot> all) {
        std::erase_if(all, [&](const session_snapshot& s) { return !which.lets(s); });
        done(json_response(200, page_of(std::move(all), key, behind, limit)));
    });
}

void api::disconnect(call& the_call)
{
    const auto session = the_call.parameters.at(0);
    the_call.note->audited = true;
    control_.disconnect(session, the_call.who, [this, done = the_call.done, session](bool found) {
        done(
            found ? http_response{204, {}, "", std::nullopt}
                  : problem_response(
                        {404, "no-such-session", "No such session", session, "id", {}}, epoch()));
    });
}

} // namespace control
