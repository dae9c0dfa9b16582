#pragma once

// Share groups: which shared link a session uses, and which sessions wait for one. A group is one
// identity at one endpoint.
//
// Threading:  belongs to one shard.

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"

namespace gateway {

class share_groups : workbench {
public:
    share_groups(shard_state& shard, login_quotas& quotas, link_table& links) noexcept
        : workbench(shard), quotas_(quotas), links_(links)
    {
    }

    // E10: SUBSCRIBEs that nothing tried are open on it, or an ERROR that may end it for one, and
    // they are another session's.
    static bool is_risked(const link_record& l, const client_session& by) noexcept
    {
        return is_risked(l) && l.untried != by.id;
    }
    share_group& group_for(identity& who, endpoint_ref at);
    bool may_dial(share_group& g, client_session& s, time_point now, link_role role);
    void wait_in(share_group& g, client_session& s, binding& b);
    link_record* pick_publish(share_group& g, client_session& s, time_point now);
    link_record* pick_subscribe(share_group& g, color c, time_point now);
    link_record* pick_untried(share_group& g, const client_session& s, bool& waits);
    bool wait_turn(share_group& g, client_session& s, binding& b, time_point now);
    void retry_turns(share_group& g, time_point now);

private:
    static bool is_risked(const link_record& l) noexcept
    {
        return l.untried != session_id::none && (l.open_subscribes > 0 || l.core.searching());
    }
    bool carries_only(const link_record& l, const client_session& s) const;

    login_quotas& quotas_;
    link_table& links_;
};

} // namespace gateway
