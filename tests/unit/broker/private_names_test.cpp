// Proves that names of the gateway's own queues, seals of markers and ack ids follow from a secret
// that is drawn anew for each process and from nothing that a client sees (switch.md K1, K2).

#include "broker/private_names.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <set>

namespace {

using namespace broker;

// The paper's own check value: appendix A, key 00..0f, input 00..0e.
TEST(KeyedDigest, IsSipHash24)
{
    const secret_key key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
    std::string text;
    for (char c = 0; c < 15; ++c) {
        text += c;
    }
    EXPECT_EQ(keyed_digest(key, text), 0xa129ca6149be45e5ULL);
}

TEST(Secrets, K1_AreDrawnAnewAndEachIsAnother)
{
    const secrets one = draw_secrets(), other = draw_secrets();
    const std::set<std::uint64_t> words{one.names.first,   one.names.second,   one.marks.first,
                                        one.marks.second,  one.acks.first,     one.acks.second,
                                        other.names.first, other.names.second, other.marks.first,
                                        other.marks.second, other.acks.first,  other.acks.second};
    EXPECT_EQ(words.size(), 12u);
}

TEST(PrivateNames, K1_Hold128BitsAndAreNeverTheSame)
{
    const secret_key key{11, 12};
    const private_names names{key, 0}, neighbour{key, 1}, stranger{{11, 13}, 0};
    std::set<std::string> all{names.barrier(), stranger.barrier()};
    for (std::uint64_t n = 1; n <= 1000; ++n) {
        for (const auto& one :
             {names.of_wire(wire_id{n}), names.of_link(link_id{n}), neighbour.of_wire(wire_id{n}),
              stranger.of_wire(wire_id{n})}) {
            EXPECT_TRUE(one.starts_with(private_prefix));
            EXPECT_EQ(one.size(), private_prefix.size() + 32);
            EXPECT_TRUE(has_private_name(one));
            EXPECT_TRUE(all.insert(one).second) << one;
        }
    }
    EXPECT_EQ(names.barrier(), neighbour.barrier()); // the process's
    EXPECT_EQ(names.of_wire(wire_id{7}), (private_names{key, 0}.of_wire(wire_id{7})));
    // Half of the bits differ between neighbours, in each half of the name.
    for (const std::size_t half : {0u, 16u}) {
        int differ = 0;
        for (std::uint64_t n = 1; n <= 64; ++n) {
            const auto digits = [&](std::uint64_t id) {
                const auto name = names.of_wire(wire_id{id}).substr(private_prefix.size() + half, 16);
                return std::stoull(name, nullptr, 16);
            };
            differ += static_cast<int>(std::bitset<64>{digits(n) ^ digits(n + 1)}.count());
        }
        EXPECT_NEAR(differ, 64 * 32, 64 * 8);
    }
}

TEST(MarkSeal, K2_OnlyWhoKnowsTheSecretWritesAMarker)
{
    const mark_seal seal{{5, 6}, 0};
    const auto sealed = seal.seal("s7/2+5");
    EXPECT_EQ(seal.open(sealed), "s7/2+5");
    EXPECT_EQ((mark_seal{{5, 6}, 1}.open(sealed)), std::nullopt); // another shard's
    EXPECT_EQ((mark_seal{{5, 7}, 0}.open(sealed)), std::nullopt); // another gateway's
    const auto digits = sealed.substr(sealed.find(';'));
    for (const std::string& forged :
         {std::string{}, std::string{"s7/2+5"}, "s8/2+5" + digits, "s7/2+6" + digits, digits,
          "s7/2+5" + digits + "0", "s7/2+5" + digits.substr(0, 32), std::string{"s7/2+5;"},
          "s7/2+5;" + std::string(32, '0')}) {
        EXPECT_EQ(seal.open(forged), std::nullopt) << forged;
    }
}

TEST(PrivateNames, K1_AreTakenOutOfWhatAClientIsTold)
{
    const auto one = private_names{{11, 12}, 0}.of_wire(wire_id{1});
    EXPECT_EQ(without_private_names("no queue '" + one + "' in vhost '/'"),
              "no queue 'stomp-subscription' in vhost '/'");
    EXPECT_EQ(without_private_names(one + one), "stomp-subscriptionstomp-subscription");
    for (const std::string text :
         {"", "stomp-subscription-teal-", "stomp-subscription-teal-of-the-user", "/topic/a"}) {
        EXPECT_FALSE(has_private_name(text)) << text;
        EXPECT_EQ(without_private_names(text), text);
    }
}

} // namespace
