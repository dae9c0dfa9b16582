#pragma once

// How many dials one endpoint may have to answer at a time. An application that is cold, or that
// checks passwords slowly, takes longer for each of many, until all of them time out. So it gets
// few at first, and more as it answers, as TCP does with what is on its way. docs/switch.md B6.
//
// Threading:  belongs to one shard.
// Invariants:
// (1) Each on_dialled is followed by one on_end.
// (2) The window grows only while it is used. So it says what the endpoint has shown.
// (3) An answer that is as quick as the quickest of late is no sign of a queue there, however slow
//     it is. One that is late shrinks the window once for all that were dialled by then.
// (4) Strangers never take all of it: there is a place for who is known (D1).

#include "broker/dial_pacer.hpp"

#include <algorithm>

namespace broker {

enum class dial_end : std::uint8_t {
    let_in,   // CONNECTED
    refused,  // an ERROR, or an HTTP answer; some take their time with it on purpose
    failed,   // nothing came in time, or the connection ended
    given_up, // nobody wants it any more
};

class dial_window {
public:
    static constexpr std::size_t first = 4, least = 2, most = 1024;

    explicit dial_window(net::duration patience) noexcept // limits.connect_timeout
        : patience_(patience)
    {
    }

    void on_dialled(dial_class who, net::time_point now) noexcept;
    void
    on_end(dial_end how, dial_class who, net::time_point dialled, net::time_point now) noexcept;

    dial_room room() const noexcept;
    std::size_t size() const noexcept { return size_; }
    std::size_t in_flight() const noexcept { return in_flight_; }

private:
    void note_quickest(net::duration took, net::time_point now) noexcept;
    void shrink(net::time_point dialled, net::time_point now) noexcept;
    void grow(bool by_one_each) noexcept;
    net::duration quickest() const noexcept { return std::min(quickest_, quickest_before_); }

    net::duration patience_;
    std::size_t size_ = first;
    std::size_t in_flight_ = 0, strangers_ = 0;
    std::size_t careful_from_ =
        most; // from here on it grows by one for all of it, and not for each
    std::size_t credit_ = 0;
    // The quickest answer in this period and in the one before, and of all.
    net::duration quickest_ = net::duration::max(), quickest_before_ = net::duration::max(),
                  quickest_of_all_ = net::duration::max();
    net::time_point period_{}, shrunk_{}, idle_since_{};
};

} // namespace broker
