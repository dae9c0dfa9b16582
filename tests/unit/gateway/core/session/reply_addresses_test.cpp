// Proves what is remembered of reply addresses (switch.md S12, brokers.md H14): where each came
// from, who still owes an answer, and that no client can make the memory grow.

#include "gateway/core/session/reply_addresses.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using broker::color;
using control::endpoint_ref;
using gateway::heard_addresses;
using gateway::reply_addresses;

constexpr endpoint_ref b1{color::blue, 0}, b2{color::blue, 1};

std::string address(std::size_t n)
{
    return "/reply-queue/" + std::to_string(n);
}

TEST(ReplyAddresses, H14_TheThreeKindsOfThemAndNoLongerOneThanAllowed)
{
    EXPECT_TRUE(gateway::is_reply_address("/reply-queue/a"));
    EXPECT_TRUE(gateway::is_reply_address("/temp-queue/a"));
    EXPECT_TRUE(gateway::is_reply_address("/remote-temp-queue/a"));
    EXPECT_FALSE(gateway::is_reply_address("/queue/a"));
    const std::string longest = "/temp-queue/" + std::string(gateway::address_bytes_max - 12, 'a');
    EXPECT_TRUE(gateway::is_reply_address(longest));
    EXPECT_FALSE(gateway::is_reply_address(longest + 'a'));
}

TEST(ReplyAddresses, S12_AnAnswerIsOwedToTheColorThatBroughtTheAddress)
{
    reply_addresses answers;
    answers.learn(address(1), color::blue);
    ASSERT_NE(answers.color_of(address(1)), nullptr);
    EXPECT_EQ(*answers.color_of(address(1)), color::blue);
    EXPECT_TRUE(answers.owes(color::blue));
    EXPECT_FALSE(answers.owes(color::green));
    answers.on_answered(address(2)); // of nobody
    EXPECT_TRUE(answers.owes(color::blue));
    answers.on_answered(address(1));
    EXPECT_FALSE(answers.owes(color::blue));
    EXPECT_NE(answers.color_of(address(1)), nullptr); // a second answer still finds its way
}

TEST(ReplyAddresses, S12_TheSameAddressAgainIsOwedAgainWhereItCameFromLast)
{
    reply_addresses answers;
    answers.learn(address(1), color::blue);
    answers.on_answered(address(1));
    answers.learn(address(1), color::green);
    EXPECT_FALSE(answers.owes(color::blue));
    EXPECT_TRUE(answers.owes(color::green));
}

TEST(ReplyAddresses, H14_ItsOwnRequestsAreOwedUntilEachIsAnswered)
{
    reply_addresses answers;
    answers.on_request(color::blue);
    answers.on_request(color::blue);
    answers.on_reply(color::green); // nothing was asked there
    answers.on_reply(color::blue);
    EXPECT_TRUE(answers.owes(color::blue));
    answers.on_reply(color::blue);
    answers.on_reply(color::blue); // one more than was asked
    EXPECT_EQ(answers.requests(color::blue), 0u);
    EXPECT_FALSE(answers.owes(color::blue));
}

TEST(ReplyAddresses, S12_WithItsBindingGoWhatIsOwedThroughItAndNothingElse)
{
    reply_addresses answers;
    answers.learn(address(1), color::blue);
    answers.learn(address(2), color::green);
    answers.on_request(color::blue);
    answers.forget_owed(color::blue);
    EXPECT_FALSE(answers.owes(color::blue));
    EXPECT_TRUE(answers.owes(color::green));
}

TEST(ReplyAddresses, S12_TheNewestAreRemembered)
{
    reply_addresses answers;
    for (std::size_t i = 0; i < gateway::addresses_max; ++i) {
        answers.learn(address(i), color::blue);
    }
    answers.learn(address(0), color::blue); // the newest from here on
    answers.learn("/temp-queue/new", color::blue);
    EXPECT_NE(answers.color_of(address(0)), nullptr);
    EXPECT_EQ(answers.color_of(address(1)), nullptr);
    EXPECT_NE(answers.color_of(address(2)), nullptr);
}

// One broadcast MESSAGE is given to many sessions: it is one address.
TEST(HeardAddresses, S12_OneAddressIsOwedUntilAsManySessionsAnswered)
{
    heard_addresses heard;
    for (int session = 0; session < 3; ++session) {
        heard.learn(address(1), b1);
    }
    EXPECT_TRUE(heard.owes(b1, 3));
    EXPECT_FALSE(heard.owes(b2, 3));
    heard.on_answered(address(1));
    heard.on_answered(address(1));
    EXPECT_TRUE(heard.owes(b1, 3));
    EXPECT_FALSE(heard.owes(b1, 2)); // one of them has gone
    heard.on_answered(address(1));
    EXPECT_FALSE(heard.owes(b1, 3));
}

TEST(HeardAddresses, S12_AnAddressBelongsToTheEndpointThatBroughtItLast)
{
    heard_addresses heard;
    heard.learn(address(1), b1);
    heard.learn(address(2), b1);
    heard.learn(address(1), b2);
    ASSERT_NE(heard.find(address(1)), nullptr);
    EXPECT_EQ(*heard.find(address(1)), b2);
    EXPECT_EQ(heard.find(address(3)), nullptr);
    for (std::size_t i = 10; i < 10 + gateway::addresses_max - 1; ++i) {
        heard.learn(address(i), b1);
    }
    EXPECT_EQ(heard.find(address(2)), nullptr); // the oldest one went
    EXPECT_NE(heard.find(address(1)), nullptr);
}

} // namespace
