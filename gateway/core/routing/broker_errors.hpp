#pragma once

// Brings a broker's ERROR to the client whose frame it answers, with that client's own names (E1,
// E2).
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/links/ended_links.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

namespace gateway {

class broker_errors : workbench {
public:
    broker_errors(
        shard_state& shard, ended_links& ended, subscribe_trials& trials,
        wire_subscriptions& subscriptions, readiness& readiness, binder& binder,
        endings& endings) noexcept
        : workbench(shard), ended_(ended), trials_(trials), subscriptions_(subscriptions),
          readiness_(readiness), binder_(binder), endings_(endings)
    {
    }

    // The broker's ERROR as it came, but with the client's own names; the session goes on.
    void forward_error(
        client_session& s, const broker::broker_error& error, std::string_view receipt);
    // Whose an ERROR is that names that frame, or none; null: nobody's.
    client_session* session_of(const link_record& l, const broker::written_frame& frame);
    void note_named(client_session& s, const link_record& l, time_point now);
    void on_ended(link_record& l, const broker::finding& what, time_point now);
    void on_wire_failed(wire_subscription& w, const broker::broker_error& why, time_point now);
    void on_refused(
        client_session& s, color c, const std::string& why, const broker::broker_error* error,
        time_point now);

private:
    std::string with_names_of(const client_session& s, std::string_view text) const;
    // As STOMP demands where the broker closed, too.
    void close_for_error(client_session& s, std::string_view text, time_point now);

    ended_links& ended_;
    subscribe_trials& trials_;
    wire_subscriptions& subscriptions_;
    readiness& readiness_;
    binder& binder_;
    endings& endings_;
};

} // namespace gateway
