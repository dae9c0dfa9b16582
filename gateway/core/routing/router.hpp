#pragma once

// The heart of a shard, without I/O: events come in, effects go out, and an effect never calls
// back. The router puts the shard's rooms together and hands each event to the room that handles
// it. At the event's end it works off what the rooms noted (tables/noted.hpp).
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Everything refers by number. A lookup that finds nothing is normal.
// (2) A frame of one session is written only to links of its own bindings.
// (3) No client's SEND is written to the old color once this shard knows the decision (the fence).

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endings.hpp"
#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/ended_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/links/session_links.hpp"
#include "gateway/core/links/share_groups.hpp"
#include "gateway/core/markers/backplane_survey.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/markers/rejoin_markers.hpp"
#include "gateway/core/messages/acknowledgements.hpp"
#include "gateway/core/messages/lost_answers.hpp"
#include "gateway/core/messages/receipts.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/messages/to_client.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/routing/broker_answers.hpp"
#include "gateway/core/routing/broker_errors.hpp"
#include "gateway/core/routing/broker_events.hpp"
#include "gateway/core/routing/broker_messages.hpp"
#include "gateway/core/routing/client_acknowledges.hpp"
#include "gateway/core/routing/client_commands.hpp"
#include "gateway/core/routing/client_sends.hpp"
#include "gateway/core/routing/client_transactions.hpp"
#include "gateway/core/routing/snapshots.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/marker_trials.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"
#include "gateway/core/switching/switch_member.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace gateway {

// What a client that is sent away before this gateway stops still waits for.
enum class departure : std::uint8_t {
    acknowledging, // it has deliveries that it has not acknowledged
    awaiting,      // it is owed answers, or its frames wait for a broker
    free,          // nothing
};

class router final : private shard_owner, private workbench {
public:
    router(shard_settings settings, effects& out, shard_counters& counters);
    ~router();

    void start(color live, control::epoch_number epoch, time_point now);

    // ---- clients
    session_id open_client(
        std::string peer, std::vector<std::pair<std::string, std::string>> handshake,
        time_point now);
    // What applications are told of it, at once behind open_client.
    void tell_of_client(session_id id, client_origin what);
    bool wants_client(session_id id) const noexcept;
    // REQUIRES: wants_client(id).
    void on_client_frame(session_id id, const stomp::frame_view& frame, framing as, time_point now);
    // Bytes that are no frame: ERROR, then close; the neighbours notice nothing.
    void on_client_fault(session_id id, std::string_view sentence, time_point now);
    // CLOSE, FIN or reset, and nothing carried is left (S4).
    void on_client_gone(session_id id, time_point now);
    void on_client_backlog(session_id id, backlog level, time_point now); // a mark was crossed
    void on_carry_empty(session_id id); // all that was carried has been interpreted
    void on_client_written(session_id id, time_point now);

    // ---- limits.buffered_total
    std::uint32_t shard_number() const noexcept { return settings_.shard; }
    memory_budget& budget() noexcept { return shard_.budget; }
    const memory_budget& budget() const noexcept { return shard_.budget; }
    // Bytes of its CONNECT and of its handshake that a session keeps.
    std::size_t said_by(session_id id) const noexcept { return snapshots_.said_by(id); }
    // Everything that it makes this shard keep, beside its driver's buffers.
    std::size_t kept_for(session_id id) const noexcept { return snapshots_.kept_for(id); }
    // S14: from hold to commit no client is closed for what is buffered.
    bool may_close_for_memory() const noexcept { return switch_.phase < member_phase::holding; }
    // REQUIRES: may_close_for_memory(). It goes; nothing of it is written any more.
    void close_for_memory(session_id id, disconnect_reason why, time_point now);
    // S14: links that owe no answer are not read meanwhile.
    void stop_links_for_memory(bool on);
    // The right value of the budget, by a walk over everything; for checks.
    by<held_kind, gauge> recount() const
    {
        auto all = snapshots_.recount();
        all[held_kind::sessions] += trials_.recount();
        return all;
    }
    static constexpr std::array recounted{
        held_kind::sessions, held_kind::frames, held_kind::receipts, held_kind::deliveries};

    // ---- links
    void on_link_open(link_id id, time_point now);
    void on_link_frame(link_id id, const stomp::frame_view& frame, framing as, time_point now);
    void on_link_skipped(link_id id, const stomp::frame_view& head, time_point now); // too large
    // Also: it could not be dialled.
    void on_link_lost(link_id id, std::string_view why, time_point now);
    // Its handshake was judged and refused: final for this identity, and no fault of the endpoint.
    void on_link_refused(link_id id, std::string_view why, time_point now);
    void on_link_drained(link_id id, time_point now); // outbox below half of limits.broker_outbox
    void on_probe(endpoint_ref at, bool ok, std::string why, time_point now);

