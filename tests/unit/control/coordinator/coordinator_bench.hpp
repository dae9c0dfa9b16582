#pragma once

// The coordinator with two members, and short ways to say what they report.

#include "control/coordinator/switch_coordinator.hpp"

#include <gtest/gtest.h>

namespace control {

inline constexpr auto blue = broker::color::blue;
inline constexpr auto green = broker::color::green;

struct coordinator_test : testing::Test {
    net::time_point t0{std::chrono::hours(1)};
    stored_state stored{4, blue, std::nullopt, 6};
    switch_coordinator coordinator{2, stored};
    effects out;
    switch_request request{green, std::nullopt, std::nullopt, std::nullopt, "", false, "test"};
    control_settings settings;
    std::string note;

    effects took() { return std::exchange(out, {}); }
    bool begin() { return coordinator.on_request({7, request, settings, {}, note}, t0, out); }
    template <class What>
    effects say(member_number from, What what, switch_number id = 7)
    {
        coordinator.on_report({id, from, std::move(what)}, t0, out);
        return took();
    }
    static tally sized(std::uint64_t sessions)
    {
        tally t;
        t.sessions_total = t.sessions_ready = sessions;
        return t;
    }
    static tally moved(std::uint64_t sessions)
    {
        tally t = sized(sessions);
        t.sessions_moved = sessions;
        return t;
    }
    template <class What>
    static effect order(What what)
    {
        return to_members{command{7, std::move(what)}};
    }
    void to_holding()
    {
        begin();
        say(0, prepared{sized(10)});
        say(1, prepared{sized(10)});
        ASSERT_EQ(coordinator.state(), coordinator_state::holding);
    }
    void to_writing()
    {
        to_holding();
        say(0, held{});
        say(1, held{});
        ASSERT_EQ(coordinator.state(), coordinator_state::writing);
    }
    void to_committing()
    {
        to_writing();
        coordinator.on_store_result(write_result::written, t0, out);
        took();
        ASSERT_EQ(coordinator.state(), coordinator_state::committing);
    }
    effect abort_order() const { return order(abort_switch{coordinator.current().detail}); }
    const stored_state wanted{5, green, blue, 7};
};
} // namespace control
