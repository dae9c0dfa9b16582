// S2: the barriers at the end of preparing, and how long their answers are waited for.

#include "gateway/core/readiness/readiness.hpp"

#include <algorithm>
#include <string>

namespace gateway {

namespace {

// The longest wait for the next answer: a broker that is busy with a thousand new connections may
// be silent for longer than a hold may last.
constexpr net::duration wait_max = std::chrono::seconds{10};

} // namespace

// Not of a link whose client keeps it from being read (S17).
void readiness::ask_proofs(time_point now)
{
    switch_.awaited.clear();
    for (const auto& [id, l] : tables_.links) {
        if (l->at().color != shard_.live) {
            continue;
        }
        links_.ask_barrier(*l, now);
        const client_session* owner = find(l->owner);
        if (l->core.barrier_open() && l->core.state() == broker::link_state::ready &&
            (owner == nullptr || owner->over_outbox == backlog::below)) {
            switch_.awaited.insert(l->core.id());
        }
    }
}

time_point readiness::proofs_until() const noexcept
{
    const auto wait =
        std::clamp(2 * switch_.timing.hold_timeout, settings_.trial_timeout, wait_max);
    return std::min(
        switch_.proofs_answered + wait,
        std::max(switch_.proofs_give_up, switch_.proofs_asked + settings_.trial_timeout));
}

// S2: barriers at the end of preparing, so that few are open at the hold. Their answers are awaited
// here, where nobody is held. (With 1000 dedicated links that saves 10 ms of every session's hold.)
// Slow answers mean that the broker has a backlog, as RabbitMQ has after a thousand new
// connections, and that the hold would end by its timeout. So the barriers are repeated until they
// take less than half of it. A broker that answers nothing at all is awaited for twice as long as
// the hold would last.
bool readiness::proven_in_time(time_point now)
{
    const auto ask = [&] {
        switch_.proofs_asked = switch_.proofs_answered = now;
        ask_proofs(now);
    };
    if (switch_.proofs_asked == time_point{}) {
        switch_.proofs_give_up = now + switch_.timing.prepare_timeout / 2;
        ask();
    }
    if (!switch_.awaited.empty()) {
        return now >= proofs_until();
    }
    const net::duration took = switch_.proofs_answered - switch_.proofs_asked;
    const net::duration most = switch_.timing.hold_timeout / 2;
    if (most == net::duration{} || took <= most || now >= switch_.proofs_give_up) {
        return true;
    }
    const auto ms = [](net::duration d) {
        return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
    };
    out_.log(
        log_level::info, "switch " + std::to_string(switch_.id) + ": the brokers answered after " + ms(took) +
               " ms, waiting until they take less than " + ms(most) + " ms (half of hold_timeout)");
    ask();
    return switch_.awaited.empty();
}

} // namespace gateway
