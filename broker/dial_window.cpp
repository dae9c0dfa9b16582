#include "broker/dial_window.hpp"

#include <boost/assert.hpp>

#include <utility>

namespace broker {

dial_room dial_window::room() const noexcept
{
    if (in_flight_ >= size_) {
        return dial_room::none;
    }
    const std::size_t for_strangers = size_ - std::max<std::size_t>(1, size_ / 4);
    return strangers_ >= for_strangers ? dial_room::known_only : dial_room::all;
}

void dial_window::on_dialled(dial_class who, net::time_point now) noexcept
{
    if (in_flight_ == 0 && now - idle_since_ >= patience_) { // it may be another one by now
        *this = dial_window{patience_};
        period_ = now;
    }
    ++in_flight_;
    strangers_ += is_stranger(who);
}

void dial_window::on_end(
    dial_end how, dial_class who, net::time_point dialled, net::time_point now) noexcept
{
    BOOST_ASSERT(in_flight_ > 0);
    const bool used = in_flight_ * 2 > size_;
    --in_flight_;
    strangers_ -= is_stranger(who);
    idle_since_ = now;
    if (how == dial_end::given_up) {
        return;
    }
    if (how == dial_end::failed) {
        shrink(dialled, now);
        return;
    }
    const net::duration took = now - dialled;
    if (how == dial_end::let_in) {
        note_quickest(took, now);
    }
    const auto times = [](net::duration quick, int n, net::duration from, net::duration to) {
        return std::clamp(quick < to ? quick * n : to, from, to);
    };
    if (took <= times(quickest(), 2, patience_ / 10, patience_ / 4)) {
        if (used) { // carefully where others seem to wait there, too
            grow(took <= times(quickest_of_all_, 2, patience_ / 10, patience_ / 4));
        }
    } else if (
        how == dial_end::let_in && took > times(quickest(), 4, patience_ / 4, patience_ * 3 / 4)) {
        shrink(dialled, now);
    }
}

void dial_window::note_quickest(net::duration took, net::time_point now) noexcept
{
    if (now - period_ >= patience_) {
        period_ = now;
        quickest_before_ = std::exchange(quickest_, net::duration::max());
    }
    quickest_ = std::min(quickest_, took);
    quickest_of_all_ = std::min(quickest_of_all_, took);
}

void dial_window::shrink(net::time_point dialled, net::time_point now) noexcept
{
    if (dialled < shrunk_) {
        return; // of those that the last time was for
    }
    shrunk_ = now;
    size_ = std::max(least, size_ / 2);
    careful_from_ = size_;
    credit_ = 0;
}

void dial_window::grow(bool by_one_each) noexcept
{
    if (size_ >= careful_from_ || !by_one_each) {
        if (++credit_ < size_) {
            return;
        }
        credit_ = 0;
    }
    size_ = std::min(most, size_ + 1);
}

} // namespace broker
