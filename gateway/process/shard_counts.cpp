// A shard's numbers for the page of /metrics: what is counted here, and what is looked up when somebody
// asks.

#include "gateway/process/shard.hpp"

namespace gateway {

namespace {

using control::session_counts;

by<session_label, gauge> by_label(const session_counts& counts) noexcept
{
    by<session_label, gauge> all;
    for (const auto& [label, count] :
         {std::pair{session_label::connecting, counts.connecting},
          std::pair{session_label::active, counts.active},
          std::pair{session_label::waiting, counts.waiting},
          std::pair{session_label::quiescing, counts.quiescing},
          std::pair{session_label::held, counts.held},
          std::pair{session_label::rebinding, counts.rebinding},
          std::pair{session_label::pinned, counts.pinned},
          std::pair{session_label::parked, counts.parked},
          std::pair{session_label::closing, counts.closing}}) {
        all[label] = count;
    }
    return all;
}

} // namespace

shard_counters shard::take_counters(const control::member_snapshot& state)
{
    count_held();
    counters_.held = router_.budget().by_kind();
    counters_.tls_waiting = gate_.waiting();
    for (const color c : broker::colors) {
        counters_.sessions[c] = by_label(state.by_color[c]);
    }
    counters_.held_bytes = carried_bytes();
    const auto& s = loop_.syscalls();
    counters_.syscalls[syscall::read] = s.recv;
    counters_.syscalls[syscall::write] = s.send;
    counters_.syscalls[syscall::epoll_wait] = s.epoll_wait;
    counters_.syscalls[syscall::epoll_ctl] = s.epoll_ctl;
    counters_.syscalls[syscall::accept] = s.accept;
    counters_.syscalls[syscall::connect] = s.connect;
    counters_.syscalls[syscall::close] = s.close;
    counters_.event_loop_lag.observe(loop_.worst_lag());
    return counters_;
}

// What clients have sent that waits for the decision of a switch.
std::uint64_t shard::carried_bytes()
{
    std::uint64_t bytes = 0;
    if (router_.phase() < member_phase::holding) {
        return bytes;
    }
    for (const auto& [number, c] : clients_) {
        const client_session* const s = router_.session(c->session());
        bytes += s == nullptr ? 0 : c->carried_bytes() + s->waiting_bytes;
    }
    return bytes;
}

// Before its CONNECTED. What the core ends by itself (a timeout, a refused login) it counts.
void shard::count_lost_dial(const broker::link_connection& lost, color c)
{
    const auto& reached = lost.reached();
    if (reached.connected) {
        return;
    }
    const bool secured = reached.secured != net::time_point{};
    const bool open = reached.open != net::time_point{};
    ++counters_.connect_failures[c][reached.malformed   ? dial_failure::protocol
                                    : lost.tls_failed() ? dial_failure::tls
                                    : !secured          ? dial_failure::refused
                                    : !open             ? dial_failure::upgrade
                                                        : dial_failure::closed];
}

} // namespace gateway
