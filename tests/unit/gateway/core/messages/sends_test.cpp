// Proves the report's identity for each session: accepted = confirmed + unconfirmed + open + held +
// refused + in_doubt, whoever shares the link, and that the sessions add up to the shard's report.

#include "tests/unit/gateway/core/switch_scene.hpp"

namespace {

using namespace testing_support;
using control::send_counts;

// Two sessions publish on link 1.
class RouterSends : public RouterSwitch {
protected:
    RouterSends()
    {
        client();
        client();
        skip_effects();
    }
    send_counts of(session_id id) const
    {
        for (const auto& one : router.sessions(now)) {
            if (one.id == "0-" + std::to_string(static_cast<std::uint64_t>(id))) {
                return one.sends;
            }
        }
        ADD_FAILURE() << "no such session";
        return {};
    }
    static std::uint64_t sum(const send_counts& n)
    {
        return n.confirmed + n.unconfirmed + n.open + n.held + n.refused + n.in_doubt;
    }
    void balanced() const
    {
        const auto all = router.numbers();
        const send_counts one = of(a), other = of(b);
        EXPECT_EQ(one.accepted, sum(one));
        EXPECT_EQ(other.accepted, sum(other));
        EXPECT_EQ(one.accepted + other.accepted, all.accepted);
        EXPECT_EQ(one.confirmed + other.confirmed, all.confirmed);
        EXPECT_EQ(one.unconfirmed + other.unconfirmed, all.unconfirmed);
        // The shard's report takes `open` from the links when it is asked for.
        EXPECT_EQ(
            one.open + other.open,
            all.accepted - all.confirmed - all.unconfirmed - all.refused - all.in_doubt);
        EXPECT_EQ(one.refused + other.refused, all.refused);
        EXPECT_EQ(one.in_doubt + other.in_doubt, all.in_doubt);
    }
    void silent(session_id of, int how_many)
    {
        for (int i = 0; i < how_many; ++i) {
            says(of, "SEND destination:/topic/x");
        }
    }
};

TEST_F(RouterSends, WhatIsOpenAtThePrepareOrderIsAttributedToWhoSentIt)
{
    brokers.blue.keeps_back = is_send;
    silent(a, 3);
    silent(b, 2);
    says(b, "SEND destination:/topic/x receipt:r");
    prepares();
    EXPECT_EQ(of(a), (send_counts{.accepted = 3, .open = 3}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 3, .open = 3}));
    balanced();
    brokers.blue.keeps_back = keep_none;
    answer();
    holds();
    EXPECT_EQ(of(a), (send_counts{.accepted = 3, .unconfirmed = 3}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 3, .confirmed = 1, .unconfirmed = 2}));
    balanced();
}

TEST_F(RouterSends, ABarrierProvesWhatWasSentBeforeItOnly)
{
    brokers.blue.keeps_back = is_send;
    silent(a, 3);
    run(1s); // a barrier is asked every second
    silent(a, 1);
    silent(b, 2);
    prepares();
    EXPECT_EQ(of(a), (send_counts{.accepted = 4, .open = 4}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 2, .open = 2}));
    answer(1);
    EXPECT_EQ(of(a), (send_counts{.accepted = 4, .unconfirmed = 3, .open = 1}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 2, .open = 2}));
    balanced();
    holds();
    answer();
    EXPECT_EQ(of(a), (send_counts{.accepted = 4, .unconfirmed = 4}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 2, .unconfirmed = 2}));
    balanced();
}

TEST_F(RouterSends, WhatWasProvenBeforeThePrepareOrderDoesNotCount)
{
    silent(a, 3);
    run(1s);
    silent(b, 1);
    prepares();
    EXPECT_EQ(of(a), send_counts{});
    EXPECT_EQ(of(b).accepted, 1u);
    balanced();
}

TEST_F(RouterSends, WhatRodeOnALostLinkIsInDoubt)
{
    brokers.blue.keeps_back = is_send;
    silent(a, 2);
    says(b, "SEND destination:/topic/x receipt:r");
    prepares();
    loses(1);
    EXPECT_EQ(of(a), (send_counts{.accepted = 2, .in_doubt = 2}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 1, .in_doubt = 1}));
    balanced();
}

TEST_F(RouterSends, WhatWasCarriedCountsForWhoeverSaidIt)
{
    held();
    silent(a, 2);
    says(b, "SEND destination:/topic/x receipt:r");
    brokers.green.keeps_back = is_send;
    commits();
    EXPECT_EQ(of(a), (send_counts{.accepted = 2, .unconfirmed = 2}));
    EXPECT_EQ(of(b), (send_counts{.accepted = 1, .open = 1}));
    balanced();
    answer();
    EXPECT_EQ(of(b), (send_counts{.accepted = 1, .confirmed = 1}));
    balanced();
}

TEST_F(RouterSends, ARefusedOneIsItsSendersAlone)
{
    brokers.blue.keeps_back = is_send;
    silent(a, 1);
    says(b, "SEND destination:/topic/x receipt:r");
    prepares();
    brings(1, "ERROR message:no receipt-id:r3");
    EXPECT_EQ(router.numbers().refused, 1u);
    EXPECT_EQ(of(a).refused, 0u);
    EXPECT_EQ(of(a).accepted, sum(of(a)));
}

TEST_F(RouterSends, TheNextSwitchBeginsAnew)
{
    held();
    silent(a, 2);
    commits();
    run(2s);
    EXPECT_EQ(of(a).accepted, 2u);
    prepares(color::blue);
    EXPECT_EQ(of(a).accepted, 0u);
    balanced();
}

} // namespace
