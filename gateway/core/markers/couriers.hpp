#pragma once

// Chooses the link that carries a marker, and dials one where none exists. switch.md M1 (one marker
// per endpoint), M3. It also tries a marker on an identity's first broadcast SUBSCRIBE (B1).
//
// Threading:  belongs to one shard.
// Lifetime:   links that were dialled to carry markers, and their groups, are kept from the first
//             marker that needs them until release(), after the last seam of a switch.
// Invariants:
// (1) A marker rides only on a link whose barrier proves `routed` (M4), and within its virtual
//     host.
// (2) A marker that joins a seam names the seam. A trial's marker names none, and joins nothing
//     (M6).
// (3) Each marker is sealed. A message in which somebody else copies a marker's words is not a
//     marker (K2).


#include "gateway/core/links/link_table.hpp"
#include "gateway/core/markers/marker_text.hpp"
#include "gateway/core/links/share_groups.hpp"
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

class couriers : workbench {
public:
    couriers(shard_state& shard, link_table& links, share_groups& groups) noexcept
        : workbench(shard), links_(links), groups_(groups)
    {
    }

    // Null: none is ready.
    link_record* pick(const wire_subscription& w, endpoint_ref from);
    void dial(identity& who, endpoint_ref from, time_point now, bool at_once = false);
    bool dials(const identity& who, endpoint_ref from) const;
    // Behind the last seam of a switch. Gives the groups that were kept, for their release.
    std::vector<share_group*> release(time_point now);

    // False: no link there carries it. `joins`: the switch whose seam it joins; 0: a trial.
    bool send(const wire_subscription& w, endpoint_ref from, control::switch_number joins);
    // P7: one mark of a pair; `by`: a link at that endpoint.
    void send_pair_mark(
        const wire_subscription& w, endpoint_ref from, std::uint64_t number_of, link_id by);
    // `by`: the link that the group's markers rode on so far.
    void send_together(const wire_subscription& w, control::switch_number joins, link_id& by);

    void send_trial(const wire_subscription& w, link_record& by, time_point now);

private:
    link_table& links_;
    share_groups& groups_;
    std::vector<share_group*> kept_groups_;                              // kept for their links
    std::map<std::pair<endpoint_ref, std::string>, link_id> carriers_; // by endpoint and host
};

} // namespace gateway
