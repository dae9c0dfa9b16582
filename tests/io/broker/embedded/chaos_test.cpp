// Proves the planted faults that only a driver can do: stall and delay.

#include "server_fixture.hpp"

namespace embedded::testing {
namespace {

class StompServerChaos : public ServerFixture {};

TEST_F(StompServerChaos, StallsWithEveryConnectionOpen)
{
    broker_options options;
    options.chaos.stall_after = 2;
    restart(options);
    auto p = connected();
    auto other = connected();
    p->say("SEND\ndestination:/topic/a\nreceipt:1\n\n\0"sv);
    EXPECT_EQ(p->frame(), "RECEIPT\nreceipt-id:1\n\n\0"sv);
    p->say("SEND\ndestination:/topic/a\nreceipt:2\n\n\0"sv);
    other->say("BEGIN\ntransaction:t\nreceipt:3\n\n\0"sv);
    // That nothing comes can only be waited for.
    EXPECT_TRUE(p->silent_for(100));
    EXPECT_TRUE(other->silent_for(100));
    EXPECT_EQ(ask([](broker_core& core) { return core.sessions(); }), 2u);
}

TEST_F(StompServerChaos, DelaysWhatItWritesAndKeepsItsOrder)
{
    broker_options options;
    options.chaos.delay = std::chrono::milliseconds{30};
    restart(options);
    auto p = connected();
    const auto before = net::clock::now();
    p->say("SUBSCRIBE\nid:1\ndestination:/topic/a\nreceipt:1\n\n\0"sv);
    p->say("SEND\ndestination:/topic/a\n\nx\0DISCONNECT\nreceipt:2\n\n\0"sv);
    EXPECT_EQ(p->frame(), "RECEIPT\nreceipt-id:1\n\n\0"sv);
    EXPECT_GE(net::clock::now() - before, std::chrono::milliseconds{30});
    EXPECT_EQ(
        p->rest(), "MESSAGE\nsubscription:1\nmessage-id:n-1-1\ndestination:/topic/a\n\nx\0"
                   "RECEIPT\nreceipt-id:2\n\n\0"sv);
}

} // namespace
} // namespace embedded::testing
