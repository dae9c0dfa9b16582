// A client's frame that a broker refused, once it is known whose it was: switch.md E1 to E6. The
// client gets the broker's ERROR and goes on, or is closed where the broker closed; nobody else
// notices.

#include "gateway/core/routing/router.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace gateway {

// E2: where no frame is named, what was SUBSCRIBEd on a link of a session's own is that session's.
// A standby's link is lost for it, a pinned session tries again (S8).
client_session* router::session_of(const link_record& l, const broker::written_frame& frame)
{
    if (frame.session != session_id::none || frame.what != broker::frame_kind::other) {
        return find(frame.session);
    }
    client_session* s = find(l.owner);
    return s != nullptr && l.at().color == s->live && s->pinned == 0 ? s : nullptr;
}

} // namespace gateway
