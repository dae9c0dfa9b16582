#include "tests/sim/coordinator_world.hpp"

#include <algorithm>
#include <utility>

namespace sim {

namespace {

using namespace std::chrono_literals;
using control::coordinator_state;

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

constexpr std::uint64_t sessions_each = 2;

control::endpoint_ref endpoint_of(unsigned member)
{
    return {broker::color::blue, static_cast<std::uint16_t>(member)};
}

} // namespace

coordinator_world::coordinator_world(const coordinator_plan& plan)
    : plan_(plan), coordinator_(plan.members, {}), members_(plan.members), heard_(plan.members),
      switches_left_(plan.switches)
{
}

void coordinator_world::violation(const char* rule, const std::string& what) const
{
    violations_.push_back(std::string{rule} + ": " + what);
}

control::switch_order coordinator_world::order() const
{
    control::switch_order o;
    o.id = coordinator_.stored().last_switch + 1;
    o.request.to = broker::other(coordinator_.stored().live);
    o.request.dry_run = plan_.dry_run;
    o.request.on_hold_timeout = plan_.policy;
    o.request.max_failed = control::failure_limit{static_cast<double>(plan_.max_failed), false};
    o.request.deadline = plan_.deadline_first ? 1s : 100s;
    o.settings.prepare_timeout = 10s;
    o.settings.hold_timeout = 5s;
    o.settings.store_retry = 1s;
    return o;
}

bool coordinator_world::all_held() const
{
    return std::ranges::all_of(heard_, &heard::held);
}

bool coordinator_world::too_many_failed() const
{
    unsigned failed = 0;
    for (const heard& one : heard_) {
        failed += one.failed - one.gone; // C3: one that is gone does not count
    }
    return failed > plan_.max_failed;
}

// ---- what may happen next

void coordinator_world::member_moves(unsigned which, std::vector<move>& all) const
{
    const member& m = members_[which];
    const bool weak = plan_.sessions_fail && !m.failed;
    switch (m.at) {
    case stage::preparing:
        all.push_back({act::prepared, which});
        if (weak) {
            all.push_back({act::fail, which});
        }
        break;
    case stage::holding:
        all.push_back({act::held, which});
        if (weak && !m.told_to_give_up) {
            all.push_back({act::fail, which});
        }
        break;
    case stage::held:
        if (plan_.standbys_lost) {
            all.push_back({act::unheld, which});
        }
        break;
    case stage::idle:
        if (m.owes_numbers) {
            all.push_back({act::numbers, which});
        }
        break;
    case stage::prepared:
    case stage::unheld: break;
    }
    if (m.failed && !m.gone && (m.at == stage::preparing || m.at == stage::holding)) {
        all.push_back({act::go, which});
    }
    if (!m.commands.empty()) {
        all.push_back({act::command, which});
    }
    if (!m.reports.empty()) {
        all.push_back({act::report, which});
    }
}

std::vector<coordinator_world::move> coordinator_world::moves() const
{
    std::vector<move> all;
    for (unsigned i = 0; i < members_.size(); ++i) {
        member_moves(i, all);
    }
    const coordinator_state state = coordinator_.state();
    if (write_open_) {
        all.push_back({act::write_answered});
        if (plan_.store_fails) {
            all.push_back({act::write_failed});
            all.push_back({act::write_landed_silent});
            all.push_back({act::write_failed_landed});
        }
    }
    if (read_open_) {
        all.push_back({act::read});
        if (reads_failed_ == 0) {
            all.push_back({act::read_nothing});
        }
    }
    if (state == coordinator_state::steady && switches_left_ > 0) {
        all.push_back({act::request});
    }
    if (plan_.operator_aborts && !aborted_once_ && state != coordinator_state::steady) {
        all.push_back({act::abort});
    }
    if (coordinator_.next_deadline() != net::never) {
        all.push_back({act::deadline});
    }
    return all;
}

// ---- it happens

void coordinator_world::make(move m)
{
    control::effects out;
    switch (m.what) {
    case act::request:
        --switches_left_;
        epoch_before_ = store_.epoch;
        heard_.assign(members_.size(), {});
        sent_ = {};
        outcome_known_ = abort_asked_ = aborted_once_ = unheld_heard_ = false;
        reads_failed_ = deadlines_ = 0;
        if (!coordinator_.on_request(order(), now_, out)) {
            violation("C1", "refused in steady");
        }
        break;
    case act::abort: {
        aborted_once_ = true;
        const bool decided = sent_.commit;
        if (plan_.error == planted::abort_write &&
            coordinator_.state() == coordinator_state::writing) {
            out.push_back(
                control::to_members{{coordinator_.current().id, control::abort_switch{"asked"}}});
        }
        const auto answer = coordinator_.on_abort_request("asked", now_, out);
        abort_asked_ = answer == control::abort_answer::accepted;
        if (decided != (answer == control::abort_answer::decided)) {
            violation("C6", "an abort request was answered wrongly");
        }
        break;
    }
    case act::deadline:
        now_ = std::max(now_, coordinator_.next_deadline());
        ++deadlines_;
        coordinator_.on_deadline(now_, out);
        break;
    case act::write_answered:
    case act::write_failed:
    case act::write_landed_silent:
    case act::write_failed_landed: {
        write_open_ = false;
        if (m.what != act::write_failed) {
            store_ = writing_;
        }
        const auto result = m.what == act::write_answered        ? control::write_result::written
                            : m.what == act::write_landed_silent ? control::write_result::unknown
                                                                 : control::write_result::failed;
        outcome_known_ = result == control::write_result::written;
        coordinator_.on_store_result(result, now_, out);
        if (plan_.error == planted::store_fail && result != control::write_result::written) {
            run(std::exchange(out, {}), m);
            read_open_ = false;
            coordinator_.on_store_read(coordinator_.stored(), now_, out);
        }
        break;
    }
    case act::read:
        read_open_ = false;
        outcome_known_ = true;
        coordinator_.on_store_read(store_, now_, out);
        break;
    case act::read_nothing:
        read_open_ = false;
        ++reads_failed_;
        coordinator_.on_store_read(std::nullopt, now_, out);
        break;
    case act::command: take_command(m.member); break;
    case act::report: take_report(m.member, m); return;
    case act::fail:
        members_[m.member].failed = true;
        say(m.member, control::failed{{{std::to_string(m.member) + "-1", "green/g1", "refused"}}});
        break;
    case act::go:
        members_[m.member].gone = true;
        say(m.member, control::progress{0, 0, sessions_each - 1});
        break;
    case act::prepared:
        members_[m.member].at = stage::prepared;
        say(m.member, control::prepared{numbers_of(members_[m.member])});
        break;
    case act::held: {
        member& one = members_[m.member];
        one.at = stage::held;
        control::held what;
        what.endpoints = {endpoint_of(m.member)};
        if (one.failed && !one.gone) {
            what.given_up.push_back({std::to_string(m.member) + "-1", "green/g1", "refused"});
        }
        if (one.told_to_give_up) {
            what.given_up.push_back({std::to_string(m.member) + "-2", "green/g1", "not settled"});
        }
        say(m.member, std::move(what));
        break;
    }
    case act::unheld:
        members_[m.member].at = stage::unheld;
        say(m.member, control::unheld{{std::to_string(m.member) + "-2", "green/g1", "lost"}});
        break;
    case act::numbers: {
        members_[m.member].owes_numbers = false;
        control::tally all = numbers_of(members_[m.member]);
        all.sessions_moved = all.sessions_total - all.sessions_failed;
        all.drained = true;
        say(m.member, control::numbers{std::move(all)});
        break;
    }
    }
    run(out, m);
    check_after();
}

control::tally coordinator_world::numbers_of(const member& m) const
{
    control::tally t;
    t.sessions_total = sessions_each - m.gone;
    t.sessions_failed = m.failed && !m.gone;
    return t;
}

void coordinator_world::say(unsigned which, decltype(control::report::what) what)
{
    members_[which].reports.push_back({members_[which].id, which, std::move(what)});
}

// A member like the gateway's switch_member, without its sessions.
void coordinator_world::take_command(unsigned which)
{
    member& m = members_[which];
    const control::command order = m.commands.front();
    m.commands.erase(m.commands.begin());
    const bool begins = std::holds_alternative<control::prepare>(order.what);
    if (begins && m.at != stage::idle) {
        violation("C1", "a member is told to prepare before it said adopted or released");
        return;
    }
    if (!begins && (order.id != m.id || m.at == stage::idle)) {
        violation("C2", "a member gets a command of a switch that it is not in");
        return;
    }
    std::visit(
        overloaded{
            [&](const control::prepare& what) {
                m.id = order.id;
                m.to = what.to;
                m.at = stage::preparing;
                m.failed = m.gone = m.told_to_give_up = m.owes_numbers = false;
            },
            [&](const control::hold&) {
                if (m.at != stage::prepared) {
                    violation("C3", "a member is told to hold that has not prepared");
                }
                m.at = stage::holding;
            },
            [&](const control::pin&) { m.told_to_give_up = m.at == stage::holding; },
            [&](const control::cut&) { m.told_to_give_up = m.at == stage::holding; },
            [&](const control::commit& what) {
                if (m.at != stage::held && m.at != stage::unheld) {
                    violation("C4", "commit meets a member that has not said held");
                }
                m.at = stage::idle;
                m.epoch = what.epoch;
                m.live = m.to;
                m.owes_numbers = true; // C9: adopted is not final
                say(which, control::adopted{numbers_of(m)});
            },
            [&](const control::abort_switch&) {
                m.at = stage::idle;
                say(which, control::released{numbers_of(m)});
            },
        },
        order.what);
}

void coordinator_world::hear(const control::report& what)
{
    heard& h = heard_[what.from];
    std::visit(
        overloaded{
            [&](const control::prepared&) { h.prepared = true; },
            [&](const control::held&) { h.held = true; },
            [&](const control::failed&) { ++h.failed; },
            [&](const control::progress&) { h.gone = h.failed; },
            [&](const control::unheld&) { unheld_heard_ = true; },
            [&](const control::adopted&) { h.answered = true; },
            [&](const control::released&) { h.answered = true; },
            [&](const control::numbers&) {},
        },
        what.what);
}

void coordinator_world::take_report(unsigned which, move cause)
{
    auto& under_way = members_[which].reports;
    const control::report what = under_way.front();
    under_way.erase(under_way.begin());
    if (const auto past = history_.find(what.id); past != history_.end()) {
        if (const auto* news = std::get_if<control::numbers>(&what.what)) {
            past->second.take(what.from, news->now);
            past->second.advance(now_);
        }
    }
    control::effects out;
    if (coordinator_.state() != coordinator_state::steady && what.id == coordinator_.current().id) {
        hear(what);
    }
    const bool is_held = std::holds_alternative<control::held>(what.what);
    const bool is_unheld = std::holds_alternative<control::unheld>(what.what);
    if (plan_.error != planted::unheld_ignored || !is_unheld) {
        coordinator_.on_report(what, now_, out);
    }
    const bool forge = is_held && (plan_.error == planted::first_held ||
                                   (plan_.error == planted::pin_silent && sent_.gave_up));
    if (forge) {
        for (unsigned i = 0; i < members_.size(); ++i) {
            if (!heard_[i].held && coordinator_.state() == coordinator_state::holding) {
                coordinator_.on_report({what.id, i, control::held{}}, now_, out);
            }
        }
    }
    run(out, cause);
    check_after();
}

// ---- what comes of it

void coordinator_world::run(const control::effects& out, move cause)
{
    for (const control::effect& one : out) {
        std::visit(
            overloaded{
                [&](const control::to_members& order) {
                    on_sent(order.what, cause);
                    for (member& m : members_) {
                        m.commands.push_back(order.what);
                    }
                },
                [&](const control::write_state& order) {
                    if (sent_.write || sent_.abort) {
                        violation("C7", "the store is written twice, or after an abort");
                    }
                    if (!all_held()) {
                        violation("C4", "the store is written before every member said held");
                    }
                    if (unheld_heard_) {
                        violation("C8", "the store is written after unheld");
                    }
                    if (order.what.epoch != store_.epoch + 1) {
                        violation("C7", "the epoch to be written is not the next one");
                    }
                    sent_.write = true;
                    write_open_ = true;
                    writing_ = order.what;
                },
                [&](const control::read_state&) {
                    if (write_open_ || !sent_.write) {
                        violation("C7", "the store is read before its answer");
                    }
                    read_open_ = true;
                },
                [&](const control::changed&) {},
                [&](const control::became_steady&) { on_steady(); },
            },
            one);
    }
}

void coordinator_world::on_sent(const control::command& what, move cause)
{
    if (what.id != coordinator_.stored().last_switch) {
        violation("C2", "a command of another switch is sent");
    }
    if (sent_.commit || sent_.abort) {
        violation("C4", "a command after commit or abort");
    }
    std::visit(overloaded{
        [&](const control::prepare&) {
            if (cause.what != act::request) {
                violation("C1", "prepare without a request");
            }
        },
        [&](const control::hold&) {
            if (sent_.hold || !std::ranges::all_of(heard_, &heard::prepared)) {
                violation("C3", "hold before every member said prepared");
            }
            if (plan_.dry_run) {
                violation("C3", "a dry run holds");
            }
            sent_.hold = true;
        },
        [&](const auto& give_up) // pin, cut
            requires(std::is_same_v<std::decay_t<decltype(give_up)>, control::pin> ||
                     std::is_same_v<std::decay_t<decltype(give_up)>, control::cut>)
        {
            constexpr bool pins = std::is_same_v<std::decay_t<decltype(give_up)>, control::pin>;
            const auto wanted = pins ? control::hold_policy::pin : control::hold_policy::cut;
            if (cause.what != act::deadline || sent_.gave_up || !sent_.hold ||
                plan_.policy != wanted) {
                violation("C5", "members are told to give up at the wrong moment");
            }
            sent_.gave_up = true;
        },
        [&](const control::commit& order) {
            if (!all_held()) {
                violation("C4", "commit before every member said held");
            }
            if (store_.epoch != order.epoch || store_ != writing_ || !outcome_known_) {
                violation("C7", "commit before the store acknowledged the new epoch");
            }
            if (order.endpoints.size() != members_.size()) {
                violation("M1", "commit does not carry every member's endpoints");
            }
            sent_.commit = true;
        },
        [&](const control::abort_switch&) {
            on_abort_sent(cause);
            sent_.abort = true;
        },
        },
        what.what);
}

void coordinator_world::on_abort_sent(move cause)
{
    if (sent_.write) {
        if (cause.what != act::read || !outcome_known_ || store_.epoch != epoch_before_) {
            violation("C7", "abort while the store may have the new epoch");
        }
        return;
    }
    const bool dry = plan_.dry_run && std::ranges::all_of(heard_, &heard::prepared);
    const bool asked = cause.what == act::abort;
    const bool timed =
        cause.what == act::deadline && (plan_.deadline_first || !sent_.hold || sent_.gave_up ||
                                        plan_.policy == control::hold_policy::abort);
    const bool told = cause.what == act::report && (unheld_heard_ || too_many_failed());
    if (!dry && !asked && !timed && !told) {
        violation("C8", "an abort that nobody asked for and no limit explains");
    }
}

void coordinator_world::on_steady()
{
    const auto& record = coordinator_.current();
    if (!std::ranges::all_of(heard_, &heard::answered)) {
        violation("C1", "steady before every member answered");
    }
    if (sent_.commit && record.final != record.all_joined()) {
        violation("C9", "a report is final while sessions have not moved");
    }
    history_[record.id] = record;
}

void coordinator_world::check_after()
{
    const coordinator_state state = coordinator_.state();
    const bool undecided =
        state == coordinator_state::preparing || state == coordinator_state::holding;
    if (undecided && !plan_.dry_run && too_many_failed()) {
        violation("C8", "it goes on with more failed sessions than max_failed");
    }
    if (undecided && unheld_heard_) {
        violation("C8", "it goes on after unheld");
    }
    if (state == coordinator_state::steady && (coordinator_.stored().epoch != store_.epoch ||
                                               coordinator_.stored().live != store_.live)) {
        violation("C7", "the coordinator has another epoch than the store");
    }
}

void coordinator_world::ask() const
{
    const coordinator_state state = coordinator_.state();
    if (state == coordinator_state::steady) {
        return;
    }
    auto copy = coordinator_;
    control::effects out;
    if (copy.on_request(order(), now_, out) || !out.empty()) {
        violation("C1", "a switch is accepted outside of steady");
    }
    const auto id = copy.current().id;
    const control::session_failure one{"0-9", "green/g1", "x"};
    for (const auto other : {id - 1, id + 1}) {
        copy.on_report({other, 0, control::prepared{}}, now_, out);
        copy.on_report({other, 0, control::held{}}, now_, out);
        copy.on_report({other, 0, control::failed{{one}}}, now_, out);
        copy.on_report({other, 0, control::unheld{one}}, now_, out);
        copy.on_report({other, 0, control::adopted{}}, now_, out);
        copy.on_report({other, 0, control::released{}}, now_, out);
        copy.on_report({other, 0, control::numbers{}}, now_, out);
    }
    if (!out.empty() || copy.state() != state) {
        violation("C2", "a report of another switch is taken");
    }
    if (state == coordinator_state::writing) {
        copy.on_abort_request("asked", now_, out);
        copy.on_report({id, 0, control::unheld{one}}, now_, out);
        if (!out.empty() || copy.state() != state) {
            violation("C6", "something aborts while the store is written");
        }
    }
}

void coordinator_world::finish(bool silent)
{
    plan_.error = planted::none;
    switches_left_ = 0;
    for (unsigned steps = 0; steps < 200; ++steps) {
        const auto all = moves();
        const auto useful = [&](const move& m) {
            switch (m.what) {
            case act::request:
            case act::abort:
            case act::fail:
            case act::go:
            case act::unheld:
            case act::write_failed:
            case act::write_landed_silent:
            case act::write_failed_landed:
            case act::read_nothing:
            case act::deadline: return false;
            case act::prepared:
            case act::held: return !silent;
            default: return true;
            }
        };
        auto next = std::ranges::find_if(all, useful);
        if (next == all.end()) { // nothing moves by itself: time passes
            next = std::ranges::find(all, act::deadline, &move::what);
        }
        if (next == all.end()) {
            break;
        }
        make(*next);
    }
    if (coordinator_.state() != coordinator_state::steady) {
        violation("everything ends", "the switch does not");
        return;
    }
    for (const member& m : members_) {
        if (m.at != stage::idle || m.live != store_.live || m.epoch != store_.epoch) {
            violation("C4", "a member and the store disagree at the end");
        }
    }
    if (!history_.empty() && !history_.rbegin()->second.final) {
        violation("C9", "the report never becomes final");
    }
}

// ---- for the search

std::string coordinator_world::digest() const
{
    std::string d;
    const auto put = [&](auto value) { d.push_back(static_cast<char>(value)); };
    const auto flags = [&](std::initializer_list<bool> all) {
        unsigned bits = 0;
        for (const bool one : all) {
            bits = bits << 1U | static_cast<unsigned>(one);
        }
        put(bits);
    };
    const auto& record = coordinator_.current();
    put(coordinator_.state());
    put(coordinator_.stored().epoch);
    put(coordinator_.stored().last_switch);
    put(coordinator_.next_deadline() == net::never
            ? -1
            : std::chrono::duration_cast<std::chrono::seconds>(coordinator_.next_deadline() - now_)
                  .count());
    put(record.phase);
    put(record.result);
    put(store_.epoch);
    put(switches_left_);
    put(reads_failed_);
    put(deadlines_);
    flags({sent_.hold, sent_.gave_up, sent_.write, sent_.commit, sent_.abort});
    flags(
        {write_open_, read_open_, outcome_known_, abort_asked_, aborted_once_, unheld_heard_,
         coordinator_.stored().live == broker::color::blue});
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const member& m = members_[i];
        const heard& h = heard_[i];
        put(m.at);
        put(m.id);
        put(m.epoch);
        flags({m.failed, m.gone, m.told_to_give_up, m.owes_numbers});
        flags({h.prepared, h.held, h.answered});
        put(h.failed * 4 + h.gone);
        for (const control::command& one : m.commands) {
            put(one.id * 16 + one.what.index());
        }
        put(-1);
        for (const control::report& one : m.reports) {
            put(one.id * 16 + one.what.index());
        }
        put(-1);
    }
    for (const auto& [id, past] : history_) { // C9: which of its members' numbers came
        put(id);
        for (const control::tally& t : past.members) {
            put(t.drained);
        }
    }
    return d;
}

std::string coordinator_world::name(move m)
{
    static constexpr const char* names[] = {
        "request",
        "abort request",
        "deadline",
        "write answered",
        "write failed",
        "write landed, unanswered",
        "write landed, error returned",
        "read",
        "read finds nothing",
        "takes its command",
        "'s report arrives",
        "session fails",
        "failed session goes",
        "says prepared",
        "says held",
        "says unheld",
        "says its last numbers"};
    const auto at = static_cast<std::size_t>(m.what);
    return m.what < act::command ? names[at]
                                 : "member " + std::to_string(m.member) + " " + names[at];
}

} // namespace sim
