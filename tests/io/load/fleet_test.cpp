// Proves that the whole of teal-load, over real sockets, sees each fault of a broker that commits
// exactly one, and none where there is none.

#include "tests/io/load/lying_broker.hpp"
#include "tests/load/fleet.hpp"

#include <gtest/gtest.h>

namespace load {
namespace {

using namespace std::chrono_literals;

boost::system::result<run_result, std::string>
run_against(lie which, confirmation confirm = confirmation::flush)
{
    lying_broker broker{which};
    fleet_options options;
    options.shape.clients = 4;
    options.shape.run = "test";
    options.client.target.over = dial_target::transport::tcp;
    options.client.virtual_host = "/";
    options.client.confirm = confirm;
    options.address = net::resolve({"127.0.0.1", broker.port(), ""})->front();
    options.rate = 200;
    options.duration = 300ms;
    // Only what is held back on purpose is waited for in vain.
    options.drain_limit = which == lie::drop || which == lie::mute ? 1s : 20s;
    options.progress = false;
    fleet clients{std::move(options)};
    return clients.run();
}

struct expected_counts {
    std::uint64_t lost = 0, duplicated = 0, reordered = 0, disconnected = 0, errors = 0;
};

void expect_counts(const run_result& r, const expected_counts& expected)
{
    SCOPED_TRACE(to_table(r));
    EXPECT_GT(r.judged.sent, 100U);
    EXPECT_EQ(r.judged.count(fault::lost), expected.lost);
    EXPECT_EQ(r.judged.count(fault::duplicated), expected.duplicated);
    EXPECT_EQ(r.judged.count(fault::reordered), expected.reordered);
    EXPECT_EQ(r.disconnected, expected.disconnected);
    EXPECT_EQ(r.errors, expected.errors);
}

TEST(Fleet, PassesAnHonestBroker)
{
    for (const confirmation confirm : {confirmation::flush, confirmation::receipts}) {
        const auto r = run_against(lie::none, confirm);
        ASSERT_TRUE(r) << r.error();
        expect_counts(*r, {});
        EXPECT_TRUE(r->passed());
        EXPECT_EQ(r->judged.received, r->judged.expected);
        EXPECT_EQ(r->judged.unconfirmed, 0U);
        EXPECT_GT(r->latency.count(), 100U);
        EXPECT_GT(r->silence.max, 0ms);
    }
}

TEST(Fleet, SeesAMessageThatIsMissing)
{
    const auto r = run_against(lie::drop);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.lost = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, SeesAMessageThatComesTwice)
{
    const auto r = run_against(lie::repeat);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.duplicated = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, TakesARedeliveryForWhatItIs)
{
    const auto r = run_against(lie::redeliver);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {});
    EXPECT_EQ(r->judged.redelivered, 1U);
    EXPECT_TRUE(r->passed());
}

TEST(Fleet, SeesTwoMessagesThatChangedPlaces)
{
    const auto r = run_against(lie::swap);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.reordered = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, SeesAMessageInTheWrongPlace)
{
    const auto r = run_against(lie::misroute);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.errors = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, SeesAClientThatWasHungUpOn)
{
    const auto r = run_against(lie::hang_up, confirmation::receipts);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.disconnected = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, HoldsASendWithoutItsReceiptForInDoubt)
{
    const auto r = run_against(lie::mute, confirmation::receipts);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {});
    EXPECT_EQ(r->judged.unconfirmed, 1U);
}

TEST(Fleet, SeesAReceiptThatComesTwice)
{
    const auto r = run_against(lie::second_reply, confirmation::receipts);
    ASSERT_TRUE(r) << r.error();
    expect_counts(*r, {.errors = 1});
    EXPECT_FALSE(r->passed());
}

TEST(Fleet, SaysWhyItCouldNotConnect)
{
    const auto r = run_against(lie::refuse);
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().find("ERROR no"), std::string::npos) << r.error();
}

} // namespace
} // namespace load
