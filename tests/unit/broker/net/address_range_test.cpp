// Proves what a block of addresses holds, and what is none.

#include "broker/net/address_range.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

bool holds(std::string_view range, std::string_view peer)
{
    const auto parsed = parse_address_range(range);
    EXPECT_TRUE(parsed) << range;
    return parsed && parsed->contains(peer);
}

TEST(AddressRange, HoldsAPeerHoweverItIsWritten)
{
    EXPECT_TRUE(holds("10.0.0.0/8", "10.1.2.3:40112"));
    EXPECT_TRUE(holds("10.0.0.0/8", "10.255.255.255"));
    EXPECT_TRUE(holds("10.0.0.0/8", "[::ffff:10.1.2.3]:40112")); // seen by a listener on [::]
    EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1:1"));
    EXPECT_FALSE(holds("10.0.0.0/8", "[a00::1]:1"));
    EXPECT_TRUE(holds("192.168.4.0/22", "192.168.7.9:1"));
    EXPECT_FALSE(holds("192.168.4.0/22", "192.168.8.0:1"));
    EXPECT_TRUE(holds("127.0.0.1", "127.0.0.1:80"));
    EXPECT_FALSE(holds("127.0.0.1", "127.0.0.2:80"));
    EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8:1"));
    EXPECT_FALSE(holds("0.0.0.0/0", "[2001:db8::1]:1"));
    EXPECT_TRUE(holds("fd00::/8", "[fd12::1]:40112"));
    EXPECT_TRUE(holds("fe80::/10", "[fe80::1%eth0]:40112"));
    EXPECT_FALSE(holds("fd00::/8", "[fe12::1]:40112"));
    EXPECT_TRUE(holds("::1", "[::1]:9"));
    EXPECT_TRUE(holds("::/0", "8.8.8.8:1"));
}

TEST(AddressRange, HoldsUnixPeersOnlyWhereItSaysSo)
{
    EXPECT_TRUE(holds("unix", "unix"));
    EXPECT_FALSE(holds("unix", "127.0.0.1:1"));
    EXPECT_FALSE(holds("0.0.0.0/0", "unix"));
    EXPECT_FALSE(holds("::/0", "unix"));
}

TEST(AddressRange, HoldsNothingThatIsNoAddress)
{
    for (const char* peer : {"", "?", "[", "[]", "10.1.2", "host:1", ":1"})
        EXPECT_FALSE(holds("::/0", peer)) << peer;
}

TEST(AddressRange, IsRefusedWhereItIsNone)
{
    for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                             "::/129", "10.0.0/8", "host", "10.0.0.0/8/8", "fe80::1%eth0", "[::1]",
                             "10.0.0.1:80", "*"})
        EXPECT_FALSE(parse_address_range(text)) << text;
}

} // namespace
} // namespace net
