// Proves that an application is told who a client is as soon as the other color has said it, and that
// no client says it (docs/switch.md S19).

#include "tests/support/shard_scene.hpp"

namespace {

using namespace testing_support;
using gateway::held_kind;

gateway::shard_settings applications(broker::dialect as)
{
    auto s = shard_scene::usual_settings();
    for (const color c : broker::colors) {
        s.dialects[c] = as;
        s.endpoints[c][0].websocket = true;
    }
    s.identity_headers = {"x-teal-user"};
    return s;
}

class RouterIdentity : public RouterTest {
protected:
    explicit RouterIdentity(broker::dialect as = broker::dialect::spring)
        : RouterTest(applications(as))
    {
        brokers.blue.more = "user-name:anna";
    }

    // What was dialled since the last call, with whom the handshake names.
    lines dialled()
    {
        auto effects = log.take();
        std::erase_if(effects, [](const auto& line) { return !line.starts_with("dial "); });
        return effects;
    }
};

TEST_F(RouterIdentity, S19_TheOtherColorIsToldWhomTheLiveOneTookItFor)
{
    client();
    EXPECT_EQ(dialled(), (lines{"dial 1 blue/0"})); // a first login names nobody
    prepares();
    EXPECT_EQ(dialled(), (lines{"dial 2 green/0 as anna"}));
}

TEST_F(RouterIdentity, S19_AlsoWhenTheSessionIsBoundAgain)
{
    client();
    dialled();
    loses(1);
    run(1s);
    EXPECT_EQ(dialled(), (lines{"dial 2 blue/0 as anna"}));
}

TEST_F(RouterIdentity, S19_NobodyIsNamedWhomNoApplicationNames)
{
    brokers.blue.more = "";
    client();
    prepares();
    EXPECT_EQ(dialled(), (lines{"dial 1 blue/0", "dial 2 green/0"}));
}

TEST_F(RouterIdentity, S19_NoClientSaysTheHeader)
{
    const auto eve = client("CONNECT accept-version:1.2 host:/ X-Teal-User:anna");
    EXPECT_FALSE(exists(eve));
    const auto bert = client();
    says(bert, "SEND destination:/app/a x-TEAL-user:anna | x");
    EXPECT_FALSE(exists(bert));
    const auto text = "message:this header is the gateway's own (brokers.COLOR.identity)";
    EXPECT_EQ(
        std::ranges::count_if(
            log.take(), [&](const auto& line) { return line.find(text) != line.npos; }),
        2);
}

TEST_F(RouterIdentity, L1_WhatIsToldOfAClientIsCountedAndGivenBack)
{
    const auto before = router.budget().of(held_kind::sessions);
    const auto id = arrives();
    router.tell_of_client(id, {.forwarded_for = std::string(100, '1'), .host = "h", .user = {}});
    says(id, "CONNECT accept-version:1.2 host:/ login:anna");
    EXPECT_GE(router.budget().of(held_kind::sessions), before + 101 + 4);
    EXPECT_EQ(router.budget().of(held_kind::sessions), router.recount()[held_kind::sessions]);
    says(id, "DISCONNECT");
    run(1min);
    EXPECT_EQ(router.budget().of(held_kind::sessions), before);
}

class RouterIdentityTried : public RouterIdentity {
protected:
    RouterIdentityTried() : RouterIdentity(broker::dialect::automatic) {}
};

// B2: the link that only tries would be refused where a token has expired.
TEST_F(RouterIdentityTried, S19_ATrialIsMadeInTheNameOfWhoWaitsForIt)
{
    client();
    dialled();
    prepares();
    const auto dials = dialled();
    ASSERT_FALSE(dials.empty());
    for (const auto& one : dials) {
        EXPECT_TRUE(one.ends_with("green/0 as anna")) << one;
    }
}

} // namespace
