#pragma once

// The admin API (contract.md "Admin API"): a request comes in, a response goes out. openapi.json
// beside this file describes it.
//
// Threading:  control thread. `done` is called once: within handle(), or later when members had to
//             be asked.
// Lifetime:   outlived by its control_service. It outlives the api_server.
// Invariants:
// (1) GET changes nothing. Every request that changes something needs at least the role operator.
// (2) Every route is in the table of routes(), and openapi.json names exactly these routes (a test
//     compares them).

#include "control/service/control_service.hpp"
#include "control/api/http_message.hpp"
#include "control/api/token_brake.hpp"
#include "control/api/tokens.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace control {

struct api_options {
    std::string version;
    // None: loopback or unix socket only, everybody there is admin.
    std::optional<token_file> tokens;
    bool open_metrics = false; // /metrics asks for no token
    // Also of who comes by a unix socket. Else the file's mode and group say who may, and who comes is
    // admin.
    bool sockets_ask_tokens = true;
    // No tokens on TCP: the Host must be local, or a web page could steer us.
    bool local_names_only = true;
    std::function<std::string()> metrics; // the Prometheus text
    std::function<std::string()> stuck;   // which part does not run any more; empty: all do
    // After each answer: the route's pattern, "other" where there is none.
    std::function<void(std::string_view route, unsigned status)> answered;
};

class api {
public:
    struct call; // one request on its way through
    struct route {
        std::string_view method;
        std::string_view pattern; // "/v1/switches/{id}"
        role needed = role::viewer;
        void (api::*handler)(call&) = nullptr;
    };

    using respond = std::function<void(http_response)>;

    api(control_service& control, api_options options, log_sink log);

    void handle(http_request request, respond done);
    // How long a request waits before it is handled, because of wrong tokens from its address;
    // nullopt: too many wait there, it gets too_many(). Health never waits.
    std::optional<net::duration> pause_before(const http_request& request, net::time_point now);
    http_response too_many() const;
    // A reload: other tokens from now on; none: as in api_options.
    void set_tokens(std::optional<token_file> tokens) { options_.tokens = std::move(tokens); }
    std::uint64_t auth_failures() const noexcept { return auth_failures_; }
    // What a watcher has not got yet, as text of an event stream; `at` moves on. `ended`: nothing
    // will follow.
    struct event_text {
        std::string text;
        bool ended = false;
    };
    event_text next_events(event_stream& at) const;

    static std::span<const route> routes() noexcept;

private:
    // audit.cpp: a change that was asked for and not made. What the service was asked for, it says
    // itself.
    struct audit_note;
    void audit_refusal(
        const audit_note& note, const http_request& request, std::string_view pattern,
        const http_response& answer);
    // access.cpp: nullopt where the request may go on
    std::optional<http_response> refused_repeats(const http_request& request) const;
    std::optional<http_response> refused_origin(const http_request& request) const;
    std::optional<http_response> refused_role(call& the_call, role needed);
    void note_wrong_token(const std::string& peer);

    void status(call& the_call);
    void pools(call& the_call);
    void members(call& the_call);
    void sessions(call& the_call);
    void disconnect(call& the_call);
    void drain_endpoint(call& the_call);
    void undrain_endpoint(call& the_call);
    void order_endpoint(call& the_call, bool drained);
    void drain_self(call& the_call);
    void show_way_out(call& the_call);
    void reload(call& the_call);
    void configuration(call& the_call);
    void start_switch(call& the_call);
    void list_switches(call& the_call);
    void show_switch(call& the_call);
    void watch_switch(call& the_call);
    void abort_switch_by_id(call& the_call);
    void go_on(call& the_call);
    void live(call& the_call);
    void ready(call& the_call);
    void metrics(call& the_call);
    void openapi(call& the_call);
    void dashboard(call& the_call);

    bool idempotent_replay(call& the_call, const std::string& key);
    void answer_switch(call& the_call, const switch_answer& answer, const std::string& key);
    const switch_record* record_of(call& the_call) const;
    epoch_number epoch() const noexcept { return control_.state().epoch; }

    struct remembered_key {
        std::string key, body;
        switch_number id = 0;
        net::time_point since{};
    };

    control_service& control_;
    api_options options_;
    log_sink log_;
    std::deque<remembered_key> keys_; // oldest first, at most keys_max, for a day
    token_brake brake_;
    std::uint64_t auth_failures_ = 0; // requests without a valid token
    // Of who is nobody, a few refusals in each window have a line of their own.
    net::time_point strangers_until_{};
    std::uint64_t strangers_ = 0, strangers_untold_ = 0;
};

struct api::audit_note {
    std::string who;
    bool stranger = false; // nobody knows who that is
    bool audited = false;  // by the service
    std::vector<log_field> more;
};

struct api::call {
    http_request request;
    request_target target;
    std::vector<std::string> parameters; // of the pattern, in order
    std::string who;                     // for the audit line
    std::shared_ptr<audit_note> note;
    respond done;
};

} // namespace control
