// What may happen next in a session_world, and whether what happened kept the promises of contract.md.

#include "tests/sim/session_world.hpp"
#include "tests/sim/session_world_end.hpp"

#include <algorithm>
#include <charconv>

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr unsigned first_outside = 1001;
constexpr unsigned rest_steps_max = 3000;
constexpr auto rest_max = 20s;

} // namespace

// ---- what may happen next

std::vector<session_world::move> session_world::moves() const
{
    std::vector<std::pair<std::uint64_t, move>> under_way;
    for (const auto& [number, l] : links_) {
        if (!l->open) {
            if (!l->router_gone) {
                under_way.push_back({l->dialled, {act::dial, number}});
            }
            continue;
        }
        if (!l->to_broker.empty()) {
            under_way.push_back({l->to_broker.front().stamp, {act::to_broker, number}});
        }
        if (!l->to_router.empty() && l->reading) {
            under_way.push_back({l->to_router.front().stamp, {act::to_router, number}});
        }
    }
    if (!from_client_.empty() && !closed_ &&
        (from_client_.front().bytes.empty() || router_->wants_client(client_))) {
        under_way.push_back({from_client_.front().stamp, {act::client}});
    }
    if (!commands_.empty()) {
        under_way.push_back({commands_.front().stamp, {act::command}});
    }
    if (!reports_.empty()) {
        under_way.push_back({reports_.front().stamp, {act::report}});
    }
    if (writing_) {
        under_way.push_back({writing_stamp_, {act::stored}});
    }
    std::ranges::sort(under_way, {}, [](const auto& one) { return one.first; });
    std::vector<move> all;
    for (const auto& [stamp, m] : under_way) {
        all.push_back(m);
    }
    if (!subscribed_) {
        return all;
    }
    const bool steady = coordinator_.state() == control::coordinator_state::steady;
    if (steady && requests_ < plan_.switches) {
        all.push_back({act::request});
    }
    const bool may_say = !leave_asked_ && !said_disconnect_;
    if (may_say && sends_ < plan_.sends) {
        all.push_back({act::send});
    }
    if (may_say && outside_ < plan_.outside) {
        all.push_back({act::outside});
    }
    if (abort_left_ && !steady) {
        all.push_back({act::abort});
    }
    if (may_say && plan_.leaves) {
        all.push_back({act::leave});
    }
    if (loss_left_) {
        for (const auto& [number, l] : links_) {
            if (!l->router_gone) {
                all.push_back({act::lose, number});
                if (!l->to_broker.empty()) {
                    all.push_back({act::lose_but_sent, number});
                }
            }
        }
    }
    if (under_way.empty()) {
        all.push_back({act::clock});
    }
    return all;
}

bool session_world::anything_under_way() const
{
    const auto all = moves();
    return !all.empty() && all.front().what <= act::stored;
}

std::uint64_t session_world::digest() const
{
    std::uint64_t all = router_history_;
    const auto mix = [&](std::uint64_t v) {
        all = (all ^ v) * 0x9e3779b97f4a7c15U;
        all ^= all >> 29;
    };
    mix(coordinator_history_);
    mix(broker_history_.blue);
    mix(broker_history_.green);
    mix(sends_ * 64 + outside_ * 8 + requests_);
    mix(leave_asked_ * 4U + loss_left_ * 2U + abort_left_);
    return all;
}

bool session_world::switched_and_quiet() const
{
    const bool final = history_.empty() ||
                       (history_.rbegin()->second.final && history_.rbegin()->second.all_drained());
    return coordinator_.state() == control::coordinator_state::steady && final &&
           history_.size() == requests_ && !anything_under_way();
}

// ---- what the client and the brokers saw

