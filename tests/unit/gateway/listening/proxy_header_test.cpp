// The PROXY protocol against HAProxy's doc/proxy-protocol.txt. What each header means is compared in
// every split: the outcome must depend on the bytes and not on how they come.

#include "gateway/listening/proxy_header.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {
namespace {

using namespace std::string_literals;
using outcome = proxy_header::outcome;

constexpr auto any = proxy_versions::any;
const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string behind = "GET / HTTP/1.1\r\n"; // the client's bytes

// A version 2 header: `first` is version and command, `kind` is family and transport.
std::string v2(unsigned char first, unsigned char kind, const std::string& rest)
{
    std::string made = signature;
    made += static_cast<char>(first);
    made += static_cast<char>(kind);
    made += static_cast<char>(rest.size() >> 8);
    made += static_cast<char>(rest.size() & 0xFF);
    return made + rest;
}
const std::string addresses4 =
    "\xC0\x00\x02\x07\xC6\x33\x64\x01\x9C\xB0\x01\xBB"s; // 192.0.2.7:40112
const std::string addresses6 = "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07"s +
                               "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"s + "\x9C\xB0\x01\xBB"s;
const std::string addresses_unix =
    "/run/client.sock"s + std::string(92, '\0') + std::string(108, '\0');
const std::string tlvs =
    "\x03\0\x04\x12\x34\x56\x78\x02\0\x0B"s + "example.com" + "\x04\0\x02\0\0"s;

// In every split: nothing is known before the last byte of a header that is taken, and what fails
// never was anything else.
proxy_header in_every_split(const std::string& bytes, proxy_versions taken)
{
    const auto whole = parse_proxy_header(bytes, taken);
    std::optional<std::size_t> failed_at;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const auto part = parse_proxy_header(std::string_view{bytes}.substr(0, size), taken);
        if (failed_at || part.came == outcome::failed) {
            failed_at = failed_at.value_or(size);
            EXPECT_EQ(part.came, outcome::failed) << size << " bytes, failed at " << *failed_at;
            EXPECT_EQ(whole.came, outcome::failed) << size << " bytes";
        } else if (whole.came == outcome::whole && size >= whole.size) {
            EXPECT_EQ(part.came, outcome::whole) << size << " bytes";
            EXPECT_EQ(part.size, whole.size) << size << " bytes";
            EXPECT_EQ(part.source, whole.source) << size << " bytes";
        } else {
            EXPECT_EQ(part.came, outcome::unfinished) << size << " bytes";
        }
    }
    return whole;
}

void expect_source(const std::string& header, const std::string& source, proxy_versions taken = any)
{
    const auto parsed = in_every_split(header + behind, taken);
    EXPECT_EQ(parsed.came, outcome::whole) << header;
    EXPECT_EQ(parsed.size, header.size()) << header;
    EXPECT_EQ(parsed.source, source) << header;
}

void expect_failed(const std::string& bytes, proxy_versions taken = any)
{
    const auto parsed = in_every_split(bytes, taken);
    EXPECT_EQ(parsed.came, outcome::failed) << bytes;
    EXPECT_FALSE(parsed.why.empty());
}

TEST(ProxyHeader, N8_Version1SaysWhoTheClientIs)
{
    expect_source("PROXY TCP4 192.0.2.7 198.51.100.1 40112 443\r\n", "192.0.2.7:40112");
    expect_source(
        "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535");
    expect_source("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0");
    expect_source("PROXY TCP6 2001:db8::7 2001:db8::1 40112 443\r\n", "[2001:db8::7]:40112");
    // The longest line that the document has.
    const std::string most = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    expect_source("PROXY TCP6 " + most + " " + most + " 65535 65535\r\n", "[" + most + "]:65535");
    // Another spelling of an address is no other client.
    expect_source("PROXY TCP6 2001:DB8:0:0::7 ::1 1 2\r\n", "[2001:db8::7]:1");
}

TEST(ProxyHeader, N8_Version1UnknownSaysNobodyWhateverFollows)
{
    expect_source("PROXY UNKNOWN\r\n", "");
    const std::string most = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const std::string longest = "PROXY UNKNOWN " + most + " " + most + " 65535 65535\r\n";
    ASSERT_EQ(longest.size(), 107U);
    expect_source(longest, "");
    expect_source("PROXY UNKNOWN a b c d e f g h\r\n", "");
}

