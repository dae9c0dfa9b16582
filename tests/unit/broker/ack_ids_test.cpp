// Proves that a client acknowledges by the ids that were given to its own session only (brokers.md
// H1).

#include "broker/ack_ids.hpp"

#include <gtest/gtest.h>

namespace {

using namespace broker;

TEST(AckIds, H1_K4_AreReadBackByTheirOwnSessionOnly)
{
    const ack_ids ids{{1, 2}, 0};
    const given_ack what{0x17, 3};
    const auto minted = ids.mint(session_id{9}, what);
    EXPECT_TRUE(minted.ends_with("-17-3")) << minted;
    EXPECT_EQ(ids.parse(session_id{9}, minted), what);
    EXPECT_EQ(ids.parse(session_id{8}, minted), std::nullopt);            // another session's
    EXPECT_EQ((ack_ids{{1, 2}, 1}.parse(session_id{9}, minted)), std::nullopt); // another shard's
    EXPECT_EQ((ack_ids{{1, 3}, 0}.parse(session_id{9}, minted)), std::nullopt); // another gateway's
    const auto digest = minted.substr(0, minted.find('-'));
    for (const auto& text :
         {std::string{}, std::string{"-"}, std::string{"--"}, digest, digest + "-17", digest + "-18-3",
          digest + "-17-4", digest + "-17-", digest + "-x-3", "-17-3" + std::string{}, minted + "-1",
          minted + " ", "0" + minted + "0", digest + "-17-100000003",
          std::string{"T_s1@@session-x@@1"}}) {
        EXPECT_EQ(ids.parse(session_id{9}, text), std::nullopt) << text;
    }
}

} // namespace