void session_world::client_gets(std::string_view bytes)
{
    written_ += bytes.size();
    if (gone_) {
        return;
    }
    stomp::parser parser;
    parser.set_version(bytes.starts_with("CONNECTED") ? stomp::version::v10 : stomp::version::v12);
    stomp::frame_view frame;
    if (parser.parse(bytes, {}, frame).status != stomp::parse_status::frame) {
        violation("the client got bytes that are no frame");
        return;
    }
    switch (frame.command) {
    case stomp::command::connected:
        if (++connected_ > 1) {
            violation("a second CONNECTED");
        }
        return;
    case stomp::command::message: on_delivery(frame); return;
    case stomp::command::receipt: {
        const auto id = frame.find("receipt-id").value_or("");
        if (id == "sub") {
            subscribed_ = true;
        } else if (id == "bye") {
            disconnect_answered_ = true;
        } else if (id.starts_with("m")) {
            unsigned n = 0;
            std::from_chars(id.data() + 1, id.data() + id.size(), n);
            message& m = messages_[n];
            if (++m.receipts > 1) {
                violation("a RECEIPT is answered twice: " + std::string{id});
            }
        } else {
            violation("a RECEIPT that nobody asked for: " + std::string{id});
        }
        return;
    }
    default: violation("the client got " + std::string{bytes.substr(0, 80)}); return;
    }
}

void session_world::on_delivery(const stomp::frame_view& frame)
{
    unsigned n = 0;
    std::from_chars(frame.body.data(), frame.body.data() + frame.body.size(), n);
    const auto at = messages_.find(n);
    if (at == messages_.end() || frame.find("subscription") != std::string_view{"s"} ||
        frame.find("destination") != std::string_view{"/topic/t"}) {
        violation("a neighbour's message, or the gateway's own: " + std::string{frame.body});
        return;
    }
    if (++at->second.delivered > 1) {
        violation("duplicated: " + std::to_string(n));
    }
    unsigned& last = at->second.own ? last_own_ : last_outside_;
    if (n < last && !best_effort_) {
        violation("reordered: " + std::to_string(n) + " after " + std::to_string(last));
    }
    last = std::max(last, n);
}

void session_world::on_arrival(color at, std::string_view body)
{
    unsigned n = 0;
    std::from_chars(body.data(), body.data() + body.size(), n);
    const auto found = messages_.find(n);
    if (found == messages_.end() || !found->second.own) {
        violation("a broker got a SEND that nobody sent");
        return;
    }
    if (found->second.at) {
        violation(std::to_string(n) + " reached a broker twice");
    }
    found->second.at = at;
    reached_[at] = true;
    // The fence. Back on a color that it left, a session publishes there again.
    if (plan_.switches == 1 && at == color::blue && reached_[color::green] && !best_effort_) {
        const bool lossy = !lossless(color::blue);
        if (!lossy) {
            violation("fence: " + std::to_string(n) + " reached blue after green");
        }
    }
}

void session_world::judge_tally(const control::tally& t)
{
    if (t.accepted != t.confirmed + t.unconfirmed + t.open + t.held + t.refused + t.in_doubt) {
        violation(
            "report: accepted " + std::to_string(t.accepted) + " is not the sum of confirmed " +
            std::to_string(t.confirmed) + ", unconfirmed " + std::to_string(t.unconfirmed) +
            ", open " + std::to_string(t.open) + ", held " + std::to_string(t.held) + ", refused " +
            std::to_string(t.refused) + ", in doubt " + std::to_string(t.in_doubt));
    }
    gaps_ |= t.gaps > 0;
    best_effort_ |= t.seams_forced > 0 || t.late > 0;
}

// ---- to the end

void session_world::set_up()
{
    say("CONNECT\naccept-version:1.2\nhost:/\nlogin:one\npasscode:p\n\n");
    run_dry();
    say("SUBSCRIBE\nid:s\ndestination:/topic/t\nreceipt:sub\n\n");
    run_dry();
    if (connected_ != 1 || !subscribed_) {
        violation("it does not even connect");
    }
}

void session_world::run_dry()
{
    for (unsigned n = 0; n < rest_steps_max; ++n) {
        if (!anything_under_way()) {
            return;
        }
        make(moves().front());
    }
    violation("it never comes to rest");
}

