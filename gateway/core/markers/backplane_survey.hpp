#pragma once

// `brokers.backplane: auto`. Finds out while a switch is prepared whether both colors deliver the
// same messages: a marker from a link of the live color to a queue of a link of the other color
// arrives, or does not. switch.md P9.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Every question ends: its marker came, or the broker had routed it and some time has passed,
//     or connect_timeout has passed since the order: then the switch fails, unless nobody reads
//     what could come twice.
// (2) No standby subscribes, and nobody is prepared, while a question is open.
// (3) The queue belongs to the link that reads it, and goes with it or at the switch's end.

#include "broker/link.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gateway {

class backplane_survey : workbench {
public:
    backplane_survey(shard_state& shard, couriers& couriers, cluster_survey& worlds) noexcept
        : workbench(shard), couriers_(couriers), worlds_(worlds)
    {
    }

    // For the preflight. True: it is to be found out, and no link of the live color can ask.
    bool is_unknown() const;
    // A switch was ordered. `keeps`: pairs of the one before are open, so nothing changes (P1).
    void begin(bool keeps, time_point now);
    void look_again(time_point now); // a link came up, or was lost
    void go_on(time_point now);      // due::backplane
    void give_up() noexcept;         // it was aborted
    void stop(time_point now);       // the switch and its seams are over

    // What came to a link's own queue. True: a marker that came too late, when the colors were taken
    // for separate already.
    bool on_own_message(const link_record& l, const stomp::frame_view& frame, time_point now);
    // The broker has taken what was asked for on `l`: the queue's SUBSCRIBE, or a marker.
    void on_taken(const link_record& l, std::uint64_t number, time_point now);
    // True, once: no answer was to be had, and messages may come twice. The switch fails.
    bool take_undecided() noexcept { return std::exchange(undecided_, false); }
    // True, once: they are one world, and standbys subscribed before that was known.
    bool take_late() noexcept { return std::exchange(late_, false); }

private:
    struct reader { // a link of the color to come, and its queue
        endpoint_ref at;
        link_id link = link_id::none;
        bool asked = false, subscribed = false;
        unsigned losses = 0; // of links that had SUBSCRIBEd
    };
    struct question {
        endpoint_ref from, at;
        std::uint64_t number;
        link_id asked = link_id::none;
        time_point sent{}, until = net::never;
    };

    bool is_asked(const link_record& l) const;
    link_record* ready_at(endpoint_ref where, std::string_view host) const;
    enum class step : std::uint8_t { waits, over, undecided };
    step open(reader& r);
    step ask(question& q, const reader& r, time_point now);
    void ask_first(time_point now);
    void decide(time_point now);

    couriers& couriers_;
    cluster_survey& worlds_;
    std::string host_; // the virtual host that is asked in
    std::vector<reader> readers_;
    std::vector<question> questions_;
    std::uint64_t last_number_ = 0;
    time_point until_{};
    color from_ = color::blue, to_ = color::green;
    bool wanted_ = false; // no link was up yet that can ask
    bool unanswered_ = false, undecided_ = false, late_ = false;
};

} // namespace gateway
