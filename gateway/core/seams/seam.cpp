#include "gateway/core/seams/seam.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr unsigned doublings_max = 4;

net::duration first_check(seam_kind kind, const seam::timing& t) noexcept
{
    switch (kind) {
    case seam_kind::markers: return t.seam_timeout;
    case seam_kind::best_effort: return t.seam_quiet;
    case seam_kind::overlap: return {}; // opened at once
    }
    return {};
}

} // namespace

seam::seam(
    wire_id old_wire, wire_id new_wire, seam_kind kind, net::time_point now, const timing& t,
    control::switch_number made_by, std::uint64_t awaited) noexcept
    : awaited_(awaited), old_(old_wire), new_(new_wire), timing_(t), began_(now), progress_(now),
      marker_at_(now), next_check_(now + first_check(kind, t)), kind_(kind), made_by_(made_by)
{
}

seam_action seam::on_marker(unsigned endpoint) noexcept
{
    if (left_ || kind_ != seam_kind::markers) {
        return {};
    }
    // M1: order holds between two nodes of a broker, not between three.
    awaited_ &= ~(std::uint64_t{1} << endpoint);
    if (awaited_ != 0) {
        return {};
    }
    left_ = true;
    if (state_ == seam_state::forced) {
        return {.leave_old = true};
    }
    state_ = seam_state::joined;
    return {.open_new = true, .leave_old = true, .gap = breaks() || lacks_};
}

seam_action seam::on_marker_lost(unsigned endpoint) noexcept
{
    lacks_ |= (awaited_ >> endpoint & 1) != 0;
    return on_marker(endpoint);
}

seam_action seam::on_old_lost() noexcept
{
    const bool open = state_ == seam_state::joining;
    left_ = true;
    state_ = open ? seam_state::joined : state_;
    return {.open_new = open, .leave_old = true, .gap = open};
}

seam_action seam::on_new_lost() noexcept
{
    // The kept MESSAGEs stay until the old color has delivered everything. Then the new side is
    // bound again.
    return {.gap = state_ == seam_state::joining};
}

seam_action seam::on_buffer_full() noexcept
{
    return force();
}

seam_action seam::force() noexcept
{
    if (state_ != seam_state::joining || kind_ == seam_kind::overlap) {
        return {};
    }
    state_ = seam_state::forced;
    if (breaks()) { // the new color is not subscribed while the old one is
        left_ = true;
        return {.open_new = true, .leave_old = true, .gap = true};
    }
    if (!best_effort()) { // no marker would end that one: quiet does, as if it were joining
        next_check_ = began_ + timing_.drain_timeout;
    }
    return {.open_new = true};
}

seam_action
seam::on_deadline(net::time_point now, net::time_point last_message, bool reading) noexcept
{
    if (now < next_check_) {
        return {};
    }
    if (kind_ == seam_kind::overlap) {
        return on_overlap_deadline();
    }
    if (now >= began_ + timing_.drain_timeout) {
        left_ = true;
        const bool open = state_ == seam_state::joining;
        state_ = open ? seam_state::forced : state_;
        return {.open_new = open, .leave_old = true, .gap = open && breaks()};
    }
    if (best_effort()) {
        // B4, H24: quiet for seam_quiet, counted from commit, at the latest after seam_timeout.
        const auto quiet_from = std::max(began_, last_message);
        if (now >= quiet_from + timing_.seam_quiet || now >= began_ + timing_.seam_timeout) {
            left_ = true;
            const bool open = state_ == seam_state::joining;
            state_ = open ? seam_state::joined : state_;
            return {.open_new = open, .leave_old = true, .gap = open && breaks()};
        }
        next_check_ = std::min(quiet_from + timing_.seam_quiet, began_ + timing_.seam_timeout);
        return {};
    }
    if (state_ == seam_state::forced) {
        next_check_ = began_ + timing_.drain_timeout;
        return {};
    }
    progress_ = std::max(progress_, last_message);
    if (!reading) {
        progress_ = now; // M6: the clock stands while the gateway itself does not read the old link
    }
    if (now >= progress_ + timing_.seam_timeout) {
        return force();
    }
    next_check_ = progress_ + timing_.seam_timeout;
    return {};
}

// O2: the new color is live from the commit on, and the old one stays for what it still answers.
seam_action seam::on_overlap_deadline() noexcept
{
    if (state_ == seam_state::joining) {
        state_ = seam_state::overlapping;
        next_check_ = began_ + timing_.overlap;
        return {.open_new = true};
    }
    left_ = true;
    return {.leave_old = true};
}

bool seam::has(session_id session, std::uint32_t subscription) const noexcept
{
    return std::ranges::any_of(
        members_, [&](const wire_member& m) { return m.is_of(session, subscription); });
}

bool seam::remove(session_id session, std::uint32_t subscription) noexcept
{
    std::erase_if(members_, [&](const wire_member& m) { return m.is_of(session, subscription); });
    left_ = left_ || members_.empty(); // nothing acts on it until it is taken out
    return members_.empty();
}

bool seam::marker_due(net::time_point now) noexcept
{
    if (left_ || kind_ != seam_kind::markers || now < marker_at_) {
        return false;
    }
    // Each time after twice as long: a broker that is slow is not made slower by as many markers as
    // it has subscriptions, ten times a second.
    marker_at_ = now + timing_.marker_interval * (1 << std::min(markers_, doublings_max));
    ++markers_;
    return true;
}

net::time_point seam::next_deadline() const noexcept
{
    if (left_) {
        return net::never;
    }
    return kind_ == seam_kind::markers ? std::min(next_check_, marker_at_) : next_check_;
}

} // namespace gateway
