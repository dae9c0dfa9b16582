// Proves the open loop's schedule, and the two measures taken along it: latency and silence.

#include "tests/load/latency_histogram.hpp"
#include "tests/load/pacer.hpp"
#include "tests/load/silence_tracker.hpp"

#include <gtest/gtest.h>

#include <map>

namespace load {
namespace {

using namespace std::chrono_literals;
const net::time_point t0{1000s};

TEST(Pacer, GivesEveryClientOneSendAnInterval)
{
    pacer p{50, 5, 1};
    p.start(t0);
    std::map<std::uint32_t, net::time_point> last;
    net::time_point before = t0;
    for (int i = 0; i < 50 * 20; ++i) {
        ASSERT_GE(p.next_due(), before);
        const pacer::send next = p.take();
        before = next.due;
        ASSERT_EQ(next.ordinal, static_cast<std::uint64_t>(i) / 50);
        if (last.contains(next.client)) {
            ASSERT_EQ(next.due - last[next.client], 200ms);
        } else {
            ASSERT_LT(next.due - t0, 200ms);
        }
        last[next.client] = next.due;
    }
    EXPECT_EQ(last.size(), 50U);
}

TEST(Pacer, DoesNotDriftAtAnOddRate)
{
    pacer p{1, 3, 1};
    p.start(t0);
    const net::time_point first = p.next_due();
    for (int i = 0; i < 3 * 3600; ++i) {
        p.take();
    }
    EXPECT_NEAR(static_cast<double>((p.next_due() - first - 3600s).count()), 0, 1000);
}

TEST(Pacer, IsSilentAtRateZeroAndBeforeItsStart)
{
    pacer idle{3, 0, 1};
    idle.start(t0);
    EXPECT_EQ(idle.next_due(), net::never);
    EXPECT_EQ((pacer{3, 1, 1}).next_due(), net::never);
}

TEST(LatencyHistogram, AnswersWithinOneSixtyFourth)
{
    latency_histogram h;
    for (int i = 1; i <= 100'000; ++i) {
        h.add(std::chrono::microseconds{i});
    }
    const auto near = [](std::chrono::nanoseconds value, std::chrono::nanoseconds truth) {
        return value >= truth && value <= truth + truth / 64;
    };
    EXPECT_TRUE(near(h.percentile(0.5), 50ms));
    EXPECT_TRUE(near(h.percentile(0.99), 99ms));
    EXPECT_TRUE(near(h.percentile(0.999), 99'900us));
    EXPECT_EQ(h.percentile(1), 100ms);
    EXPECT_EQ(h.max(), 100ms);
    EXPECT_EQ(h.count(), 100'000U);
}

TEST(LatencyHistogram, TakesExtremes)
{
    latency_histogram h;
    EXPECT_EQ(h.percentile(0.5), 0ns);
    h.add(-5ns);
    h.add(48h);
    EXPECT_EQ(h.percentile(0.1), 0ns);
    EXPECT_EQ(h.max(), 48h);
}

TEST(SilenceTracker, MeasuresGapsAndTheEdgesOfTheWindow)
{
    silence_tracker s{3};
    EXPECT_EQ(s.on_delivery(0, t0), 0s); // not open yet
    s.open(t0 + 1s);
    EXPECT_EQ(s.on_delivery(0, t0 + 2s), 1s);
    EXPECT_EQ(s.on_delivery(0, t0 + 5s), 3s);
    s.on_delivery(1, t0 + 2s); // and then nothing until the end
    s.on_gone(2);
    s.close(t0 + 6s);
    s.on_delivery(0, t0 + 60s);
    const silence_tracker::summary summary = s.summarize();
    EXPECT_EQ(summary.max, 4s);
    EXPECT_EQ(summary.client, 1U);
    EXPECT_EQ(summary.p50, 4s); // the upper of two
}

} // namespace
} // namespace load
