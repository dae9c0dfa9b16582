#include "tests/sim/control_side.hpp"

#include <algorithm>

namespace sim {

namespace {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace

control_side::control_side(
    std::vector<shard_driver*> members, color live, options how, process_clock& when, checker& check,
    std::uint64_t seed)
    : members_(std::move(members)), options_(std::move(how)), when_(when), checker_(check),
      random_(seed, 2000),
      coordinator_(static_cast<control::member_number>(members_.size()), {.live = live}),
      in_store_{.live = live}, last_to_(members_.size()), last_from_(members_.size())
{
}

bool control_side::request(const wish& what)
{
    if (!when_.runs()) {
        return false; // nobody answers
    }
    control::switch_order order;
    order.id = coordinator_.stored().last_switch + 1;
    order.request.to = broker::other(live());
    order.request.deadline = what.deadline;
    order.request.on_hold_timeout = what.on_hold_timeout;
    order.request.max_failed = control::failure_limit{static_cast<double>(what.max_failed), false};
    order.settings = options_.settings;
    control::effects out;
    if (!coordinator_.on_request(std::move(order), when_.now(), out)) {
        return false;
    }
    checker_.note("operator: switch to " + std::string{to_string(coordinator_.current().to)});
    run(out);
    return true;
}

void control_side::abort()
{
    if (!when_.runs()) {
        return;
    }
    control::effects out;
    if (coordinator_.on_abort_request("asked", when_.now(), out) ==
        control::abort_answer::accepted) {
        checker_.note("operator: abort");
    }
    run(out);
}

bool control_side::drain(control::endpoint_ref where, bool on)
{
    if (!steady() || !when_.runs()) {
        return false;
    }
    checker_.note(
        "operator: " + std::string{to_string(where.color)} + "/" + std::to_string(where.index) +
        (on ? " is drained" : " is taken back"));
    for (std::size_t i = 0; i < members_.size(); ++i) {
        post_to(i, [where, on](shard_driver& member) { member.drain(where, on); });
    }
    return true;
}

void control_side::post_to(std::size_t member, std::function<void(shard_driver&)> what)
{
    time_point& last = last_to_[member];
    last = std::max(last, when_.now() + random_.microseconds(1, random_.chance(10) ? 20'000 : 500));
    when_.at(last, [this, member, what = std::move(what)] { what(*members_[member]); });
}

void control_side::run_deadline()
{
    control::effects out;
    coordinator_.on_deadline(when_.now(), out);
    run(out);
}

void control_side::post(control::report what)
{
    time_point& last = last_from_[what.from];
    last = std::max(last, when_.now() + random_.microseconds(1, random_.chance(10) ? 20'000 : 500));
    when_.at(last, [this, report = std::move(what)] { receive(report); });
}

void control_side::receive(const control::report& what)
{
    check_tally(what);
    if (const auto past = history_.find(what.id); past != history_.end()) {
        if (const auto* news = std::get_if<control::numbers>(&what.what)) {
            past->second.take(what.from, news->now);
            past->second.advance(when_.now());
        }
        return;
    }
    if (checker_.tracing()) {
        static constexpr const char* names[] = {"progress", "prepared", "failed",   "held",
                                                "unheld",   "adopted",  "released", "numbers"};
        checker_.note("member " + std::to_string(what.from) + " says " + names[what.what.index()]);
    }
    control::effects out;
    coordinator_.on_report(what, when_.now(), out);
    run(out);
}

void control_side::check_tally(const control::report& what)
{
    const control::tally* t = nullptr;
    std::visit(
        overloaded{
            [&](const control::prepared& r) { t = &r.numbers; },
            [&](const control::adopted& r) { t = &r.numbers; },
            [&](const control::released& r) { t = &r.numbers; },
            [&](const control::numbers& r) { t = &r.now; },
            [](const auto&) {},
        },
        what.what);
    if (t == nullptr) {
        return;
    }
    judge(*t, what.id);
    check_identity(*t, what.id, false);
}

// contract.md "switch": accepted = confirmed + unconfirmed + open + held + refused + in_doubt; each
// session in one class, each seam joined or forced once. At rest nothing is open any more.
void control_side::check_identity(const control::tally& t, control::switch_number id, bool at_rest)
{
    const auto number = [](std::uint64_t n) { return std::to_string(n); };
    const std::string of = "report of switch " + number(id) + ": ";
    if (t.accepted != t.confirmed + t.unconfirmed + t.open + t.held + t.refused + t.in_doubt) {
        checker_.violation(
            of + "accepted " + number(t.accepted) + " != confirmed " + number(t.confirmed) +
            " + unconfirmed " + number(t.unconfirmed) + " + open " + number(t.open) + " + held " +
            number(t.held) + " + refused " + number(t.refused) + " + in doubt " +
            number(t.in_doubt));
    }
    const auto sessions =
        t.sessions_moved + t.sessions_pinned + t.sessions_failed + t.sessions_gone;
    if (sessions > t.sessions_total || t.sessions_ready > t.sessions_total ||
        (at_rest && sessions != t.sessions_total)) {
        checker_.violation(
            of + number(t.sessions_total) + " sessions, but moved " + number(t.sessions_moved) +
            " + pinned " + number(t.sessions_pinned) + " + failed " + number(t.sessions_failed) +
            " + gone " + number(t.sessions_gone));
    }
    const auto seams = t.seams_joined + t.seams_forced;
    if (seams > t.seams_total || (at_rest && seams != t.seams_total)) {
        checker_.violation(
            of + number(t.seams_total) + " seams, but joined " + number(t.seams_joined) +
            " + forced " + number(t.seams_forced));
    }
    if (at_rest && (t.held > 0 || t.frames_carried > 0)) {
        checker_.violation(
            of + "held for ever: " + number(t.held) + " SENDs, " + number(t.frames_carried) +
            " bytes");
    }
}

void control_side::check_reports()
{
    std::uint64_t streams_anew = 0;
    for (const auto& [id, record] : history_) {
        if (record.result != control::switch_result::switched) {
            continue;
        }
        const bool last = id == history_.rbegin()->first;
        const control::tally sum = record.total();
        if (last && (!record.final || !record.all_drained())) {
            checker_.violation(
                "the report of switch " + std::to_string(id) + " is not final: receipts open " +
                std::to_string(sum.receipts_open) + ", drained " + std::to_string(sum.drained));
        }
        // What waited when the next one began was taken over by that one's report.
        check_identity(sum, id, last);
        streams_anew += sum.streams_anew;
    }
    checker_.check_streams(streams_anew);
}

// What a report owns up to is excused, of its own switch.
void control_side::judge(const control::tally& numbers, control::switch_number id)
{
    checker::excuses of;
    of.fence = numbers.fence_best_effort || numbers.in_doubt > 0;
    of.order = numbers.seams_forced > 0 || numbers.late > 0 || numbers.seams_best_effort > 0 ||
               (numbers.gaps > 0 && !checker_.breaks());
    of.quiet = numbers.seams_best_effort > 0;
    of.gaps = numbers.gaps > 0;
    of.given_up =
        numbers.sessions_pinned > 0 || numbers.sessions_failed > 0 || !numbers.failures.empty();
    of.left_behind = numbers.stored_left_behind > 0;
    of.pairing = std::ranges::any_of(
        numbers.counted, [](const auto& said) { return said.text.starts_with("dedup: "); });
    of.doubtful = numbers.pairs_doubtful;
    of.alone = numbers.pairs_alone;
    checker_.on_report(id, of);
}

void control_side::run(const control::effects& out)
{
    for (const control::effect& one : out) {
        std::visit(
            overloaded{
                [&](const control::to_members& order) {
                    if (std::holds_alternative<control::commit>(order.what.what)) {
                        checker_.on_decided(coordinator_.stored().live, order.what.id);
                    }
                    for (std::size_t i = 0; i < members_.size(); ++i) {
                        post_to(
                            i, [what = order.what](shard_driver& member) { member.command(what); });
                    }
                },
                [&](const control::write_state& order) { write(order.what); },
                [&](const control::read_state&) {
                    when_.after(random_.microseconds(50, 5000), [this] {
                        control::effects more;
                        const bool readable = !options_.store_fails || random_.chance(70);
                        coordinator_.on_store_read(
                            readable ? std::optional{in_store_} : std::nullopt, when_.now(), more);
                        run(more);
                    });
                },
                [&](const control::changed&) {},
                [&](const control::became_steady&) {
                    history_[coordinator_.current().id] = coordinator_.current();
                    checker_.note(
                        "switch " + std::to_string(coordinator_.current().id) +
                        " is steady: " + std::string{to_string(coordinator_.current().result)} +
                        " " + coordinator_.current().detail);
                },
            },
            one);
    }
}

void control_side::write(const control::stored_state& what)
{
    when_.after(random_.microseconds(100, 8000), [this, what] {
        control::write_result result = control::write_result::written;
        bool lands = true;
        if (options_.store_fails && random_.chance(40)) {
            result =
                random_.chance(50) ? control::write_result::failed : control::write_result::unknown;
            lands = random_.chance(50);
        }
        if (lands) {
            in_store_ = what;
        }
        control::effects more;
        coordinator_.on_store_result(result, when_.now(), more);
        run(more);
    });
}

} // namespace sim
