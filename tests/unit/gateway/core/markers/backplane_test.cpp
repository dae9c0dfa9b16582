// Proves P9: whether both colors deliver the same messages is found out while a switch is prepared,
// by a marker from a link of the live color to a queue of a link of the other one.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterBackplane : public RouterSwitch {
protected:
    explicit RouterBackplane(gateway::shard_settings settings = settings_of())
        : RouterSwitch(std::move(settings))
    {
    }
    static gateway::shard_settings settings_of()
    {
        auto s = usual_settings();
        s.finds_backplane = true;
        s.pairing = {.by = gateway::dedup_by::automatic, .secret = {1, 2}};
        s.gateway_id = "gw";
        return s;
    }
    void one_broker() { brokers.blue.one_backplane = brokers.green.one_backplane = true; }
    static bool is_standby(const std::string& line)
    {
        return line.find("SUBSCRIBE id:s2") != line.npos;
    }
    static bool is_mark(const std::string& line) { return line.find("teal-marker:^") != line.npos; }
    // What clients of the first session got of two MESSAGEs with one id, one of each color.
    std::size_t given_of_two()
    {
        log.take();
        const std::string sent = "destination:/topic/a teal-send:gw-1-0-1 | x";
        brings(2, "MESSAGE subscription:s1 message-id:m1 " + sent);
        brings(4, "MESSAGE subscription:s2 message-id:m2 " + sent);
        return told(a, log.take()).size();
    }
};

TEST_F(RouterBackplane, P9_AMarkerThatArrivesSaysThatBothColorsAreOneWorld)
{
    one_broker();
    subscriber();
    EXPECT_FALSE(router.backplane_unknown());
    prepares();
    const auto effects = log.take();
    const auto own = std::ranges::find_if(
        effects, [](const auto& line) { return line.find("SUBSCRIBE id:teal-own") != line.npos; });
    const auto mark = std::ranges::find_if(effects, is_mark);
    const auto standby = std::ranges::find_if(effects, is_standby);
    ASSERT_NE(own, effects.end());
    ASSERT_NE(mark, effects.end());
    ASSERT_NE(standby, effects.end());
    EXPECT_TRUE(own < mark && mark < standby) << *own << *mark << *standby;
    EXPECT_TRUE(mark->starts_with("link 1 <- SEND")) << *mark; // a link of the live color
    holds();
    commits();
    EXPECT_EQ(given_of_two(), 1u);
}

TEST_F(RouterBackplane, P9_AMarkerThatDoesNotArriveSaysThatTheyAreSeparate)
{
    subscriber();
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    EXPECT_EQ(std::ranges::count_if(log.take(), is_standby), 0);
    run(60ms); // the broker had routed it
    EXPECT_EQ(std::ranges::count_if(log.take(), is_standby), 1);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    brokers.blue.markers = false; // the seam stays open
    commits();
    run(100ms);
    EXPECT_EQ(given_of_two(), 1u); // blue's; green's behind the seam
    brings(2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    EXPECT_EQ(told(a, log.take()).size(), 1u); // and green's
}

TEST_F(RouterBackplane, P9_NobodySubscribesNorIsPreparedWhileItIsOpen)
{
    subscriber();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.find("teal-marker").has_value();
    };
    prepares();
    run(900ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    EXPECT_EQ(std::ranges::count_if(log.take(), is_standby), 0);
    run(200ms); // trial_timeout: that broker answers nothing
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

// A session that reads queues alone has nothing to SUBSCRIBE to yet.
TEST_F(RouterBackplane, P9_WhoReadsQueuesAloneIsNotPreparedSoonerEither)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.find("teal-marker").has_value();
    };
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::preparing);
    run(1100ms);
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
}

