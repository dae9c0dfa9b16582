// Proves the table of switch.md "Seam", cell by cell, as far as one pair's core shows it: which
// event opens the new side, which leaves the old one, and that nothing else does (M6). What happens
// before commit is the router's.

#include "gateway/core/seams/seam.hpp"

#include <gtest/gtest.h>

namespace gateway {

void PrintTo(const seam_action& a, std::ostream* to)
{
    *to << "{open_new " << a.open_new << ", leave_old " << a.leave_old << ", gap " << a.gap << "}";
}

namespace {

using namespace std::chrono_literals;

const net::time_point t0 = net::time_point{} + 1h;
const seam::timing timing{
    .seam_timeout = 1s, .seam_quiet = 50ms, .marker_interval = 100ms, .drain_timeout = 30s};

const seam_action nothing{};
const seam_action join{.open_new = true, .leave_old = true};
const seam_action open_only{.open_new = true};
const seam_action leave_only{.leave_old = true};

seam joining()
{
    return {wire_id{1}, wire_id{2}, seam_kind::markers, t0, timing};
}
seam joined()
{
    seam s = joining();
    s.on_marker();
    return s;
}
seam forced()
{
    seam s = joining();
    s.on_deadline(t0 + 1s, t0, true);
    return s;
}
seam best_effort()
{
    return {wire_id{1}, wire_id{2}, seam_kind::best_effort, t0, timing};
}

TEST(Seam, JoiningReadsItsMarkerAndJoins)
{
    seam s = joining();
    EXPECT_EQ(s.on_marker(), join);
    EXPECT_EQ(s.state(), seam_state::joined);
    EXPECT_TRUE(s.left());
}

TEST(Seam, JoiningLosesAMemberAndTheLastOneOutSaysSo)
{
    seam s = joining();
    s.add({session_id{1}, 1, member_state::joining});
    s.add({session_id{1}, 2, member_state::joining});
    EXPECT_FALSE(s.remove(session_id{1}, 1));
    ASSERT_EQ(s.members().size(), 1u);
    EXPECT_EQ(s.members().front().subscription, 2u);
    EXPECT_FALSE(s.remove(session_id{9}, 2)); // nobody's
    EXPECT_FALSE(s.left());
    EXPECT_TRUE(s.remove(session_id{1}, 2));
    EXPECT_TRUE(s.left()); // a marker that is still under way opens nothing a second time
    EXPECT_EQ(s.on_marker(), nothing);
    EXPECT_EQ(s.state(), seam_state::joining);
}

TEST(Seam, JoiningLosesTheOldLinkAndJoinsWithAGap)
{
    seam s = joining();
    EXPECT_EQ(s.on_old_lost(), (seam_action{.open_new = true, .leave_old = true, .gap = true}));
    EXPECT_EQ(s.state(), seam_state::joined);
}

TEST(Seam, JoiningLosesTheNewLinkAndKeepsWhatIsKept)
{
    seam s = joining();
    EXPECT_EQ(s.on_new_lost(), (seam_action{.gap = true}));
    EXPECT_EQ(s.state(), seam_state::joining);
    EXPECT_EQ(s.on_marker(), join);
}

TEST(Seam, M1_JoinsWithTheLastOfTheMarkersThatItAwaits)
{
    seam s{wire_id{1}, wire_id{2}, seam_kind::markers, t0, timing, 1, 0b101};
    EXPECT_EQ(s.on_marker(2), nothing);
    EXPECT_EQ(s.on_marker(2), nothing);
    EXPECT_EQ(s.on_marker(1), nothing); // never asked for
    EXPECT_EQ(s.awaited(), 0b001u);
    EXPECT_EQ(s.on_marker(0), join);
}

TEST(Seam, M1_AnEndpointThatIsLostIsNotWaitedFor)
{
    seam s{wire_id{1}, wire_id{2}, seam_kind::markers, t0, timing, 1, 0b11};
    EXPECT_EQ(s.on_marker(0), nothing);
    const seam_action gap{.open_new = true, .leave_old = true, .gap = true};
    EXPECT_EQ(s.on_marker_lost(1), gap); // what it had on its way to the others
}

TEST(Seam, JoinedHearsAnotherMarkerWithoutEffect)
{
    seam s = joined();
    EXPECT_EQ(s.on_marker(), nothing);
    EXPECT_EQ(s.state(), seam_state::joined);
}

TEST(Seam, JoinedLosesTheOldLinkWithoutAGap)
{
    EXPECT_EQ(joined().on_old_lost(), leave_only);
}

TEST(Seam, JoinedHasNoDeadlineAndSendsNoMarker)
{
    seam s = joined();
    EXPECT_EQ(s.next_deadline(), net::never);
    EXPECT_FALSE(s.marker_due(t0 + 1h));
}

TEST(Seam, ForcedIsLeftWithItsMarker)
{
    seam s = forced();
    EXPECT_FALSE(s.left());
    EXPECT_EQ(s.on_marker(), leave_only);
    EXPECT_TRUE(s.left());
    EXPECT_EQ(s.state(), seam_state::forced); // the report goes on saying so
}

TEST(Seam, ForcedLosesTheOldLinkWithoutAnotherGap)
{
    EXPECT_EQ(forced().on_old_lost(), leave_only);
}

TEST(Seam, ForcedDoesNotOpenTwice)
{
    seam s = forced();
    EXPECT_FALSE(s.on_new_lost().open_new);
    EXPECT_EQ(s.on_buffer_full(), nothing);
    EXPECT_EQ(s.on_deadline(t0 + 2s, t0, true), nothing);
}

TEST(Seam, ForcedIsLeftAtDrainTimeout)
{
    seam s = forced();
    EXPECT_EQ(s.on_deadline(t0 + 29s, t0, true), nothing);
    EXPECT_EQ(s.on_deadline(t0 + 30s, t0, true), leave_only);
    EXPECT_TRUE(s.left());
}

TEST(Seam, M3_MarkersAreRepeatedUntilRead)
{
    seam s = joining();
    EXPECT_TRUE(s.marker_due(t0));
    EXPECT_FALSE(s.marker_due(t0 + 99ms));
    EXPECT_EQ(s.next_deadline(), t0 + 100ms);
    EXPECT_TRUE(s.marker_due(t0 + 100ms));
    s.on_deadline(t0 + 1s, t0, true);
    EXPECT_TRUE(s.marker_due(t0 + 1s)); // forced: the old side is still left with the marker
    s.on_marker();
    EXPECT_FALSE(s.marker_due(t0 + 2s));
}

TEST(Seam, M6_NoTimerJoinsIt)
{
    seam s = joining();
    EXPECT_EQ(s.on_deadline(t0 + 999ms, t0, true), nothing);
    EXPECT_EQ(s.on_deadline(t0 + 1s, t0, true), open_only); // forced, never joined
    EXPECT_EQ(s.state(), seam_state::forced);
}

TEST(Seam, M6_TheTimeoutCountsTimeWithoutProgress)
{
    seam s = joining();
    EXPECT_EQ(s.on_deadline(t0 + 1s, t0 + 900ms, true), nothing);
    EXPECT_EQ(s.on_deadline(t0 + 1900ms, t0 + 900ms, true), open_only);
}

TEST(Seam, M6_TheClockStandsWhileTheOldLinkIsNotRead)
{
    seam s = joining();
    auto now = t0;
    for (int i = 0; i < 5; ++i) {
        now += 1s;
        ASSERT_EQ(s.on_deadline(now, t0, false), nothing);
    }
    EXPECT_EQ(s.on_deadline(now + 999ms, t0, true), nothing);
    EXPECT_EQ(s.on_deadline(now + 1s, t0, true), open_only);
}

TEST(Seam, M6_DrainTimeoutBoundsTheStandingClock)
{
    seam s = joining();
    for (int i = 1; i < 30; ++i) {
        ASSERT_EQ(s.on_deadline(t0 + i * 1s, t0, false), nothing);
    }
    EXPECT_EQ(s.on_deadline(t0 + 30s, t0, false), join);
    EXPECT_EQ(s.state(), seam_state::forced);
}

TEST(Seam, M10_AFullBufferForcesIt)
{
    seam s = joining();
    EXPECT_EQ(s.on_buffer_full(), open_only);
    EXPECT_EQ(s.state(), seam_state::forced);
    EXPECT_EQ(s.on_marker(), leave_only);
}

TEST(Seam, B4_H24_BestEffortJoinsWhenTheOldColorWasQuietSinceCommit)
{
    seam s = best_effort();
    EXPECT_EQ(s.next_deadline(), t0 + 50ms);
    EXPECT_EQ(s.on_deadline(t0 + 49ms, t0 - 1h, true), nothing);
    EXPECT_EQ(s.on_deadline(t0 + 50ms, t0 - 1h, true), join);
    EXPECT_EQ(s.state(), seam_state::joined);
}

TEST(Seam, B4_H24_BestEffortWaitsForQuiet)
{
    seam s = best_effort();
    EXPECT_EQ(s.on_deadline(t0 + 50ms, t0 + 30ms, true), nothing);
    EXPECT_EQ(s.next_deadline(), t0 + 80ms);
    EXPECT_EQ(s.on_deadline(t0 + 80ms, t0 + 30ms, true), join);
}

TEST(Seam, B4_BestEffortJoinsAtTheLatestAfterSeamTimeout)
{
    seam s = best_effort();
    auto now = t0;
    while (now < t0 + 990ms) {
        now = std::max(now + 10ms, s.next_deadline());
        if (now >= t0 + 1s) {
            break;
        }
        ASSERT_EQ(s.on_deadline(now, now - 1ms, true), nothing);
    }
    EXPECT_EQ(s.next_deadline(), t0 + 1s);
    EXPECT_EQ(s.on_deadline(t0 + 1s, t0 + 1s - 1ms, true), join);
}

TEST(Seam, B4_BestEffortSendsNoMarkerAndTrustsNone)
{
    seam s = best_effort();
    EXPECT_FALSE(s.marker_due(t0));
    EXPECT_EQ(s.on_marker(), nothing);
}

} // namespace
} // namespace gateway
