#include "tests/sim/checker.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace sim {

namespace {

// How long before a link's end a message may still have been on its way over it.
constexpr auto on_its_way_max = std::chrono::seconds{5};
// From the last SEND to the old color to a commit.
constexpr auto decision_max = std::chrono::milliseconds{200};
// What a stalled or slow link holds when its session is cut off from it.
constexpr auto stall_max = std::chrono::seconds{1};
// How long before the decision was known everywhere.
constexpr auto behind_min = std::chrono::milliseconds{5};
// A pinned session is bound again, or closed, by then.
constexpr auto given_up_max = std::chrono::seconds{4};
// From a decision to the new color's SUBSCRIBE, where the old one is left first: seam_timeout.
constexpr auto break_max = std::chrono::milliseconds{2'500};
// From the moment a moved session is bound elsewhere to the marker from which on it gets all.
constexpr auto joined_max = std::chrono::milliseconds{100};
// Between two nodes of a cluster.
constexpr auto path_max = std::chrono::milliseconds{50};
// Of a message to who joins a subscription that others read, over all that is on its way before it.
constexpr auto joined_most = std::chrono::milliseconds{500};
constexpr std::size_t lines_kept_max = 150;

} // namespace

std::string body_of(message_key key, std::size_t padding)
{
    return std::to_string(key.publisher) + " " + std::to_string(key.number) + " " +
           std::string(padding, '.');
}

std::optional<message_key> key_of(std::string_view body)
{
    message_key key;
    const auto* end = body.data() + body.size();
    const auto first = std::from_chars(body.data(), end, key.publisher);
    if (first.ec != std::errc{} || first.ptr == end) {
        return std::nullopt;
    }
    if (std::from_chars(first.ptr + 1, end, key.number).ec != std::errc{}) {
        return std::nullopt;
    }
    return key;
}

std::string checker::name(message_key key) const
{
    const auto at = sends_.find(key);
    return "message " + std::to_string(key.publisher) + "/" + std::to_string(key.number) +
           (at == sends_.end() ? "" : " to " + at->second.destination);
}

void checker::note(const std::string& line)
{
    if (trace_ == sim::tracing::printed) {
        std::printf("%10lld us  %s\n", static_cast<long long>(when_.elapsed_us()), line.c_str());
    } else if (trace_ == sim::tracing::kept && violations_.empty()) {
        if (lines_.size() == lines_kept_max) {
            lines_.pop_front();
        }
        lines_.push_back(std::to_string(when_.elapsed_us()) + " us  " + line);
    }
}

void checker::note_bytes(const std::string& to, std::string_view head, std::string_view rest)
{
    std::string line = to + " << ";
    for (const std::string_view part : {head, rest}) {
        for (const char c : part) {
            if (c == '\n') {
                line += "\\n";
            } else if (c == '\\' || c < ' ' || c > '~') {
                constexpr std::string_view digits = "0123456789abcdef";
                line.append("\\x").push_back(digits[(c >> 4) & 15]);
                line.push_back(digits[c & 15]);
            } else {
                line += c;
            }
        }
    }
    note(line);
}

void checker::violation(std::string what)
{
    note("VIOLATION " + what);
    violations_.push_back("at " + std::to_string(when_.elapsed_us()) + " us: " + std::move(what));
}

void checker::on_send(message_key key, std::string destination)
{
    sends_[key] = {
        .destination = std::move(destination),
        .sent = ++last_,
        .sent_in = decided_.empty() ? 0 : decided_.size() - 1};
}

void checker::on_send_answered(message_key key)
{
    sends_[key].answered = true;
}

void checker::on_send_dropped(message_key key)
{
    sends_[key].dropped = true;
}

checker::subscription_number checker::on_subscribe(
    unsigned client, unsigned shard, std::string destination, bool broadcast, bool automatic)
{
    subscription_record made;
    made.client = client;
    made.shard = shard;
    made.destination = std::move(destination);
    made.broadcast = broadcast;
    made.asked = when_.now();
    made.automatic = automatic;
    subscriptions_.push_back(std::move(made));
    return subscriptions_.size() - 1;
}

void checker::on_subscribe_answered(subscription_number which)
{
    subscriptions_[which].confirmed = ++last_;
}

void checker::on_unsubscribe(subscription_number which)
{
    subscriptions_[which].left = true;
}

void checker::on_unsubscribe_answered(subscription_number which)
{
    subscriptions_[which].left_answered = true;
}

void checker::on_client_left(unsigned client)
{
    for (auto& s : subscriptions_) {
        s.ended |= s.client == client;
    }
}

void checker::on_client_vanished(unsigned client)
{
    for (auto& s : subscriptions_) {
        s.vanished |= s.client == client && !s.ended;
    }
}

void checker::on_message(
    subscription_number which, std::string_view destination, std::string_view body,
    bool redelivered)
{
    ++deliveries_;
    subscription_record& s = subscriptions_[which];
    const std::string whose = "client " + std::to_string(s.client) + " on " + s.destination;
    const auto key = key_of(body);
    if (!key || !sends_.contains(*key)) {
        violation(whose + " got a message that nobody sent: " + std::string{body.substr(0, 40)});
        return;
    }
    if (key->publisher >= equal_first) {
        ++s.equal[key->publisher].got;
        return;
    }
    send_record& m = sends_[*key];
    if (m.destination != s.destination || destination != s.destination) {
        violation(whose + " got a neighbour's " + name(*key));
    }
    if (s.left_answered) {
        violation(whose + " got " + name(*key) + " after the RECEIPT of its UNSUBSCRIBE");
    }
    if (m.dropped) {
        violation(whose + " got " + name(*key) + " of an aborted transaction");
    }
    m.delivered = true;
    if (!s.got.insert(*key).second && !redelivered) {
        if (key->publisher >= beside_first || marks_) {
            suspect(
                "duplicated: " + whose + " got " + name(*key) + " twice", decided_.size() - 1,
                &excuses::pairing);
        } else if (!was_cut(m, s) && !(twice_excused_ && s.broadcast)) {
            violation("duplicated: " + whose + " got " + name(*key) + " twice");
        }
        return;
    }
    unsigned& highest = s.highest[key->publisher];
    // What lay in a queue before this one was there may lie on a color that was left: counted.
    const bool ordered =
        s.broadcast || (stored_order_ && !cut_seen_ && s.confirmed != 0 && s.confirmed < m.sent);
    // On a shared backplane what fell into a gap of the old color may come by the new one, behind
    // what the old one gave since.
    const bool saved = one_world_ && s.broadcast && lost_by_fault(m, s);
    if (ordered && !saved && !redelivered && key->number < highest &&
        !overtaken({key->publisher, highest}, m) &&
        arrived_in_order(m.destination, key->publisher, key->number, highest)) {
        suspect(
            "reordered: " + whose + " got " + name(*key) + " after number " +
                std::to_string(highest),
            decided_.size() - 1, s.broadcast ? &excuses::order : &excuses::left_behind, m.sent_in);
    }
    highest = std::max(highest, key->number);
}

// M1, M13: what a publisher SENDs at the node that it moved to may overtake its last ones at the
// one that was left, on their way to a third.
bool checker::overtaken(message_key by, const send_record& m) const
{
    const auto found = moves_.find(by.publisher / publishers_each);
    if (!paths_ || found == moves_.end()) {
        return false;
    }
    const time_point later = sends_.at(by).arrived;
    return later <= m.arrived + path_max &&
           std::ranges::any_of(found->second, [&](const move_record& one) {
               return m.arrived <= one.bound && one.at <= later;
           });
}

// What a lost link carried may reach a broker after what was sent behind it; that is not the
// gateway's order.
bool checker::arrived_in_order(
    const std::string& destination, unsigned publisher, unsigned lower, unsigned higher)
{
    if (paths_ && cut_seen_ && when_.now() < last_cut_ + std::chrono::seconds{1}) {
        return false;
    }
    const auto& order = arrival_order_[{destination, publisher}];
    return !cut_seen_ || std::ranges::find(order, lower) < std::ranges::find(order, higher);
}

void checker::on_answer(unsigned client, std::string_view body)
{
    ++deliveries_;
    const auto key = key_of(body);
    const auto at = key ? sends_.find(*key) : sends_.end();
    const std::string whose = "client " + std::to_string(client);
    if (at == sends_.end() || at->second.destination != answer_to(client)) {
        violation(whose + " got a neighbour's answer: " + std::string{body.substr(0, 40)});
    } else if (!answers_[client].insert(*key).second) {
        violation("duplicated: " + whose + " got the answer " + name(*key) + " twice");
    }
}

void checker::suspect(
    std::string what, std::size_t of, bool excuses::* excuse, std::optional<std::size_t> sent_in)
{
    note("suspicion: " + what);
    what = "at " + std::to_string(when_.elapsed_us()) + " us: " + what;
    suspicions_.push_back({std::move(what), of, excuse, sent_in});
}

// By the switch that made this decision, the one before, and those that were tried around them.
bool checker::excused(std::size_t of, bool excuses::* excuse) const
{
    // What was left behind may come at any switch back.
    const bool ever = excuse == &excuses::left_behind;
    const std::uint64_t first = of == 0 || ever ? 0 : decided_[of - 1].id;
    const std::uint64_t last = of + 1 < decided_.size() ? decided_[of + 1].id : ~std::uint64_t{0};
    return std::any_of(
        excuses_.lower_bound(first), excuses_.upper_bound(last),
        [&](const auto& one) { return one.second.*excuse; });
}

// A switch behind its SEND gave the fence up: it may come behind what was SENT on the other color
// since, at any time.
bool checker::unfenced(const suspicion& one) const
{
    return one.sent_in && std::any_of(
                              excuses_.upper_bound(decided_[*one.sent_in].id),
                              excuses_.upper_bound(decided_[one.at].id),
                              [](const auto& entry) { return entry.second.fence; });
}

void checker::on_report(std::uint64_t switch_id, const excuses& of)
{
    excuses& all = excuses_[switch_id];
    all.fence |= of.fence;
    all.order |= of.order;
    all.quiet |= of.quiet;
    all.gaps |= of.gaps;
    all.given_up |= of.given_up;
    all.left_behind |= of.left_behind;
    all.pairing |= of.pairing;
    all.doubtful = std::max(all.doubtful, of.doubtful);
    all.alone = std::max(all.alone, of.alone);
}

// It is no client's, so the fence says nothing about it.
void checker::on_beside(color at, message_key key, std::string destination)
{
    if (key.publisher >= equal_first) {
        sends_.try_emplace(key, send_record{.destination = destination, .dropped = true});
        equal_sent_[{destination, key.publisher}].push_back(when_.now());
        for (subscription_record& s : subscriptions_) {
            if (s.destination == destination && s.broadcast && s.confirmed != 0 && !s.ended &&
                !s.left) {
                ++s.equal[key.publisher].owed;
            }
        }
        return;
    }
    on_send(key, std::move(destination));
    send_record& m = sends_[key];
    m.answered = true;
    m.at = at;
    m.arrived = when_.now();
    arrival_order_[{m.destination, key.publisher}].push_back(key.number);
}

bool checker::excused_pairing() const
{
    return std::ranges::any_of(excuses_, [](const auto& one) {
        const excuses& of = one.second;
        return of.pairing || of.order || of.gaps || of.given_up || of.fence;
    });
}

// P7: of equal ones in a row no more are missing than the reports count, and none comes twice.
void checker::check_equals()
{
    std::uint64_t doubtful = 0, alone = 0;
    bool unmarked = false; // an endpoint that could not be dialled may have publishers beside, too
    for (const auto& [id, of] : excuses_) {
        doubtful += of.doubtful;
        alone += of.alone;
        unmarked |= of.pairing;
    }
    if (alone > 0 && !cut_seen_ && !unmarked) {
        violation("counted as of one color alone: " + std::to_string(alone));
    }
    for (const subscription_record& s : subscriptions_) {
        for (const auto& [publisher, of] : s.equal) {
            // M13: who moved from a drained endpoint has a gap.
            const bool alive = !s.ended && !s.left && !s.vanished && !moves_.contains(s.client);
            // Who joins what others read gets what was on its way to them.
            const auto most = static_cast<std::uint64_t>(std::ranges::count_if(
                equal_sent_[{s.destination, publisher}],
                [&](time_point at) { return at + joined_most >= s.asked; }));
            const bool lacks = alive && of.got + doubtful < of.owed;
            if ((lacks || of.got > most) && !cut_seen_ && !excused_pairing()) {
                violation(
                    "equal ones of " + std::to_string(publisher) + " for client " +
                    std::to_string(s.client) + " on " + s.destination + ": got " +
                    std::to_string(of.got) + " of " + std::to_string(of.owed) + " to " +
                    std::to_string(most) + ", counted " + std::to_string(doubtful));
            }
        }
    }
}

void checker::check_streams(std::uint64_t counted)
{
    if (streams_missed_ > counted && !cut_seen_) {
        violation(
            "streams that began anew: " + std::to_string(streams_missed_) + ", counted " +
            std::to_string(counted));
    }
}

void checker::on_arrival(color at, message_key key)
{
    const auto found = sends_.find(key);
    if (found == sends_.end()) {
        violation(std::string{to_string(at)} + " got a SEND that nobody sent");
        return;
    }
    send_record& m = found->second;
    if (tracing()) {
        note(std::string{to_string(at)} + " got " + name(key));
    }
    if (m.at) {
        violation(
            name(key) + " reached " + std::string{to_string(at)} + " after " +
            std::string{to_string(*m.at)});
    }
    if (m.dropped) {
        violation(name(key) + " of an aborted transaction reached " + std::string{to_string(at)});
    }
    m.at = at;
    m.arrived = when_.now();
    arrival_order_[{m.destination, key.publisher}].push_back(key.number);
    // Before the decision every SEND to the old color was proven, unless a link was lost with some
    // unproven.
    if (m.destination.starts_with("/temp-queue/")) {
        return; // S12: it goes where the question came from
    }
    const bool moved_on =
        fence_at_ + 1 < decided_.size() && (!cut_seen_ || decided_.back().to == at);
    if (moved_on) {
        fence_at_ = decided_.size() - 1;
    }
    if (decided_[fence_at_].to != at) {
        suspect(
            "fence: " + name(key) + " reached " + std::string{to_string(at)} + ", live is " +
                std::string{to_string(decided_.back().to)},
            fence_at_, &excuses::fence);
    }
}

void checker::on_subscribed(color at, unsigned shard, const std::string& destination)
{
    if (breaks_) {
        subscribed_[{at, shard, destination}].push_back(when_.now());
    }
    const auto found = cuts_.find({at, shard, destination});
    if (found == cuts_.end()) {
        return;
    }
    for (cut_record& cut : found->second) {
        // Brokers are not told whose subscription it is: those that follow soon may be the one that
        // was cut.
        if (cut.again == net::never || when_.now() < cut.again + bind_again_max_) {
            cut.again = when_.now();
        }
    }
}

void checker::on_link_given_up() noexcept
{
    cut_seen_ = true;
    last_cut_ = when_.now();
}

void checker::on_subscription_cut(color at, unsigned shard, const std::string& destination)
{
    on_link_given_up();
    cuts_[{at, shard, destination}].push_back({when_.now()});
}

// S5: who lost its link before or in the hold is bound again behind it.
void checker::on_hold_over(unsigned shard, time_point began)
{
    for (auto& [where, cuts] : cuts_) {
        for (cut_record& cut : cuts) {
            if (std::get<unsigned>(where) == shard && cut.again != net::never &&
                cut.at + bind_again_max_ > began) {
                cut.again = std::max(cut.again, when_.now());
            }
        }
    }
}

void checker::on_subscription_left(color at, unsigned shard, const std::string& destination)
{
    if (stalls_ && decided_.back().to == at) {
        cuts_[{at, shard, destination}].push_back({when_.now()});
    }
}

void checker::on_moving(unsigned client)
{
    note("client " + std::to_string(client) + " begins to move");
    moves_[client].push_back({when_.now()});
}

void checker::on_moved(unsigned client, bool stays)
{
    note("client " + std::to_string(client) + (stays ? " stays" : " is bound elsewhere"));
    stays ? moves_[client].pop_back() : void(moves_[client].back().bound = when_.now());
}

void checker::on_killed(color at)
{
    cut_seen_ = true;
    last_cut_ = when_.now();
    kills_[at].push_back(when_.now());
}

void checker::on_decided(color to, std::uint64_t switch_id)
{
    decided_.push_back({to, switch_id, when_.now()});
    for (auto& [where, cuts] : cuts_) { // who was not bound again by then moves without
        for (cut_record& cut : cuts) {
            if (cut.again != net::never && when_.now() < cut.at + bind_again_max_) {
                cut.again = when_.now();
            }
        }
    }
    note("decided: " + std::string{to_string(to)});
}

// On neither color: from a decision until the last SUBSCRIBE on the new color that it made.
bool checker::in_break(const send_record& m, const subscription_record& s) const
{
    for (std::size_t i = 1; breaks_ && i < decided_.size(); ++i) {
        const time_point begin = decided_[i].at;
        if (m.arrived + decision_max < begin) {
            continue;
        }
        const auto ends_on = [&](color c) {
            const auto found = subscribed_.find({c, s.shard, s.destination});
            return found != subscribed_.end() &&
                   std::ranges::any_of(found->second, [&](time_point at) {
                       return begin <= at && at <= begin + break_max && m.arrived <= at;
                   });
        };
        // On the other color again where a switch back came before the old one was left.
        const bool back = i + 1 < decided_.size() && ends_on(decided_[i + 1].to);
        if (ends_on(decided_[i].to) || back) {
            return true;
        }
    }
    return false;
}

// A marker is behind everything that was routed at its node when the move began: that is owed.
// What a third node routed may come behind it (M1).
bool checker::in_move(const send_record& m, unsigned client) const
{
    const auto found = moves_.find(client);
    const net::duration before = no_markers_ ? net::duration{stall_max}
                                 : paths_    ? net::duration{path_max}
                                             : net::duration{};
    const net::duration behind = stalls_ ? unseen_ + joined_max : net::duration{joined_max};
    return found != moves_.end() && std::ranges::any_of(found->second, [&](const move_record& one) {
               // Over a link so slow that the markers did not come in time.
               const bool given_up = one.bound != net::never && one.bound - one.at >= move_max_;
               return one.at <= m.arrived + (given_up ? on_its_way_max : before) &&
                      (one.bound == net::never || m.arrived <= one.bound + behind);
           });
}

bool checker::lost_by_fault(const send_record& m, const subscription_record& s) const
{
    if (!m.at) {
        return false;
    }
    // Near a decision whose report owns up to it.
    const auto by_switch = [&](const decision& one) {
        const auto of = excuses_.find(one.id);
        if (of == excuses_.end()) {
            return false;
        }
        const bool quiet = stalls_ && of->second.quiet && one.to != *m.at && m.arrived <= one.at &&
                           one.at <= m.arrived + std::chrono::seconds{1};
        const bool given_up = of->second.given_up && one.at <= m.arrived + stall_max &&
                              m.arrived <= one.at + given_up_max;
        // A SEND that the fence was given up for comes behind every marker (M3).
        const bool behind = of->second.fence && one.to != *m.at &&
                            one.at <= m.arrived + behind_min && m.arrived <= one.at + given_up_max;
        // Its node was lost while others still waited for what it had on its way (M1).
        const bool node_lost = paths_ && cut_seen_ && of->second.gaps && one.to != *m.at &&
                               m.arrived <= one.at && one.at <= m.arrived + stall_max;
        return quiet || given_up || behind || node_lost;
    };
    if (s.broadcast && (std::ranges::any_of(decided_, by_switch) || in_move(m, s.client))) {
        return true;
    }
    if (s.broadcast) {
        const auto at_fault = [&](color where, auto allowed) {
            const auto found = cuts_.find({where, s.shard, s.destination});
            return found != cuts_.end() && std::ranges::any_of(found->second, allowed);
        };
        const auto on_its_way = [&](const cut_record& cut) {
            return m.arrived + on_its_way_max >= cut.at &&
                   (cut.again == net::never || m.arrived <= std::max(cut.again, cut.at) + unseen_);
        };
        return at_fault(*m.at, on_its_way) || (one_world_ && at_fault(other(*m.at), on_its_way)) ||
               in_break(m, s) ||
               // The new color's link was lost with the decision under way: the old binding is
               // given up, a gap (S6, S8).
               at_fault(other(*m.at), [&](const cut_record& cut) {
                   return kills_[other(*m.at)].size() > 0 && cut.at <= m.arrived + decision_max &&
                          m.arrived <= cut.at + decision_max;
               });
    }
    return std::ranges::any_of(kills_[*m.at], [&](time_point at) { return m.arrived <= at; });
}

// Bound again within a color, it may read behind others what it had read over the lost link: not a
// planned switch.
bool checker::was_cut(const send_record& m, const subscription_record& s) const
{
    return std::ranges::any_of(broker::colors, [&](color c) {
        const auto found = cuts_.find({c, s.shard, s.destination});
        return found != cuts_.end() &&
               std::ranges::any_of(found->second, [&](const cut_record& cut) {
                   // Of the color that it came through: what was read before. Of the other one: a
                   // switch back that is quicker than the seam that its loss forced.
                   return (c != m.at || (!s.broadcast && m.arrived <= cut.at)) &&
                          when_.now() < cut.at + std::chrono::seconds{1};
               });
    });
}

void checker::check_lost()
{
    for (const suspicion& one : std::exchange(suspicions_, {})) {
        if (!excused(one.at, one.excuse) && !unfenced(one)) {
            violations_.push_back(one.what);
        }
    }
    check_equals();
    for (const auto& [key, m] : sends_) {
        if (!m.answered || m.dropped) {
            continue;
        }
        if (!m.at) {
            violation("lost: " + name(key) + " was answered and reached no broker");
            continue;
        }
        bool stored = false, written = false;
        for (const subscription_record& s : subscriptions_) {
            if (s.destination != m.destination) {
                continue;
            }
            stored |= !s.broadcast;
            written |= s.automatic &&
                       s.vanished; // `auto` counts as given once it is written to the socket
            const bool owed =
                s.broadcast && s.confirmed != 0 && s.confirmed < m.sent && !s.ended && !s.left;
            const bool beside = key.publisher >= beside_first;
            if (owed && !s.got.contains(key) && !lost_by_fault(m, s) &&
                !(beside && excused_pairing())) {
                violation(
                    "lost: " + name(key) + " (at " + std::string{to_string(*m.at)} +
                    ") for client " + std::to_string(s.client));
            }
        }
        if (stored && !written && !m.delivered && !left_in_queues_.contains(key) &&
            !lost_by_fault(m, {})) {
            violation("lost: stored " + name(key) + " is in no queue and was given to nobody");
        }
    }
}

} // namespace sim
