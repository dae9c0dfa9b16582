// Proves the negotiation of heart-beats and both clocks, with a clock that only the test moves.

#include "broker/stomp/heart_beat.hpp"

#include <gtest/gtest.h>

namespace stomp {
namespace {

using namespace std::chrono_literals;
using due = heart_beat::due;

constexpr net::time_point t0{1h};
constexpr heart_beat_terms both{.send_every = 4s, .expect_every = 10s};

TEST(HeartBeatOffer, IsTwoDecimalNumbers)
{
    const auto offer = parse_heart_beat("10000,250");
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->outgoing, 10s);
    EXPECT_EQ(offer->incoming, 250ms);
    EXPECT_EQ(to_string(*offer), "10000,250");
    EXPECT_EQ(to_string(heart_beat_offer{}), "0,0");
    EXPECT_EQ(parse_heart_beat(" 10000, 250 ")->incoming, 250ms); // F2
    for (const char* bad :
         {"", ",", "1", "1,", ",1", "1,2,3", "-1,2", "1 1,2", "1;2", "a,b", "1.5,2"}) {
        EXPECT_FALSE(parse_heart_beat(bad)) << bad;
    }
}

TEST(HeartBeatOffer, AbsurdIntervalsStayWithinTheClock)
{
    const auto offer = parse_heart_beat("99999999999999999999999999999999,2147483648");
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->outgoing.count(), 2'147'483'647);
    EXPECT_EQ(offer->incoming.count(), 2'147'483'647);
    const heart_beat clocks{negotiate(*offer, *offer), t0};
    EXPECT_GT(clocks.next_deadline(), t0);
    EXPECT_EQ(clocks.on_deadline(t0), due::nothing);
}

TEST(HeartBeatNegotiation, H15_IsTheSlowerOfBothOrNone)
{
    const auto terms = negotiate({10s, 3s}, {5s, 20s});
    EXPECT_EQ(terms.send_every, 20s);
    EXPECT_EQ(terms.expect_every, 5s);
    EXPECT_EQ(negotiate({0s, 3s}, {5s, 20s}).send_every, 0s);
    EXPECT_EQ(negotiate({10s, 3s}, {5s, 0s}).send_every, 0s);
    EXPECT_EQ(negotiate({10s, 0s}, {5s, 20s}).expect_every, 0s);
    EXPECT_EQ(negotiate({10s, 3s}, {0s, 20s}).expect_every, 0s);
}

TEST(HeartBeat, WithoutTermsNothingIsEverDue)
{
    EXPECT_EQ(heart_beat{}.next_deadline(), net::never);
    const heart_beat none{{}, t0};
    EXPECT_EQ(none.next_deadline(), net::never);
    EXPECT_EQ(none.on_deadline(t0 + 1000h), due::nothing);
}

TEST(HeartBeat, SendIsDueOneIntervalAfterTheLastByteSent)
{
    heart_beat clocks{both, t0};
    EXPECT_EQ(clocks.next_deadline(), t0 + 4s);
    EXPECT_EQ(clocks.on_deadline(t0 + 4s - 1ns), due::nothing);
    EXPECT_EQ(clocks.on_deadline(t0 + 4s), due::send);
    clocks.on_sent(t0 + 3s);
    EXPECT_EQ(clocks.next_deadline(), t0 + 7s);
    EXPECT_EQ(clocks.on_deadline(t0 + 4s), due::nothing);
}

TEST(HeartBeat, PeerIsLostAfterTwiceItsInterval)
{
    heart_beat clocks{{.send_every = 0s, .expect_every = 10s}, t0};
    EXPECT_EQ(clocks.next_deadline(), t0 + 20s);
    EXPECT_EQ(clocks.on_deadline(t0 + 20s - 1ns), due::nothing);
    EXPECT_EQ(clocks.on_deadline(t0 + 20s), due::lost);
    clocks.on_received(t0 + 15s);
    EXPECT_EQ(clocks.next_deadline(), t0 + 35s);
    EXPECT_EQ(clocks.on_deadline(t0 + 20s), due::nothing);
}

TEST(HeartBeat, LostComesBeforeSend)
{
    const heart_beat clocks{both, t0};
    EXPECT_EQ(clocks.on_deadline(t0 + 20s), due::lost);
}

TEST(HeartBeat, H15_WhilePausedOnlySendingIsDue)
{
    heart_beat clocks{both, t0};
    clocks.pause_incoming();
    EXPECT_EQ(clocks.next_deadline(), t0 + 4s);
    EXPECT_EQ(clocks.on_deadline(t0 + 1h), due::send);
    clocks.on_sent(t0 + 1h);
    EXPECT_EQ(clocks.on_deadline(t0 + 1h), due::nothing);
}

TEST(HeartBeat, StandsStillUntilOneIntervalAfterReadingResumed)
{
    heart_beat clocks{{.send_every = 0s, .expect_every = 10s}, t0};
    clocks.pause_incoming();
    EXPECT_EQ(clocks.next_deadline(), net::never);
    const auto resumed = t0 + 1h;
    clocks.resume_incoming(resumed);
    EXPECT_EQ(clocks.next_deadline(), resumed + 10s + 20s);
    EXPECT_EQ(clocks.on_deadline(resumed + 30s - 1ns), due::nothing);
    EXPECT_EQ(clocks.on_deadline(resumed + 30s), due::lost);
}

TEST(HeartBeat, ResumeWithoutPauseForgivesNothing)
{
    heart_beat clocks{{.send_every = 0s, .expect_every = 10s}, t0};
    clocks.resume_incoming(t0 + 19s);
    EXPECT_EQ(clocks.next_deadline(), t0 + 20s);
}

} // namespace
} // namespace stomp