    // ---- the coordinator, the API
    void on_command(const control::command& command, time_point now)
    {
        member_.on_command(command, now);
        run_later(now);
    }
    control::member_snapshot snapshot() const { return snapshots_.snapshot(); }
    std::vector<control::session_snapshot> sessions(time_point now) const
    {
        return snapshots_.sessions(now);
    }
    bool disconnect(std::string_view session, time_point now);
    // outside.md A12. From now on the client gets nothing that it would have to acknowledge: that goes
    // back to its queue with the link. To be asked again until it is free.
    departure send_away(session_id id) noexcept;
    // Drained (on) or taken back. Within a switch it is only noted: nobody moves before that ended.
    void drain_endpoint(endpoint_ref where, bool on, time_point now)
    {
        moves_.drain(where, on, now);
    }
    // The configuration was loaded again. What `loaded` has of keys that need a restart is not looked at.
    // REQUIRES: no switch runs; endpoints have kept their places.
    void reload(shard_settings loaded, time_point now);
    bool backplane_unknown() const { return backplane_.is_unknown(); } // preflight
    std::uint64_t links_to_dial(color target) const                    // preflight
    {
        return snapshots_.links_to_dial(target);
    }
    std::uint64_t left_out() const noexcept { return counters_.login_waits; } // of it

    time_point next_deadline() const noexcept;
    void on_deadline(time_point now);

    // ---- state, for tests and checkers
    color live() const noexcept { return shard_.live; }
    control::epoch_number epoch() const noexcept { return shard_.epoch; }
    member_phase phase() const noexcept { return switch_.phase; }
    const client_session* session(session_id id) const noexcept { return find(id); }
    std::size_t session_count() const noexcept { return tables_.sessions.size(); }
    std::size_t link_count() const noexcept { return tables_.links.size(); }
    std::size_t wire_count() const noexcept { return tables_.wires.size(); }
    std::size_t group_count() const noexcept { return tables_.groups.size(); }
    std::size_t identity_count() const noexcept { return tables_.identities.size(); }
    std::size_t seam_count() const noexcept { return seams_.size(); }
    std::size_t deadline_count() const noexcept { return shard_.deadlines.size(); }
    const control::tally& numbers() const noexcept { return switch_.tally; }
    std::size_t open_windows() const { return pairing_.open_windows(switch_.id); }

private:
    void run_deadline(const deadline& d, time_point now);
    void run_session_deadline(client_session& s, due what, time_point now);
    void run_probes(time_point now);
    void say_numbers(time_point now);
    void run_later(time_point now); // what an event noted on its way
    void run_seams(time_point now);
    void prove_groups(time_point now);

    // The rooms, from the ground up: each knows only those before it.
    login_quotas quotas_{shard_};
    link_table links_{shard_, quotas_};
    share_groups groups_{shard_, quotas_, links_};
    session_links session_links_{shard_, quotas_, links_, groups_};
    ended_links ended_;
    send_accounts sends_{shard_};
    receipts receipts_{shard_};
    lost_answers lost_answers_{shard_, sends_, receipts_};
    to_client to_client_{shard_};
    acknowledgements acknowledgements_{shard_, receipts_};
    couriers couriers_{shard_, links_, groups_};
    cluster_survey survey_{shard_, couriers_};
    backplane_survey backplane_{shard_, couriers_, survey_};
    rejoin_markers fences_{shard_, couriers_};
    subscribe_trials trials_{shard_, links_, couriers_, survey_};
    marker_trials marker_trials_{shard_, couriers_, trials_};
    wire_pairing pairing_{shard_, to_client_, couriers_, survey_};
    wire_subscriptions subscriptions_{
        shard_, links_, groups_, receipts_, survey_, fences_, trials_, marker_trials_, pairing_};
    seam_table seams_{shard_, to_client_, couriers_, survey_, pairing_, subscriptions_};
    readiness readiness_{shard_, links_, survey_, pairing_, seams_};
    lingering_links lingering_{shard_, links_};
    binder binder_{
        shard_, quotas_, links_, groups_, session_links_, trials_, pairing_, subscriptions_,
        readiness_};
    endings endings_{
        shard_, links_, sends_, receipts_, subscriptions_, seams_, readiness_, lingering_, binder_};
    endpoint_moves moves_{
        shard_, links_, couriers_, subscriptions_, readiness_, lingering_, binder_};
    switch_member member_{
        shard_, links_, sends_, receipts_, to_client_, couriers_, survey_, backplane_, pairing_,
        subscriptions_, seams_, readiness_, lingering_, binder_, endings_, moves_};
    client_sends client_sends_{
        shard_, links_, session_links_, ended_, sends_, pairing_, lingering_, binder_, endings_};
    client_acknowledges client_acknowledges_{shard_, receipts_, acknowledgements_, endings_};
    client_transactions client_transactions_{
        shard_, links_, sends_, receipts_, endings_, client_sends_, client_acknowledges_};
    client_commands client_commands_{
        shard_, receipts_, subscriptions_, seams_, binder_, endings_, client_sends_,
        client_acknowledges_, client_transactions_};
    broker_errors errors_{
        shard_, ended_, trials_, subscriptions_, readiness_, binder_, endings_};
    broker_messages messages_{
        shard_, to_client_, survey_, fences_, pairing_, seams_, lingering_, moves_, member_};
    broker_answers answers_{
        shard_, session_links_, sends_, receipts_, backplane_, subscriptions_, readiness_, binder_,
        endings_, moves_};
    broker_events events_{
        shard_, quotas_, links_, sends_, lost_answers_, survey_, backplane_, trials_,
        subscriptions_, seams_, readiness_, lingering_, binder_, moves_, member_, errors_,
        messages_, answers_};
    snapshots snapshots_{shard_, session_links_, sends_};
    std::vector<link_id> stopped_links_; // stop_links_for_memory
};

} // namespace gateway
