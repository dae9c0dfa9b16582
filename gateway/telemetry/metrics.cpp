#include "gateway/telemetry/metrics.hpp"

#include "control/record/switch_record.hpp"

namespace gateway {

void control_counters::count_request(std::string_view route, int status)
{
    const auto known = admin_requests.find({std::string{route}, status});
    if (known != admin_requests.end()) {
        ++known->second;
    } else if (admin_requests.size() < admin_series_max) {
        admin_requests.emplace(std::pair{std::string{route}, status}, 1);
    } else {
        ++admin_requests[{"other", 0}];
    }
}

void control_counters::count_switch(
    broker::color to, control::switch_result result, const control::tally& final_numbers)
{
    using enum control::switch_result;
    const auto& n = final_numbers;
    ++switches[to][result == switched  ? switch_ending::switched
                   : result == refused ? switch_ending::refused
                                       : switch_ending::aborted];
    moved += n.sessions_moved;
    pinned += n.sessions_pinned;
    failed += n.sessions_failed;
    seams_joined += n.seams_joined;
    seams_forced += n.seams_forced;
    seams_best_effort += n.seams_best_effort;
    receipts_in_doubt += n.in_doubt;
    // Computed, not guessed: SENDs that were accepted and that no other count holds.
    const auto accounted = n.confirmed + n.unconfirmed + n.open + n.held + n.refused + n.in_doubt;
    sends_accepted += n.accepted;
    sends_confirmed += n.confirmed;
    sends_unconfirmed += n.unconfirmed;
    sends_open += n.open;
    sends_refused += n.refused;
    sends_in_doubt += n.in_doubt;
    frames_lost += n.accepted > accounted ? n.accepted - accounted : 0;
}

} // namespace gateway
