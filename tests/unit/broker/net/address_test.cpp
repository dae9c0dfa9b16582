// Proves what addresses are taken from configuration, and that each refusal says what is wrong.

#include "broker/net/error.hpp"
#include "broker/net/socket.hpp"

#include <gtest/gtest.h>

namespace {

using net::errc;
using net::parse_address;

TEST(Address, ReadsHostAndPort)
{
    const auto name = parse_address("rabbit-0.blue.svc:61613").value();
    EXPECT_EQ(name.host, "rabbit-0.blue.svc");
    EXPECT_EQ(name.port, 61613);
    const auto v6 = parse_address("[2001:db8::1]:80").value();
    EXPECT_EQ(v6.host, "2001:db8::1");
    EXPECT_EQ(v6.port, 80);
    const auto path = parse_address("unix:/run/teal/admin.sock").value();
    EXPECT_TRUE(path.is_unix());
    EXPECT_EQ(path.path, "/run/teal/admin.sock");
}

TEST(Address, WritesWhatItRead)
{
    for (const auto* text :
         {"localhost:0", "127.0.0.1:65535", "[::]:15674", "unix:relative.sock"}) {
        EXPECT_EQ(parse_address(text).value().text(), text);
    }
}

TEST(Address, SaysWhatIsWrong)
{
    const std::pair<std::string, errc> cases[] = {
        {"", errc::address_without_port},    {"host", errc::address_without_port},
        {":80", errc::address_without_host}, {"host:", errc::bad_port},
        {"host:65536", errc::bad_port},      {"host:-1", errc::bad_port},
        {"host:80x", errc::bad_port},        {"host: 80", errc::bad_port},
        {"::1:80", errc::bare_ipv6},         {"host:80:90", errc::bare_ipv6},
        {"[::1", errc::bad_brackets},        {"[]:80", errc::bad_brackets},
        {"[::1]80", errc::bad_brackets},     {"[::1]", errc::address_without_port},
        {"unix:", errc::bad_path},           {"unix:" + std::string(108, 'p'), errc::bad_path},
    };
    for (const auto& [text, expected] : cases) {
        const auto parsed = parse_address(text);
        ASSERT_TRUE(parsed.has_error()) << text;
        EXPECT_EQ(parsed.error(), make_error_code(expected))
            << text << ": " << parsed.error().message();
    }
    EXPECT_TRUE(parse_address("unix:" + std::string(107, 'p')).has_value());
    EXPECT_EQ(
        parse_address("::1:80").error().message(), "IPv6 address needs brackets; write [v6]:port");
}

TEST(Address, KnowsLoopback)
{
    for (const auto* text : {"127.0.0.1:1", "127.9.8.7:1", "localhost:1", "[::1]:1", "unix:x"}) {
        EXPECT_TRUE(parse_address(text).value().is_loopback()) << text;
    }
    for (const auto* text : {"0.0.0.0:1", "128.0.0.1:1", "[::]:1", "127.example:1"}) {
        EXPECT_FALSE(parse_address(text).value().is_loopback()) << text;
    }
}

} // namespace
