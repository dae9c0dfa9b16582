// Proves which report a number counts in (switch.md C9), and that a sentence stands in it once.

#include "gateway/core/tables/switch_state.hpp"

#include <gtest/gtest.h>

namespace {

TEST(SwitchState, C9_ANumberCountsInTheReportOfTheSwitchThatCausedIt)
{
    gateway::switch_state s;
    s.id = 9;
    s.past = {{.id = 7, .numbers = {}}, {.id = 8, .numbers = {}}};
    ++s.tally_of(7).gaps;
    s.tally_of(8).gaps += 2;
    s.tally_of(9).gaps += 3;
    EXPECT_EQ(s.past[0].numbers.gaps, 1u);
    EXPECT_EQ(s.past[1].numbers.gaps, 2u);
    EXPECT_EQ(s.tally.gaps, 3u);
    s.past.erase(
        s.past.begin()); // its report is told: what is still open counts in the running one
    ++s.tally_of(7).gaps;
    EXPECT_EQ(s.tally.gaps, 4u);
}

TEST(SwitchState, ASentenceStandsInTheReportOnceWithAllWhoseItWas)
{
    gateway::switch_state s;
    control::session_names first, second;
    first.add("0-1");
    second.add("0-2");
    s.note_counted("dedup: content", first);
    s.note_counted("dedup: content", second);
    s.note_counted("another");
    ASSERT_EQ(s.tally.counted.size(), 2u);
    EXPECT_EQ(s.tally.counted[0].whose.all().size(), 2u);
}

TEST(SwitchState, C2_ASwitchRunsFromItsOrderToItsEnd)
{
    using gateway::member_phase;
    gateway::switch_state s;
    EXPECT_FALSE(s.running());
    for (const auto phase :
         {member_phase::preparing, member_phase::prepared, member_phase::holding,
          member_phase::held}) {
        s.phase = phase;
        EXPECT_TRUE(s.running());
    }
}

} // namespace
