#pragma once

// Which endpoints of a color are one message world, as shown by the markers that arrived. switch.md
// M2.

#include "control/protocol/switch_messages.hpp"

#include <map>
#include <optional>
#include <utility>

namespace gateway {

class message_worlds {
public:
    using endpoint_ref = control::endpoint_ref;

    // A marker SENT at `from` arrived at a subscription at `to`, or did not arrive in time.
    void came(endpoint_ref from, endpoint_ref to) { tried_[{from, to}] = true; }
    void none_came(endpoint_ref from, endpoint_ref to) { tried_[{from, to}] = false; }
    // It was down, and may have joined another cluster.
    void forget(endpoint_ref which);

    // Whether what is SENT at `a` comes to who reads at `b`; nothing: not known. That is the same
    // both ways and through a third, so one marker that came says it for all that are connected by
    // such; that one did not come may have had other reasons.
    std::optional<bool> one(endpoint_ref a, endpoint_ref b) const;

private:
    std::map<std::pair<endpoint_ref, endpoint_ref>, bool> tried_; // from, to
};

} // namespace gateway
