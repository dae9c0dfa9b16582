#pragma once

// The heart of a shard, without I/O: the tables of sessions, links and wire subscriptions, and
// every rule that moves a frame or a binding. Events come in, effects go out. An effect never calls
// back.
//
// The router's own files have one subject each:
//   router_clients.cpp        a client's frames in order, and CONNECT
//   router_frames.cpp         SEND and subscriptions: which frame waits for which answer
//   router_transactions.cpp   transactions: buffered here, sent to a broker within one turn
//   router_endings.cpp        receipts, DISCONNECT, ERROR, a client that is gone
//   router_binding.cpp        which links a session needs on a color; parking
//   router_groups.cpp         shared links: which one to use, who waits for it, when it is left
//   router_links.cpp          a link's life: dial, trial, up, leave
//   router_answers.cpp        what links owe, and who waits for it
//   router_losses.cpp         what happens when a link is lost
//   router_errors.cpp         ERRORs: for a link, a login or a subscription
//   router_refusals.cpp       a client's frame that a broker refused, once it is known whose it was
//   router_subscriptions.cpp  wire subscriptions: sharing and confirmation
//   router_leave.cpp          wire subscriptions: refused, lost, left
//   router_messages.cpp       MESSAGEs to clients
//   router_acknowledge.cpp    acknowledgements to brokers, and clients that do not read
//   router_markers.cpp        what each marker means that is read
//   router_deadlines.cpp      everything that waits for a time
//   router_memory.cpp         what each session makes the shard keep; who is closed for it
//   router_report.cpp         numbers and snapshots
// Parts that have state of their own are classes of their own. They work on the same tables
// (shard_part) and ask the router for everything that touches bindings, links and members
// (shard_actions):
//   shard_member              this shard as a member of a switch (switch.md)
//   marker_couriers           which link carries a marker
//   world_survey              from which endpoints markers arrive
//   marker_fences             sessions that join a subscription which others read already
//   endpoint_moves            a move inside a color: an endpoint is drained
//   login_quotas              how many links one login may have
//   lingering_links           links that were left and still owe an answer
//   subscribe_trials          SUBSCRIBEs are tried where they hurt nobody
//   send_accounts             what became of each session's SENDs
//   ended_links               what ended a shared link, and now goes on its sender's own link
//   seam_table                where one color ends and the other begins
//   wire_pairing              backplane `shared`: both colors deliver the same messages
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Everything refers by number. A lookup that finds nothing is normal.
// (2) A frame of one session is written only to links of its own bindings.
// (3) No client's SEND is written to the old color once this shard knows the decision (the fence).

#include "broker/dial_pacer.hpp"
#include "gateway/core/pairing/digest_memory.hpp"
#include "gateway/core/links/ended_links.hpp"
#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/markers/couriers.hpp"
#include "gateway/core/markers/rejoin_markers.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/routing/shard_actions.hpp"
#include "gateway/core/switching/switch_member.hpp"
#include "gateway/core/links/short_lives.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/markers/cluster_survey.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace gateway {

class router final : private shard_owner, private shard_part, private shard_actions {
public:
    router(core_settings settings, effects& out, shard_counters& counters);
    ~router();

    void start(color live, control::epoch_number epoch, time_point now);

    // ---- clients
    session_id open_client(
        std::string peer, std::vector<std::pair<std::string, std::string>> handshake,
        time_point now);
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

    // ---- limits.buffered_total: router_memory.cpp
    std::uint32_t shard_number() const noexcept { return settings_.shard; }
    memory_budget& budget() noexcept { return shard_.budget; }
    const memory_budget& budget() const noexcept { return shard_.budget; }
    // Bytes of its CONNECT and of its handshake that a session keeps.
    std::size_t said_by(session_id id) const noexcept;
    // Everything that it makes this shard keep, beside its driver's buffers.
    std::size_t kept_for(session_id id) const noexcept;
    // S14: from hold to commit no client is closed for what is buffered.
    bool may_close_for_memory() const noexcept { return switch_.phase < member_phase::holding; }
    // REQUIRES: may_close_for_memory(). It goes; nothing of it is written any more.
    void close_for_memory(session_id id, disconnect_reason why, time_point now);
    // S14: links that owe no answer are not read meanwhile.
    void stop_links_for_memory(bool on);
    // The right value of the budget, by a walk over everything; for checks.
    by<held_kind, gauge> recount() const;
    static constexpr std::array recounted{
        held_kind::sessions, held_kind::frames, held_kind::receipts, held_kind::deliveries};

