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

namespace {

using control::switch_phase;

constexpr std::array decided_spans{
    std::pair{switch_span::preparing, switch_phase::preparing},
    std::pair{switch_span::paused, switch_phase::paused},
    std::pair{switch_span::holding, switch_phase::holding},
    std::pair{switch_span::writing, switch_phase::writing},
    std::pair{switch_span::committing, switch_phase::committing},
    std::pair{switch_span::joining, switch_phase::joining},
    std::pair{switch_span::aborting, switch_phase::aborting}};

} // namespace

void control_counters::count_switch(const control::switch_record& record, net::time_point now)
{
    using enum control::switch_result;
    const auto result = record.result;
    const control::tally n = record.total();
    for (const auto& [span, phase] : decided_spans) {
        if (const auto spent = record.time_in(phase, now)) {
            switch_duration[span].observe(*spent);
        }
    }
    switch_duration[switch_span::total].observe(
        record.final_since.value_or(now) - record.started);
    ++switches[record.to][result == switched  ? switch_ending::switched
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
    possibly_duplicated +=
        n.overlap_twins + (accounted > n.accepted ? accounted - n.accepted : 0);
}

void control_counters::count_drain(const control::switch_record& record, net::time_point now)
{
    if (const auto spent = record.time_in(switch_phase::draining, now)) {
        switch_duration[switch_span::draining].observe(*spent);
    }
}

} // namespace gateway