void session_world::finish()
{
    run_dry();
    while (requests_ == 0) {
        make({act::request});
    }
    loss_left_ = abort_left_ = false;
    while (!leave_asked_ && sends_ < plan_.sends) {
        make({act::send});
    }
    while (!leave_asked_ && outside_ < plan_.outside) {
        make({act::outside});
    }
    plan_.switches = requests_;
    const auto latest = now_ + rest_max;
    while (!switched_and_quiet() && now_ < latest && violations_.empty()) {
        run_dry();
        if (!switched_and_quiet()) {
            make({act::clock});
        }
    }
    // A session that lost a link may be on its way to another one still.
    const auto* s = router_->session(client_);
    while (!leave_asked_ && s != nullptr && s->state != gateway::session_state::active &&
           now_ < latest && violations_.empty()) {
        make({act::clock});
        run_dry();
        s = router_->session(client_);
    }
    if (!switched_and_quiet()) {
        const auto phase = coordinator_.current().phase;
        violation("no end: phase " + std::string{to_string(phase)});
    }
    if (!leave_asked_) {
        said_disconnect_ = true;
        say("DISCONNECT\nreceipt:bye\n\n");
    }
    const auto over = [&] {
        return router_->session_count() + router_->link_count() + router_->wire_count() +
                   router_->group_count() + router_->identity_count() + router_->seam_count() ==
               0;
    };
    run_dry();
    const auto last = now_ + rest_max;
    while (!over() && now_ < last && violations_.empty()) {
        make({act::clock});
        run_dry();
    }
    if (!over()) {
        violation("something is left behind the last client");
    }
    judge();
}

void session_world::judge()
{
    if (!violations_.empty()) {
        return;
    }
    for (const auto& [n, m] : messages_) {
        const std::string name = (m.own ? "SEND " : "message ") + std::to_string(n);
        const bool path_lost = (m.at && !lossless(*m.at)) || (!m.at && plan_.losses);
        if (!m.at && !path_lost && !leave_asked_) {
            violation("lost: " + name + " reached no broker");
        }
        // FIN behind it: what was on its way to the gateway counts as sent.
        if (!m.at && leave_asked_ && !path_lost) {
            violation("lost: " + name + " was on its way when the client ended");
        }
        if (m.at && m.delivered == 0 && !path_lost && !gaps_ && !leave_asked_) {
            violation("lost: " + name + " at " + std::string{to_string(*m.at)});
        }
        if (m.own && m.receipts == 0 && !path_lost && !leave_asked_) {
            violation("the RECEIPT of " + name + " never came");
        }
    }
    if (said_disconnect_ && !disconnect_answered_) {
        violation("DISCONNECT was not answered");
    }
    const bool any_lost = !lossless(color::blue) || !lossless(color::green);
    for (const auto& [id, record] : history_) {
        const control::tally sum = record.total();
        const auto settled =
            sum.sessions_moved + sum.sessions_pinned + sum.sessions_failed + sum.sessions_gone;
        if (record.result != control::switch_result::switched) {
            continue;
        }
        if (settled != sum.sessions_total) {
            violation("report " + std::to_string(id) + ": sessions are missing");
        }
        if (sum.seams_joined + sum.seams_forced != sum.seams_total) {
            violation(
                "report " + std::to_string(id) + ": of " + std::to_string(sum.seams_total) +
                " seams " + std::to_string(sum.seams_joined) + " joined, " +
                std::to_string(sum.seams_forced) + " forced");
        }
        if (!any_lost && (sum.gaps > 0 || sum.seams_forced > 0 || sum.late > 0 ||
                          sum.in_doubt > 0 || sum.fence_best_effort || sum.seams_best_effort > 0)) {
            violation("report: something is excused though nothing was lost");
        }
    }
    if (coordinator_.stored().live != router_->live()) {
        violation("the shard and the coordinator disagree about the color");
    }
}

std::string session_world::name(move m)
{
    static constexpr const char* names[] = {
        "broker takes from link ",
        "router takes from link ",
        "there is link ",
        "router takes from client",
        "command arrives",
        "report arrives",
        "store answers",
        "operator asks for a switch",
        "client sends",
        "client ends",
        "a message from outside",
        "operator aborts",
        "lost: link ",
        "lost, but what was sent arrives: link ",
        "time passes"};
    const auto at = static_cast<std::size_t>(m.what);
    return names[at] + (m.link == 0 ? std::string{} : std::to_string(m.link));
}

} // namespace sim