    // ---- links
    void on_link_open(link_id id, time_point now);
    void on_link_frame(link_id id, const stomp::frame_view& frame, framing as, time_point now);
    void on_link_skipped(link_id id, const stomp::frame_view& head, time_point now); // too large
    // Also: it could not be dialled.
    void on_link_lost(link_id id, std::string_view why, time_point now);
    void on_link_drained(link_id id, time_point now); // outbox below half of limits.broker_outbox
    void on_probe(endpoint_ref at, bool ok, std::string why, time_point now);

    // ---- the coordinator, the API
    void on_command(const control::command& command, time_point now)
    {
        member_.on_command(command, now);
        run_later(now);
    }
    control::member_snapshot snapshot() const;
    std::vector<control::session_snapshot> sessions(time_point now) const;
    bool disconnect(std::string_view session, time_point now);
    // Drained (on) or taken back. Within a switch it is only noted: nobody moves before that ended.
    void drain_endpoint(endpoint_ref where, bool on, time_point now)
    {
        moves_.drain(where, on, now);
    }
    std::uint64_t links_to_dial(color target) const; // preflight
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
    void run_later(time_point now); // what an event noted on its way

    // ---- router_clients.cpp
    void connect(client_session& s, const stomp::frame_view& frame, time_point now);
    // False: not yet. The frame and all later ones wait.
    bool perform(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    bool can_send(client_session& s, time_point now);
    static bool answers_old(const client_session& s, std::string_view destination);
    static void note_answers(client_session& s, std::string_view destination, bool asks);
    bool
    acknowledges_elsewhere(const client_session& s, const stomp::frame& ack, link_id here) const;
    void send_answer(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    static void learn_reply_address(client_session& s, std::string_view address, color from);
    static void learn_reply_address(
        client_session& s, const wire_subscription& w, std::string_view address);
    void mark_used(link_record& l, time_point now);
    void enqueue(client_session& s, const stomp::frame_view& frame, framing as);
    void pump(client_session& s, time_point now);
    std::string_view next_own_id();
    bool client_send(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    void client_subscribe(client_session& s, const stomp::frame_view& frame, time_point now);
    void client_unsubscribe(client_session& s, const stomp::frame_view& frame, time_point now);
    static std::optional<std::string_view>
    said_ack(const client_session& s, const stomp::frame_view& frame);
    bool check_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now);
    void client_acknowledge(client_session& s, const stomp::frame_view& frame, time_point now);
    bool client_transaction(client_session& s, const stomp::frame_view& frame, time_point now);
    void commit_at_broker(
        client_session& s, const transaction& t, std::string_view receipt, time_point now);
    bool buffer(client_session& s, const stomp::frame_view& frame, framing as, time_point now);
    void client_disconnect(client_session& s, const stomp::frame_view& frame, time_point now);
    void answer_receipt(client_session& s, std::string_view receipt);
    void send_receipt(client_session& s, std::string_view receipt) override;
    void fail_client(
        client_session& s, std::string_view sentence, std::string_view receipt,
        disconnect_reason why, time_point now) override;
    void finish_closing(client_session& s, time_point now);
    void forget_kept(client_session& s) noexcept;
    void close(client_session& s, disconnect_reason why, std::string_view text) override;
    void end_session(client_session& s, time_point now) override;
    void enter(client_session& s, session_state to, time_point now) override;
    identity* identify(
        client_session& s, const stomp::frame_view& connect, std::string accept_version,
        stomp::version highest);

    // ---- router_binding.cpp
    bool advance(client_session& s, color c, time_point now) override;
    bool bind_links(client_session& s, binding& b, color c, time_point now);
    bool may_have_own(share_group& g, client_session& s, time_point now);
    bool replay(client_session& s, binding& b, color c, time_point now);
    bool choose_endpoint(client_session& s, binding& b, color c, time_point now);
    bool needs_own(const client_session& s) const;
    void on_bound(client_session& s, color c, time_point now);
    void on_refused(
        client_session& s, color c, const std::string& why, const broker::broker_error* error,
        time_point now);
    void unbind(client_session& s, color c, time_point now) override;
    void drop_new_wires(client_session& s, time_point now) override;
    void forget_links(client_session& s, binding& b, time_point now);
    void park(client_session& s, time_point now);
    void wake(share_group& g, time_point now);
    void wake_turns(share_group& g, time_point now);
    void release_group(share_group& g, time_point now) override;
    void release_kept(const std::vector<share_group*>& kept, time_point now) override;
    void release_identity(identity& who);
    void drop_if_unused(share_group& g);
    void wait_in(share_group& g, client_session& s, binding& b);
    bool may_dial(share_group& g, client_session& s, time_point now, link_role role);
    bool wait_turn(share_group& g, client_session& s, binding& b, time_point now);
    void retry_turns(share_group& g, time_point now);
    share_group& group_for(identity& who, endpoint_ref at) override;
    link_record* pick_publish(share_group& g, client_session& s, time_point now);
    link_record* pick_subscribe(share_group& g, color c, time_point now);
    void note_death(const link_record& l, time_point now);
    link_record* pick_untried(share_group& g, const client_session& s, bool& waits);
    bool carries_only(const link_record& l, const client_session& s) const;
    static bool is_risked(const link_record& l, const client_session& by) noexcept
    {
        return l.untried != session_id::none && l.untried != by.id && l.open_subscribes > 0;
    }
    void lost_link_of(client_session& s, color c, time_point now);
    void move_to_own(client_session& s, binding& b, time_point now);
    broker::dial_class dial_class_of(const share_group& g, time_point now) const noexcept;

    // ---- router_links.cpp
    enum class verdict : std::uint8_t { let_in, refused };
    void judge(const share_group& g, verdict what, time_point now);
    link_record& dial(share_group& g, link_role role, session_id owner, time_point now) override;
    void run_dials(time_point now);
    void run_barriers(time_point now);
    void on_event(
        link_record& l, broker::link_event event, const stomp::frame_view* frame, framing as,
        time_point now);
    void on_answered(link_record& l, const broker::owed_answer& owed, time_point now);
    void on_up(link_record& l, time_point now);
    void on_broker_error(link_record& l, broker::link_event& event, time_point now);
    void settle_owed(link_record& l, time_point now);
    void schedule(link_record& l)
    {
        if (l.core.next_deadline() != net::never)
            at(l.core.next_deadline(), due::link, number(l.core.id()));
    }
    void leave(link_record& l, time_point now) override;
    void erase_link(link_id id, time_point now);
    void lose_link(link_id id, std::string_view why, bool by_broker, time_point now);
    void blame(link_record& l, time_point now);
    void doubt_disconnect(const link_record& l);
    void name_unproven(const link_record& l);
    bool goes_afresh(link_record& l);

    // ---- router_refusals.cpp
    // Handles what was found out about a link's ERRORs. True: the broker ended it for a known
    // reason.
    bool on_news(link_id id, time_point now);
    bool on_finding(link_id id, broker::link_news::refusal& one, time_point now);
    void on_send_refused(link_record& l, broker::link_news::refusal& one, time_point now);
    void on_subscribe_refused(link_record& l, broker::finding& what, time_point now);
    client_session* session_of(const link_record& l, const broker::written_frame& frame);
    void on_ended(link_record& l, const broker::finding& what, time_point now);
    void note_named(client_session& s, const link_record& l, time_point now);
    // The broker's ERROR as it came, but with the client's own names; the session goes on.
    void forward_error(
        client_session& s, const broker::broker_error& error, std::string_view receipt);
    std::string with_names_of(const client_session& s, std::string_view text) const;
    // As STOMP demands where the broker closed, too.
    void close_for_error(client_session& s, std::string_view text, time_point now);
    void settled_owed(client_session& s, const broker::owed_answer& owed, color c);
    bool goes_alone(client_session& s, const stomp::frame_view& frame, time_point now);
    void ask_barrier(link_record& l, time_point now) override;
    void give_up_link(link_id id, std::string_view why, time_point now);

    // ---- router_subscriptions.cpp
    bool may_join(
        const client_session& s, const subscription& sub, const wire_subscription& w,
        member_state as) const;
    bool subscribe(client_session& s, subscription& sub, color c, member_state as, time_point now);
    link_record*
    shared_link(client_session& s, subscription& sub, color c, time_point now);
    void on_confirmed(wire_subscription& w, time_point now);
    void on_wire_failed(wire_subscription& w, const broker::broker_error& why, time_point now);
    void on_wire_cancelled(wire_subscription& w, const std::string& why, time_point now);
    void drop_member(
        wire_subscription& w, session_id session, std::uint32_t number, time_point now,
        std::string_view receipt) override;
    void
    drop_member(wire_subscription& w, session_id session, std::uint32_t number_of, time_point now)
    {
        drop_member(w, session, number_of, now, {});
    }
    void leave_wire(
        wire_subscription& w, session_id session, std::string_view receipt,
        time_point now) override;
    void erase_wire(wire_id id, time_point now) override;
    void lose_wire(wire_subscription& w, time_point now);

    // ---- router_messages.cpp
    void on_message(
        link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
        time_point now);
    void on_reply(link_record& l, const stomp::frame_view& frame, framing as, time_point now);
    void refuse_message(link_record& l, const wire_subscription& w, const stomp::frame_view& head);
    bool takes_requeue(const link_record& l) const;
    void deliver(
        client_session& s, wire_subscription& w, const wire_member& m,
        const stomp::frame_view& frame, framing as) override;
    void deliver_shared(
        client_session& s, wire_subscription& w, const wire_member& m,
        const kept_message& message) override;
    void count_late(const wire_subscription& w, const client_session& s);
    void note_stream_offset(
        const subscription& sub, color from, std::optional<std::uint64_t> offset) const;
    std::string client_head(
        client_session& s, wire_subscription& w, const subscription& sub,
        std::string_view broker_ack);
    void acknowledge(
        client_session& s, const delivery& d, bool negative, std::string_view extra,
        std::string_view receipt, time_point now);
    void fail_slow(client_session& s, time_point now);

    // ---- router_markers.cpp
    void on_marker(wire_subscription& w, std::string_view mark, time_point now);

    // ---- router_deadlines.cpp
    void retry_session(client_session& s, time_point now);
    void run_seams(time_point now);
    void prove_groups(time_point now);
    void close_overdue(client_session& s, time_point now);

    bool carry_marker(wire_subscription& w, time_point now) override
    {
        return trials_.carry_marker(w, now);
    }
    bool settled(const client_session& s) const override { return member_.settled(s); }

    broker::dial_pacer pacer_;
    short_lives short_lives_;
    digest_memory<verdict> judged_{std::chrono::hours{1}, judged_max}; // D1
    login_quotas quotas_{shard_};
    marker_couriers couriers_{shard_, *this};
    world_survey survey_{shard_, couriers_};
    subscribe_trials trials_{shard_, *this, couriers_, survey_};
    marker_fences fences_{shard_, couriers_};
    lingering_links lingering_{shard_, *this};
    endpoint_moves moves_{shard_, *this, couriers_, lingering_};
    send_accounts sends_{shard_};
    ended_links ended_;
    wire_pairing pairing_{shard_, *this, couriers_, survey_};
    seam_table seams_{shard_, *this, couriers_, survey_, pairing_};
    shard_member member_{
        shard_, *this, {couriers_, survey_, moves_, lingering_, sends_, pairing_, seams_, pacer_}};
    std::string own_id_; // of the SEND being written
    std::uint64_t sends_made_ = 0;
    bool barriers_due_ = false;
    std::vector<link_id> stopped_links_; // stop_links_for_memory
    static constexpr std::size_t judged_max = 16'384;
};

} // namespace gateway
