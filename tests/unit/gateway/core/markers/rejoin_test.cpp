// Proves M13 for who loses an endpoint and joins a subscription that others read at another one:
// what is on its way there from before is not given to it, what comes behind its marker is.

#include "tests/unit/gateway/core/endpoints_scene.hpp"

namespace {

using namespace testing_support;

// Client 1 is at b1 (links 1 and 3, wire subscription s1), client 2 at b2 (links 2 and 4, s2).
class RouterRejoin : public RouterOfSeveral {
protected:
    RouterRejoin() : RouterOfSeveral({2, 1})
    {
        subscribers({"/topic/a", "/topic/a"});
        brokers.blue.markers = false;
    }
    void b1_dies()
    {
        fails_its_probes(b1);
        loses(3);
        loses(1);
    }
    void fence(int number)
    {
        brings(4, "MESSAGE subscription:s2 message-id:m teal-marker:s2#" + std::to_string(number));
    }
    std::string asked(int number) const
    {
        return "link 2 <- SEND destination:/amq/queue/" + own_address + "2 teal-marker:s2#" +
               std::to_string(number);
    }
    std::size_t asks(int number)
    {
        return static_cast<std::size_t>(std::ranges::count(log.take(), asked(number)));
    }
    bool gives(session_id to, const std::string& body)
    {
        skip_effects();
        brings(4, message("s2", body));
        return !told(to, log.take()).empty();
    }
};

TEST_F(RouterRejoin, M13_GetsNothingBeforeItsMarker)
{
    b1_dies();
    EXPECT_EQ(state(a), session_state::active);
    EXPECT_EQ(asks(1), 1u);
    EXPECT_FALSE(gives(a, "from before"));
    EXPECT_TRUE(gives(b, "from before"));
    fence(1);
    EXPECT_TRUE(gives(a, "behind it"));
    EXPECT_TRUE(gives(b, "behind it"));
}

TEST_F(RouterRejoin, M13_WhoComesBehindAMarkerWaitsForTheNext)
{
    const session_id c = client(); // at b1 again
    says(c, "SUBSCRIBE id:1 destination:/topic/a");
    skip_effects();
    fails_its_probes(b1);
    loses(3); // both read it; the second is behind the first one's question
    loses(1);
    EXPECT_EQ(asks(1), 1u);
    fence(1);
    EXPECT_TRUE(gives(a, "x"));
    EXPECT_FALSE(gives(c, "y"));
    fence(1); // the same once more says nothing
    EXPECT_FALSE(gives(c, "z"));
    fence(2);
    EXPECT_TRUE(gives(c, "w"));
}

TEST_F(RouterRejoin, M13_AMarkerThatDoesNotComeIsAskedAgainAndNotWaitedForForever)
{
    b1_dies();
    skip_effects();
    run(100ms); // a tenth of trial_timeout
    EXPECT_EQ(asks(1), 1u);
    run(899ms);
    EXPECT_FALSE(gives(a, "x"));
    run(1ms); // trial_timeout
    EXPECT_TRUE(gives(a, "y"));
    skip_effects();
    run(1s);
    EXPECT_EQ(asks(1), 0u);
}

TEST_F(RouterRejoin, M13_ASubscriptionThatIsMadeAnewBringsOnlyWhatIsNew)
{
    loses(4); // b is bound again at b2, by a new one
    skip_effects();
    brings(5, message("s3", "x"));
    EXPECT_FALSE(told(b, log.take()).empty());
}

TEST_F(RouterRejoin, M13_WhoSubscribesForTheFirstTimeWaitsForNothing)
{
    client(); // at b1
    const session_id d = client();
    says(d, "SUBSCRIBE id:1 destination:/topic/a");
    EXPECT_TRUE(gives(d, "x"));
}

// Clients 1 to 3 are at b1 to b3, publish by links 1 to 3 and read by links 4 to 6.
class RouterRejoinOfThree : public RouterOfSeveral {
protected:
    RouterRejoinOfThree() : RouterOfSeveral({3, 1})
    {
        subscribers({"/topic/a", "/topic/a", "/topic/a"});
    }
};

// What the third node routed may come to the others' subscription behind any marker, and the one
// that is bound again may have had it.
TEST_F(RouterRejoinOfThree, M1_WhoLostItsEndpointJoinsNothingThatOthersRead)
{
    fails_its_probes(b1);
    loses(4);
    loses(1);
    const auto effects = log.take();
    EXPECT_EQ(
        std::ranges::count_if(
            effects, [](const auto& line) { return line.find("<- SUBSCRIBE") != line.npos; }),
        1);
    EXPECT_EQ(state(a), session_state::active);
}

} // namespace
