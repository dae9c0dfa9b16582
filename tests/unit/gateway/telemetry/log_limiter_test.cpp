// What peers can cause is written so many times a window, and what shards see together once.

#include "gateway/telemetry/log_limiter.hpp"

#include <gtest/gtest.h>

namespace gateway::log {
namespace {

using std::chrono::seconds;
const net::time_point t0{seconds{1000}};

TEST(LogLimiter, L7_AKindIsATextWithoutNumbersUpToTheColon)
{
    EXPECT_EQ(kind_of("refused a client: no Upgrade"), "refused a client");
    EXPECT_EQ(kind_of("closed session 17: malformed"), kind_of("closed session 4: too large"));
    EXPECT_EQ(kind_of(""), "");
    EXPECT_LE(kind_of(std::string(10'000, 'x')).size(), 48U);
}

TEST(LogLimiter, L7_OnePeersLinesAreFewAndTheOthersAreNotLessForIt)
{
    limiter limits;
    std::uint64_t written = 0;
    for (int i = 0; i < 800; ++i) {
        written += limits.allow("refused a client: bad", "10.0.0.1", t0);
    }
    EXPECT_EQ(written, limiter::per_peer);
    EXPECT_TRUE(limits.allow("refused a client: bad", "10.0.0.2", t0));
    EXPECT_TRUE(limits.allow("closed session 1: bad", "10.0.0.1", t0));
    EXPECT_TRUE(limits.take_suppressed(t0).empty());
    const auto over = limits.take_suppressed(t0 + limiter::window);
    ASSERT_EQ(over.size(), 1U);
    EXPECT_EQ(over[0].kind, "refused a client");
    EXPECT_EQ(over[0].count, 800 - limiter::per_peer);
    EXPECT_TRUE(limits.take_suppressed(t0 + 2 * limiter::window).empty());
}

TEST(LogLimiter, L7_AKindHasItsLimitOverAllPeers)
{
    limiter limits;
    std::uint64_t written = 0;
    for (int i = 0; i < 5000; ++i) {
        written += limits.allow("refused a client: bad", std::to_string(i), t0);
    }
    EXPECT_EQ(written, limiter::per_kind);
    EXPECT_TRUE(limits.allow("refused a client: bad", "x", t0 + limiter::window));
}

TEST(LogLimiter, L7_KindsThatPeersInventShareOne)
{
    limiter limits;
    std::uint64_t written = 0;
    for (int i = 0; i < 100'000; ++i) {
        std::string text;
        for (int n = i; n > 0; n /= 26) {
            text += static_cast<char>('a' + n % 26);
        }
        written += limits.allow(text, {}, t0);
    }
    EXPECT_LE(written, limiter::kinds_max + limiter::per_kind);
}

TEST(ShardEcho, L8_WhatEveryShardSeesIsOneLine)
{
    shard_echo echoes;
    EXPECT_TRUE(echoes.is_new("blue/a does not answer", 0, t0));
    EXPECT_FALSE(echoes.is_new("blue/a does not answer", 1, t0 + seconds{2}));
    EXPECT_TRUE(echoes.is_new("blue/a answers again", 1, t0 + seconds{5}));
    EXPECT_TRUE(echoes.is_new("blue/a does not answer", 1, t0 + seconds{6})); // again
    EXPECT_FALSE(echoes.is_new("blue/a answers again", 0, t0 + seconds{7}));
    EXPECT_FALSE(echoes.is_new("blue/a does not answer", 0, t0 + seconds{7}));
    EXPECT_TRUE(echoes.is_new("blue/a does not answer", 0, t0 + seconds{8}));
}

TEST(ShardEcho, L8_AfterAWhileItIsNews)
{
    shard_echo echoes;
    EXPECT_TRUE(echoes.is_new("x", 0, t0));
    EXPECT_TRUE(echoes.is_new("x", 1, t0 + shard_echo::remembered + seconds{1}));
}

} // namespace
} // namespace gateway::log
