// Proves when a silent peer is asked, and when it counts as gone.

#include "broker/websocket/idle_watch.hpp"

#include <gtest/gtest.h>

namespace websocket {
namespace {

using namespace std::chrono_literals;
using due = idle_watch::due;

const net::time_point t0{1h};

TEST(IdleWatch, N6_AsksWhoIsSilentAndGivesUpOnWhoDoesNotAnswer)
{
    idle_watch watch;
    watch.begin(30s, t0);
    EXPECT_EQ(watch.next_deadline(), t0 + 30s);
    EXPECT_EQ(watch.on_deadline(t0 + 30s - 1ns), due::nothing);
    EXPECT_EQ(watch.on_deadline(t0 + 30s), due::ask);
    watch.on_asked(t0 + 31s);
    EXPECT_EQ(watch.next_deadline(), t0 + 61s);
    EXPECT_EQ(watch.on_deadline(t0 + 61s), due::lost);
}

TEST(IdleWatch, N6_AnyByteIsAnAnswer)
{
    idle_watch watch;
    watch.begin(30s, t0);
    watch.on_asked(t0 + 30s);
    watch.on_received(t0 + 59s);
    EXPECT_EQ(watch.on_deadline(t0 + 60s), due::nothing);
    EXPECT_EQ(watch.on_deadline(t0 + 89s), due::ask);
}

TEST(IdleWatch, N6_StandsStillWhileNothingIsRead)
{
    idle_watch watch;
    watch.begin(30s, t0);
    watch.on_asked(t0 + 30s);
    watch.pause();
    EXPECT_EQ(watch.next_deadline(), net::never);
    EXPECT_EQ(watch.on_deadline(t0 + 1h), due::nothing);
    watch.resume(t0 + 1h);
    EXPECT_EQ(watch.on_deadline(t0 + 1h + 29s), due::nothing);
    EXPECT_EQ(watch.on_deadline(t0 + 1h + 30s), due::ask);
}

TEST(IdleWatch, N6_Of0WatchesNobody)
{
    idle_watch watch;
    EXPECT_EQ(watch.next_deadline(), net::never);
    watch.begin(0ms, t0);
    EXPECT_EQ(watch.next_deadline(), net::never);
    EXPECT_EQ(watch.on_deadline(t0 + 1h), due::nothing);
}

} // namespace
} // namespace websocket
