#pragma once

// The events of a link: it is up, an answer, a MESSAGE or an ERROR arrives, it is lost.
//
// Threading:  belongs to one shard.
// Invariant:  whatever rode on a lost link is bound again or in doubt, and neighbours are not
//             suspected.

#include "gateway/core/binding/binder.hpp"
#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/markers/backplane_survey.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/messages/lost_answers.hpp"
#include "gateway/core/messages/send_accounts.hpp"
#include "gateway/core/readiness/readiness.hpp"
#include "gateway/core/routing/broker_answers.hpp"
#include "gateway/core/routing/broker_errors.hpp"
#include "gateway/core/routing/broker_messages.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/subscribe_trials.hpp"
#include "gateway/core/subscriptions/wire_subscriptions.hpp"
#include "gateway/core/switching/switch_member.hpp"

namespace gateway {

class broker_events : workbench {
public:
    broker_events(
        shard_state& shard, login_quotas& quotas, link_table& links, send_accounts& sends,
        lost_answers& lost_answers, cluster_survey& survey, backplane_survey& backplane,
        subscribe_trials& trials, wire_subscriptions& subscriptions, seam_table& seams,
        readiness& readiness, lingering_links& lingering, binder& binder, endpoint_moves& moves,
        switch_member& member, broker_errors& errors, broker_messages& messages,
        broker_answers& answers) noexcept
        : workbench(shard), quotas_(quotas), links_(links), sends_(sends),
          lost_answers_(lost_answers), survey_(survey), backplane_(backplane), trials_(trials),
          subscriptions_(subscriptions), seams_(seams), readiness_(readiness),
          lingering_(lingering), binder_(binder), moves_(moves), member_(member), errors_(errors),
          messages_(messages), answers_(answers)
    {
    }

    // ---- broker_events.cpp
    void on_event(
        link_record& l, broker::link_event event, const stomp::frame_view* frame, framing as,
        time_point now);
    // What it was to be logged in by was refused. `error`: as the broker said it; null: by HTTP.
    void refuse_link(
        link_id id, std::string_view why, std::shared_ptr<const broker::broker_error> error,
        time_point now);

    // ---- link_losses.cpp
    void give_up_link(link_id id, std::string_view why, time_point now);
    void lose_link(link_id id, std::string_view why, bool by_broker, time_point now);

private:
    // ---- broker_events.cpp
    void on_up(link_record& l, time_point now);
    void on_broker_error(link_record& l, broker::link_event& event, time_point now);
    bool goes_afresh(link_record& l);

    // ---- link_losses.cpp
    void lose_wire(wire_subscription& w, time_point now);
    void on_wire_cancelled(wire_subscription& w, const std::string& why, time_point now);
    void note_loss(link_record& l, const std::string& text, time_point now);
    void unbind_users(
        link_id id, color c, session_id owner, const std::vector<session_id>& users,
        time_point now);

    // ---- refused_frames.cpp
    // Handles what was found out about a link's ERRORs. True: the broker ended it for a known
    // reason.
    bool on_news(link_id id, time_point now);
    bool on_finding(link_id id, broker::link_news::refusal& one, time_point now);
    void on_send_refused(link_record& l, broker::link_news::refusal& one, time_point now);
    void on_subscribe_refused(link_record& l, broker::finding& what, time_point now);

    login_quotas& quotas_;
    link_table& links_;
    send_accounts& sends_;
    lost_answers& lost_answers_;
    cluster_survey& survey_;
    backplane_survey& backplane_;
    subscribe_trials& trials_;
    wire_subscriptions& subscriptions_;
    seam_table& seams_;
    readiness& readiness_;
    lingering_links& lingering_;
    binder& binder_;
    endpoint_moves& moves_;
    switch_member& member_;
    broker_errors& errors_;
    broker_messages& messages_;
    broker_answers& answers_;
};

} // namespace gateway
