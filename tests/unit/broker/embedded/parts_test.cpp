// Proves the small parts: ring, destinations, the gateway's own names, --chaos.

#include "broker/embedded/destination.hpp"
#include "broker/embedded/options.hpp"
#include "broker/embedded/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace embedded {
namespace {

TEST(Ring, BehavesAsADeque)
{
    ring<int> r;
    std::deque<int> model;
    unsigned random = 1;
    for (int i = 0; i < 20'000; ++i) {
        random = random * 1103515245u + 12345u;
        const unsigned choice = (random >> 16) % 8;
        if (choice < 4) {
            r.push_back(i);
            model.push_back(i);
        } else if (choice < 6 && !model.empty()) {
            ASSERT_EQ(r.pop_front(), model.front());
            model.pop_front();
        } else if (choice == 6) {
            const std::size_t at = (random >> 20) % (model.size() + 1);
            r.insert(at, i);
            model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), i);
        } else {
            const auto keep = [](int v) { return v % 3 != 0; };
            r.retain(keep);
            std::erase_if(model, [&](int v) { return !keep(v); });
        }
        ASSERT_EQ(r.size(), model.size());
        for (std::size_t k = 0; k < model.size(); ++k) {
            ASSERT_EQ(r[k], model[k]);
        }
    }
}

TEST(Ring, KeepsNothingAliveThatLeftIt)
{
    ring<std::shared_ptr<int>> r;
    const auto shared = std::make_shared<int>(1);
    r.push_back(shared);
    r.push_back(shared);
    r.push_back(shared);
    r.pop_front();
    int seen = 0;
    r.retain([&](const std::shared_ptr<int>&) { return ++seen > 1; });
    EXPECT_EQ(shared.use_count(), 2);
}

TEST(Destination, IsReadByItsPrefix)
{
    const auto kind = [](std::string_view text) { return parse_destination(text).kind; };
    EXPECT_EQ(parse_destination("/topic/a").name, "/topic/a");
    EXPECT_EQ(parse_destination("/amq/queue/a/b").name, "a/b");
    EXPECT_EQ(kind("/topic/a"), destination_kind::topic);
    EXPECT_EQ(kind("/exchange/e"), destination_kind::topic);
    EXPECT_EQ(kind("/queue/a"), destination_kind::queue);
    EXPECT_EQ(kind("/amq/queue/a"), destination_kind::named_queue);
    EXPECT_EQ(kind("/temp-queue/a"), destination_kind::temp_queue);
    EXPECT_EQ(kind("/reply-queue/a"), destination_kind::reply_queue);
    EXPECT_EQ(kind("/queue/"), destination_kind::unknown);
    EXPECT_EQ(kind("/queues/a"), destination_kind::unknown);
    EXPECT_EQ(kind(""), destination_kind::unknown);
}

TEST(Destination, IsTheGatewaysOwnByItsLastPart)
{
    EXPECT_FALSE(is_gateways_own("/queue/teal-none")); // a user's
    EXPECT_TRUE(is_gateways_own("/topic/a/stomp-subscription-teal-probe"));
    EXPECT_TRUE(is_gateways_own("/amq/queue/stomp-subscription-teal-1"));
    EXPECT_FALSE(is_gateways_own("/topic/stomp-subscription-teal-/a"));
    EXPECT_FALSE(is_gateways_own("/topic/a.stomp-subscription-teal-b"));
    EXPECT_FALSE(is_gateways_own("/queue/stomp-subscription-x"));
}

TEST(Chaos, IsReadFromKeyAndValue)
{
    chaos_options chaos;
    for (const char* good :
         {"close_on=/queue/a=b", "stall_after=3", "refuse_login=x", "no_receipts=1", "delay=10ms",
          "die_after=7", "reject_subscribe=/topic/x", "error_on=/topic/x"}) {
        EXPECT_EQ(apply_chaos(chaos, good), std::nullopt) << good;
    }
    EXPECT_EQ(chaos.close_on, "/queue/a=b");
    EXPECT_EQ(chaos.stall_after, 3u);
    EXPECT_EQ(chaos.die_after, 7u);
    EXPECT_EQ(chaos.delay, std::chrono::milliseconds{10});
    EXPECT_TRUE(chaos.no_receipts);
    for (const char* bad :
         {"", "close_on", "close_on=", "other=1", "delay=10", "delay=ms", "delay=99999ms",
          "die_after=0", "stall_after=x", "no_receipts=yes"}) {
        EXPECT_NE(apply_chaos(chaos, bad), std::nullopt) << bad;
    }
}

} // namespace
} // namespace embedded
