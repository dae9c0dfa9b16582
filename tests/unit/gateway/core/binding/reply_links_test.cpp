// Proves S12 and H14: an answer goes to the brokers that the question came from, also after a
// switch, as long as the link there lingers; and the old color lingers for answers that are owed.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterReply : public RouterSwitch {
protected:
    explicit RouterReply(gateway::shard_settings settings = usual_settings())
        : RouterSwitch(std::move(settings))
    {
    }

    const std::string question =
        "MESSAGE subscription:s1 message-id:m destination:/topic/a reply-to:/reply-queue/q7 | how?";
    const std::string answer_line = "SEND destination:/reply-queue/q7 | so";

    // Client 1 was asked over blue, then the color was switched.
    void asked_on_blue()
    {
        subscriber();
        brings(2, question);
        switched();
    }
};

TEST_F(RouterReply, S12_AnAnswerGoesToTheColorThatBroughtTheAddress)
{
    asked_on_blue();
    says(a, answer_line);
    EXPECT_EQ(those("link 1 <- SEND destination:/reply-queue"), lines{"link 1 <- " + answer_line});
    EXPECT_EQ(router.numbers().replies_to_old, 1u);
    EXPECT_TRUE(exists(a));
}

TEST_F(RouterReply, S12_OtherSendsGoToTheNewColor)
{
    asked_on_blue();
    says(a, "SEND destination:/topic/x | one");
    EXPECT_EQ(those("link 3 <- SEND"), lines{"link 3 <- SEND destination:/topic/x | one"});
    EXPECT_EQ(router.numbers().replies_to_old, 0u);
}

