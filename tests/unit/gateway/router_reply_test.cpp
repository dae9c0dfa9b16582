// Proves S12 and H14: an answer goes to the brokers that the question came from, also after a
// switch, as long as the link there lingers; and the old color lingers for answers that are owed.

#include "tests/unit/gateway/switch_scene.hpp"

namespace {

using namespace testing_support;

class RouterReply : public RouterSwitch {
protected:
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
