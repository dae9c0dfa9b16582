#pragma once

// How far this shard is in a switch: which standbys are ready, which sessions are settled, what is
// proven, and what the coordinator is told of it.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) The shard says `prepared` once every session of the order is ready or failed, and the proofs
//     were answered.
// (2) It says `held` once every session that the hold concerns is settled and its standby is ready
//     (S1, S2).

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"

namespace gateway {

class readiness : workbench {
public:
    readiness(
        shard_state& shard, link_table& links, cluster_survey& survey, wire_pairing& pairing,
        seam_table& seams) noexcept
        : workbench(shard), links_(links), survey_(survey), pairing_(pairing), seams_(seams)
    {
    }

    // ---- readiness.cpp
    void standby_ready(client_session& s, time_point now);
    void standby_failed(client_session& s, const std::string& why, time_point now);
    // S18: the new color refused its login.
    void standby_refused(client_session& s, const std::string& why, time_point now);
    void note_failed(client_session& s, control::session_failure failed);
    control::session_failure
    failure(const client_session& s, endpoint_ref at, std::string why) const;
    void standby_lost(client_session& s, time_point now);
    void check_prepared(time_point now); // says so when it is
    bool settled(const client_session& s) const;
    void try_hold(client_session& s, time_point now);
    void check_held(time_point now); // says so when it is
    void session_left_switch(client_session& s, time_point now);
    std::uint64_t unready() const noexcept; // sessions that lack a standby, in a pause (C14)

    // ---- tally.cpp
    void say(decltype(control::report::what) what);
    control::tally current_tally() const;
    void keep_past(control::switch_number id);
    void tell_past(); // C9: switches before this one

private:
    // ---- readiness.cpp
    bool standby_complete(const client_session& s) const;

    // ---- proofs.cpp
    void ask_proofs(time_point now);
    time_point proofs_until() const noexcept;
    bool proven_in_time(time_point now);

    // ---- tally.cpp
    std::uint64_t bytes_waiting() const noexcept;

    link_table& links_;
    cluster_survey& survey_;
    wire_pairing& pairing_;
    seam_table& seams_;
};

} // namespace gateway