TEST(ProxyHeader, N8_Version1ThatIsNotOneFails)
{
    for (const auto* line : {
             "PROXY TCP4 192.0.2.7 198.51.100.1 40112 443\n",     // LF alone
             "PROXY TCP4 192.0.2.7 198.51.100.1 40112\r\n",       // a word short
             "PROXY TCP4 192.0.2.7 198.51.100.1 40112 443 7\r\n", // a word more
             "PROXY TCP4 192.0.2.7 198.51.100.1 40112 443 \r\n",  // a blank more
             "PROXY  TCP4 192.0.2.7 198.51.100.1 40112 443\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 040112 443\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 40112 x\r\n",
             "PROXY TCP4 192.0.2.256 198.51.100.1 40112 443\r\n",
             "PROXY TCP4 192.0.2.7 localhost 40112 443\r\n",
             "PROXY TCP4 2001:db8::7 2001:db8::1 40112 443\r\n", // family and form differ
             "PROXY TCP6 192.0.2.7 198.51.100.1 40112 443\r\n",
             "PROXY UDP4 192.0.2.7 198.51.100.1 40112 443\r\n",
             "PROXY unknown\r\n",
             "PROXY\r\n",
             "PROXY \r\n",
             "proxy TCP4 192.0.2.7 198.51.100.1 40112 443\r\n",
         }) {
        expect_failed(line);
    }
    expect_failed("PROXY TCP4 192.0.2.7\0 198.51.100.1 40112 443\r\n"s);
    expect_failed("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"); // 108 bytes
    expect_failed("PROXY TCP4 " + std::string(200, ' '));
}

TEST(ProxyHeader, N8_Version2SaysWhoTheClientIs)
{
    expect_source(v2(0x21, 0x11, addresses4), "192.0.2.7:40112");
    expect_source(v2(0x21, 0x21, addresses6), "[2001:db8::7]:40112");
    expect_source(v2(0x21, 0x31, addresses_unix), "unix");
    expect_source(v2(0x21, 0x11, addresses4 + tlvs), "192.0.2.7:40112");
    expect_source(v2(0x21, 0x21, addresses6 + tlvs), "[2001:db8::7]:40112");
    expect_source(v2(0x21, 0x31, addresses_unix + tlvs), "unix");
    const std::string most(proxy_header_bytes_max - 16 - addresses4.size(), '\xEE');
    expect_source(v2(0x21, 0x11, addresses4 + most), "192.0.2.7:40112");
}

TEST(ProxyHeader, N8_Version2LocalAndUnspecSayNobody)
{
    expect_source(v2(0x20, 0x00, ""), "");
    expect_source(
        v2(0x20, 0x11, addresses4), ""); // a health check: the addresses are not looked at
    expect_source(v2(0x20, 0xFF, tlvs), "");
    expect_source(v2(0x21, 0x00, ""), "");
    expect_source(v2(0x21, 0x00, tlvs), "");
    expect_source(v2(0x21, 0x12, addresses4), ""); // UDP: not this connection
}

TEST(ProxyHeader, N8_Version2ThatIsNotOneFails)
{
    expect_failed(v2(0x11, 0x11, addresses4)); // version 1
    expect_failed(v2(0x31, 0x11, addresses4));
    expect_failed(v2(0x22, 0x11, addresses4)); // neither LOCAL nor PROXY
    expect_failed(v2(0x21, 0x41, addresses4));
    expect_failed(v2(0x21, 0x13, addresses4));
    expect_failed(v2(0x21, 0x11, addresses4.substr(1)));
    expect_failed(v2(0x21, 0x21, addresses4));
    expect_failed(v2(0x21, 0x31, addresses_unix.substr(1)));
    expect_failed(v2(0x21, 0x11, ""));
    expect_failed(v2(0x21, 0x11, addresses4 + std::string(proxy_header_bytes_max, 'x')));
    expect_failed(v2(0x20, 0x00, std::string(65'535, 'x')));
    std::string broken = v2(0x21, 0x11, addresses4);
    broken[11] = '\r';
    expect_failed(broken);
}

TEST(ProxyHeader, N8_OnlyTheVersionThatTheListenerTakes)
{
    const std::string line = "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n";
    expect_source(line, "192.0.2.7:1", proxy_versions::v1);
    expect_failed(line, proxy_versions::v2);
    expect_source(v2(0x21, 0x11, addresses4), "192.0.2.7:40112", proxy_versions::v2);
    expect_failed(v2(0x21, 0x11, addresses4), proxy_versions::v1);
}

TEST(ProxyHeader, N8_WithoutOneTheFirstOtherByteSaysSo)
{
    EXPECT_EQ(parse_proxy_header("", any).came, outcome::unfinished);
    EXPECT_EQ(parse_proxy_header("P", any).came, outcome::unfinished);
    for (const auto* bytes : {"G", "C", "\n", "PO", "\r\n\r\nX", "PROXZ"}) {
        EXPECT_EQ(parse_proxy_header(bytes, any).came, outcome::failed) << bytes;
    }
}

} // namespace
} // namespace gateway