TEST_F(RouterReply, S12_TheOldColorLingersUntilTheAnswerWasSentAndNoLonger)
{
    asked_on_blue();
    run(10s);
    EXPECT_GT(router.snapshot().endpoints.blue[0].links, 0u);
    says(a, answer_line);
    run(1s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

TEST_F(RouterReply, S12_DrainTimeoutEndsTheLingeringAndTheAnswerIsRefused)
{
    asked_on_blue();
    run(31s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
    skip_effects();
    says(a, answer_line);
    EXPECT_EQ(those("client 1 <- ERROR").size(), 1u);
    EXPECT_EQ(router.numbers().replies_refused, 1u);
}

TEST_F(RouterReply, S12_AfterASwitchBackTheAddressIsKnownAgain)
{
    asked_on_blue();
    says(a, answer_line);
    run(1s);
    prepares(color::blue);
    holds();
    commits();
    skip_effects();
    says(a, answer_line);
    EXPECT_TRUE(exists(a));
    EXPECT_EQ(router.numbers().replies_to_old, 0u);
}

TEST_F(RouterReply, S12_ItsReceiptIsAnsweredOnce)
{
    asked_on_blue();
    says(a, "SEND destination:/reply-queue/q7 receipt:r | so");
    EXPECT_EQ(those("client 1 <- RECEIPT"), lines{"client 1 <- RECEIPT receipt-id:r"});
}

TEST_F(RouterReply, H14_ARequesterKeepsItsTemporaryQueueUntilItsAnswerCame)
{
    client();
    says(a, "SEND destination:/queue/q reply-to:/temp-queue/mine | how?");
    skip_effects();
    const auto sends = router.snapshot().endpoints.blue[0].links;
    EXPECT_EQ(sends, 2u); // a link of its own beside the shared one
    switched();
    run(5s);
    EXPECT_GT(router.snapshot().endpoints.blue[0].links, 0u);
    skip_effects();
    brings(2, "MESSAGE subscription:/temp-queue/mine message-id:m destination:/reply-queue/x | so");
    EXPECT_EQ(those("client 1 <- MESSAGE").size(), 1u);
    run(1s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

// A stranger's reply-to in one MESSAGE to a topic: one link of the identity stays for answers to it.
TEST_F(RouterReply, S12_WhatABroadcastBroughtKeepsOneLinkOfTheIdentity)
{
    subscriber();
    for (int n = 2; n <= 200; ++n) { // more than two publish links' worth
        client();
        says(session_id{static_cast<std::uint64_t>(n)}, "SUBSCRIBE id:1 destination:/topic/a");
    }
    brings(2, question);
    EXPECT_GT(router.snapshot().endpoints.blue[0].links, 3u);
    switched();
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 1u);
    for (const std::uint64_t n : {1, 100, 200}) {
        skip_effects();
        says(session_id{n}, answer_line);
        EXPECT_EQ(those("link").size(), 1u) << n; // to blue, by that one
        EXPECT_TRUE(exists(session_id{n}));
    }
    EXPECT_EQ(router.numbers().replies_to_old, 3u);
    run(31s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
    says(session_id{7}, answer_line);
    EXPECT_FALSE(exists(session_id{7})); // refused
    EXPECT_EQ(router.numbers().replies_refused, 1u);
}

class RouterReplyDedicated : public RouterReply {
protected:
    static gateway::shard_settings one_link_each()
    {
        auto s = usual_settings();
        s.shared = false;
        return s;
    }
    RouterReplyDedicated() : RouterReply(one_link_each()) {}
};

TEST_F(RouterReplyDedicated, S12_WhatABroadcastBroughtKeepsOneLinkOfTheIdentity)
{
    for (int n = 1; n <= 20; ++n) {
        client();
        says(session_id{static_cast<std::uint64_t>(n)}, "SUBSCRIBE id:1 destination:/topic/a");
    }
    for (int n = 1; n <= 20; ++n) {
        brings(
            static_cast<std::uint64_t>(n), "MESSAGE subscription:s" + std::to_string(n) +
                                               " message-id:m destination:/topic/a "
                                               "reply-to:/reply-queue/q7 | how?");
    }
    skip_effects();
    switched();
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 1u);
    goes(session_id{1}); // whoever's it was
    says(session_id{9}, answer_line);
    EXPECT_TRUE(exists(session_id{9}));
    EXPECT_EQ(router.numbers().replies_to_old, 1u);
    run(31s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

// The link stays although its session reads a queue by now: it reads it on green alone.
TEST_F(RouterReplyDedicated, S12_AQueueThatIsReadOnGreenDoesNotEndTheLinkOnBlue)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    brings(1, question);
    prepares();
    holds();
    says(a, "SUBSCRIBE id:2 destination:/queue/q"); // carried to green
    commits();
    run(2s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 1u);
    says(a, answer_line);
    EXPECT_TRUE(exists(a));
    EXPECT_EQ(router.numbers().replies_to_old, 1u);
}

// A queue that was read on that link is read there still: only the link's end stops that.
TEST_F(RouterReplyDedicated, S12_TheLinkOnWhichAQueueWasReadIsLeft)
{
    client();
    says(a, "SUBSCRIBE id:1 destination:/topic/a");
    says(a, "SUBSCRIBE id:2 destination:/queue/q");
    brings(1, question);
    switched();
    run(5s);
    EXPECT_EQ(router.snapshot().endpoints.blue[0].links, 0u);
}

TEST_F(RouterReply, S12_ManyAndLongAddressesAreBounded)
{
    subscriber();
    for (int n = 0; n < 1000; ++n) {
        brings(
            2, "MESSAGE subscription:s1 message-id:m destination:/topic/a reply-to:/reply-queue/q" +
                   std::to_string(n) + " | how?");
    }
    const auto& heard = *router.session(a)->who->heard;
    EXPECT_EQ(heard.find("/reply-queue/q743"), nullptr);
    EXPECT_NE(heard.find("/reply-queue/q744"), nullptr);
    const std::string longest = "/reply-queue/" + std::string(5000, 'x');
    brings(2, "MESSAGE subscription:s1 message-id:m destination:/topic/a reply-to:" + longest + " | how?");
    EXPECT_EQ(heard.find(longest), nullptr);
}

TEST_F(RouterReply, S12_InATransactionItGoesBackBesideIt)
{
    asked_on_blue();
    says(a, "BEGIN transaction:t");
    says(a, "SEND destination:/topic/x transaction:t | one");
    says(a, "SEND destination:/reply-queue/q7 transaction:t | so");
    skip_effects();
    says(a, "COMMIT transaction:t");
    const auto effects = log.take();
    EXPECT_EQ(std::ranges::count(effects, "link 1 <- " + answer_line), 1);
    EXPECT_EQ(
        std::ranges::count(effects, "link 3 <- SEND destination:/topic/x transaction:t1 | one"), 1);
}

} // namespace
