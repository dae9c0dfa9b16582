#pragma once

// tealctl's commands over the HTTP API; each returns the exit status.
//
// Threading:  one thread.

#include "control/cli/exit_status.hpp"
#include "control/cli/http_client.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

namespace cli {

struct output {
    std::ostream& out; // results, parseable
    std::ostream& err; // sentences and progress
    bool json = false;
    bool quiet = false;
    bool colors = false;
    bool progress = false; // err is a terminal
    std::string token_file; // as given; empty: none
};

// Which sessions; empty fields: any.
struct session_filter {
    std::string at, login, state, address, older_than; // at: COLOR/NAME; address: or a block
    bool any() const noexcept
    {
        return !(
            at.empty() && login.empty() && state.empty() && address.empty() && older_than.empty());
    }
};

struct wait_options {
    bool wait = true;
    bool wait_drain = false;
    bool until_paused = false; // a pause ends the waiting, too
    std::optional<std::chrono::steady_clock::duration> timeout;
};

struct switch_options {
    std::string to;
    std::optional<std::uint64_t> if_epoch;
    std::string on_hold_timeout, max_failed, deadline, reason; // empty: the gateway's
    bool dry_run = false;
    bool pause = false; // prepared, and then it waits for go
    bool yes = false;
    bool ask = false; // stdin and stderr are a terminal: ask before switching, unless `yes`
    wait_options waiting;
};

class commands {
public:
    commands(http_client client, output to) : client_(std::move(client)), to_(to) {}

    // Says it on err, with -o json as an object; the status.
    int fail(int status, const std::string& sentence, const boost::json::object* problem = nullptr);

    int status();
    // One line, and the exit status of a monitoring plugin (check_status).
    int check();
    int switch_to(switch_options options);
    int rollback(switch_options options);
    int abort();
    int go(const wait_options& waiting);
    int watch(std::optional<std::uint64_t> id, const wait_options& waiting);
    int history();
    int report(std::uint64_t id); // one switch, whole
    int pools();
    // `all`: page after page, `limit` each.
    int
    sessions(const std::string& sort, std::uint64_t limit, bool all, const session_filter& which);
    int disconnect(const std::string& session);
    // Those that match now, so many a second.
    int disconnect_all(const session_filter& which, unsigned per_second);
    // `endpoint`: "blue/NAME" or "blue/H:P". Waits until no session and no link is left there.
    int drain(const std::string& endpoint, bool force, const wait_options& waiting);
    int undrain(const std::string& endpoint);
    // The gateway's configuration file, read again.
    int reload(bool dry_run);
    int show_configuration();
    // This gateway itself, before it stops; waits until it is drained where `waiting` says so.
    int drain_self(const wait_options& waiting);

private:
    // The body of a 2xx that has `field`; else the status to exit with, said on err.
    std::variant<boost::json::object, int> get(const std::string& target, std::string_view field);
    // The same of an answer that was got already.
    std::variant<boost::json::object, int> body_of(const reply& got, std::string_view field);
    std::variant<boost::json::object, int> pages(const std::string& query);
    int not_understood(const std::string& why);
    int refused(const reply& what);
    int not_reachable(const unreachable& what);
    int post_switch(const switch_options& options, const std::string& if_match);
    int wait_for(std::uint64_t id, const wait_options& waiting);
    int finish(const boost::json::object& report);
    int show_paused(std::uint64_t id);
    std::variant<boost::json::object, int>
    order_endpoint(const std::string& endpoint, const char* order, const std::string& body);
    int wait_until_drained(
        const std::string& color, const std::string& name, const wait_options& waiting);
    int wait_until_gone(const wait_options& waiting);
    bool confirmed(const switch_options& options, const boost::json::object& status);
    void show_progress(std::uint64_t id, const boost::json::object& now);
    void clear_progress();
    int show(
        const boost::json::object& body,
        void (*table)(std::ostream&, const boost::json::object&, bool));

    http_client client_;
    output to_;
};

// RFC 3986 section 2.3: all but the unreserved is encoded.
std::string encoded(const std::string& text);
// nullopt: the text is no JSON object.
std::optional<boost::json::object> parsed(const std::string& text);
std::uint64_t number_at(const boost::json::object& object, std::string_view path);

// The exit status that a final report means.
int status_of(const boost::json::object& report);

} // namespace cli
