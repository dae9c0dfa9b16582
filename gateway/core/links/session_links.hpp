#pragma once

// The links of one session on one color: which links it needs, how it gets them, and how it leaves
// them.
//
// Threading:  belongs to one shard.

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/links/share_groups.hpp"

namespace gateway {

class session_links : workbench {
public:
    session_links(
        shard_state& shard, login_quotas& quotas, link_table& links, share_groups& groups)
        noexcept
        : workbench(shard), quotas_(quotas), links_(links), groups_(groups)
    {
    }

    bool needs_own(const client_session& s) const;
    bool bind_links(client_session& s, binding& b, color c, time_point now);
    void move_to_own(client_session& s, binding& b, time_point now);
    void forget_links(client_session& s, binding& b, time_point now);

private:
    bool may_have_own(share_group& g, client_session& s, time_point now);

    login_quotas& quotas_;
    link_table& links_;
    share_groups& groups_;
};

} // namespace gateway