// Three links are lost one after the other, each with the question: what a topic brings could come
// twice, so the switch fails.
TEST_F(RouterBackplane, P9_WithoutAnAnswerTheSwitchFails)
{
    subscriber();
    brokers.blue.keeps_back = [](const stomp::frame& f) {
        return f.find("teal-marker").has_value();
    };
    prepares();
    for (int n = 0; n < 3; ++n) {
        std::string reader;
        for (const auto& line : log.take()) {
            if (line.find("SUBSCRIBE id:teal-own") != line.npos) {
                reader = line.substr(5, line.find(' ', 5) - 5);
            }
        }
        ASSERT_FALSE(reader.empty()) << n;
        EXPECT_EQ(router.numbers().sessions_failed, 0u);
        loses(std::stoull(reader));
        run(300ms); // it is dialled again
    }
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
}

TEST_F(RouterBackplane, P9_AMarkerThatComesTooLateFailsTheSwitchAndTheNextOneKnows)
{
    subscriber();
    prepares();
    run(100ms);
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    log.take();
    brings(3, "MESSAGE subscription:teal-own message-id:m teal-marker:^b0");
    EXPECT_EQ(router.numbers().sessions_failed, 1u);
    aborts();
    run(1s);
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared); // at once: it is known
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 0);
}

TEST_F(RouterBackplane, P9_WhatIsKnownIsAskedAgainOnlyBehindAnEndpointThatWasDown)
{
    subscriber();
    prepares();
    run(100ms);
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 1);
    aborts();
    run(1s);
    log.take();
    prepares();
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 0);
    aborts();
    brokers.green.dials = false;
    run(30s); // of probes
    brokers.green.dials = true;
    run(30s);
    log.take();
    prepares();
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 1);
}

// Queues alone: nobody is two consumers of one queue.
TEST_F(RouterBackplane, P9_ItIsFoundOutWhereNobodyReadsATopic)
{
    one_broker();
    client();
    says(a, "SUBSCRIBE id:1 destination:/queue/q ack:client-individual");
    brings(2, "MESSAGE subscription:s1 message-id:m ack:A1 destination:/queue/q | 1");
    prepares();
    ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
    holds();
    commits();
    log.take();
    run(5s);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE").size(), 0u); // what it has is not acknowledged on blue
    says(a, "ACK id:ab-1");
    run(2s);
    EXPECT_EQ(those("link 4 <- SUBSCRIBE").size(), 1u);
}

// Its own queue is not left behind on the link.
TEST_F(RouterBackplane, P9_TheQueueIsLeftWithTheSwitch)
{
    one_broker();
    subscriber();
    prepares();
    holds();
    log.take();
    commits();
    run(5s);
    std::size_t left = 0;
    for (const auto& line : log.take()) {
        left += line.find("UNSUBSCRIBE id:teal-own") != line.npos;
    }
    EXPECT_EQ(left, 1u);
}

class RouterBackplaneUnknown : public RouterBackplane {
protected:
    static gateway::shard_settings without_addresses()
    {
        auto s = settings_of();
        s.dialects.blue = s.dialects.green = broker::dialect::plain;
        return s;
    }
    RouterBackplaneUnknown() : RouterBackplane(without_addresses()) {}
};

TEST_F(RouterBackplaneUnknown, P9_WhereNoMarkerCanBeTriedTheyAreSeparate)
{
    subscriber();
    EXPECT_TRUE(router.backplane_unknown());
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 0);
}

// One color has addresses, the other has not: they are not one product, let alone one broker.
class RouterBackplaneMixed : public RouterBackplane {
protected:
    static gateway::shard_settings mixed()
    {
        auto s = settings_of();
        s.dialects.green = broker::dialect::plain;
        return s;
    }
    RouterBackplaneMixed() : RouterBackplane(mixed()) {}
};

TEST_F(RouterBackplaneMixed, P9_ABrokerWithoutAddressesIsNotAskedAndNotWaitedFor)
{
    subscriber();
    prepares();
    EXPECT_EQ(router.phase(), gateway::member_phase::prepared);
    EXPECT_EQ(std::ranges::count_if(log.take(), is_mark), 0);
}

} // namespace
