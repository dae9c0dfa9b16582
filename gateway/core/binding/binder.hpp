#pragma once

// Binds sessions to endpoints. Connecting, preparing a standby, binding again and parking are one
// function, advance(): it looks at what is missing, and asks for it. It never ends a session.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) A session has at most one binding on each color.
// (2) No session is bound while a switch holds it (S15), nor before it has left a drained endpoint
//     (M13).

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/links/session_links.hpp"
#include "gateway/core/links/share_groups.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"

namespace gateway {

class binder : workbench {
public:
    binder(
        shard_state& shard, login_quotas& quotas, link_table& links, share_groups& groups,
        session_links& session_links, subscribe_trials& trials, wire_pairing& pairing,
        wire_subscriptions& subscriptions, readiness& readiness) noexcept
        : workbench(shard), quotas_(quotas), links_(links), groups_(groups),
          session_links_(session_links), trials_(trials), pairing_(pairing),
          subscriptions_(subscriptions), readiness_(readiness)
    {
    }

    // ---- binder.cpp
    bool advance(client_session& s, color c, time_point now);

    // ---- unbind.cpp
    void unbind(client_session& s, color c, time_point now);
    void release_group(share_group& g, time_point now);
    void release_kept(const std::vector<share_group*>& kept, time_point now);
    void wake(share_group& g, time_point now);
    void wake_turns(share_group& g, time_point now);

    // ---- rebind.cpp
    void lost_link_of(client_session& s, color c, time_point now);
    void retry_session(client_session& s, time_point now);

private:
    // ---- binder.cpp
    bool choose_endpoint(client_session& s, binding& b, color c, time_point now);
    bool replay(client_session& s, binding& b, color c, time_point now);
    void on_bound(client_session& s, color c, time_point now);
    void remember_user(client_session& s);
    void park(client_session& s, time_point now);

    login_quotas& quotas_;
    link_table& links_;
    share_groups& groups_;
    session_links& session_links_;
    subscribe_trials& trials_;
    wire_pairing& pairing_;
    wire_subscriptions& subscriptions_;
    readiness& readiness_;
};

} // namespace gateway
