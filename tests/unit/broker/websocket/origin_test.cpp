// Proves which origins may connect: same origin, exact entries, subdomains, any, null.

#include "broker/websocket/origin.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace websocket {
namespace {

bool same_origin(std::string_view origin, std::string_view host)
{
    return origin_is_allowed(origin, {.host = host}, {});
}

bool allowed_by(const std::vector<std::string>& entries, std::string_view origin)
{
    return origin_is_allowed(origin, {.host = "gateway.example.com"}, entries);
}

TEST(SameOrigin, ComparesHostAndPort)
{
    EXPECT_TRUE(same_origin("http://example.com", "example.com"));
    EXPECT_TRUE(same_origin("https://EXAMPLE.com", "example.COM"));
    EXPECT_TRUE(same_origin("http://example.com:8080", "example.com:8080"));
    EXPECT_TRUE(same_origin("http://[::1]:8080", "[::1]:8080"));
    EXPECT_FALSE(same_origin("http://example.com:8080", "example.com"));
    EXPECT_FALSE(same_origin("http://example.com", "example.com:8080"));
    EXPECT_FALSE(same_origin("http://www.example.com", "example.com"));
    EXPECT_FALSE(same_origin("http://example.com.evil.com", "example.com"));
    EXPECT_FALSE(same_origin("http://notexample.com", "example.com"));
}

TEST(SameOrigin, FillsInTheSchemesDefaultPort)
{
    EXPECT_TRUE(same_origin("https://example.com", "example.com:443"));
    EXPECT_TRUE(same_origin("https://example.com:443", "example.com"));
    EXPECT_TRUE(same_origin("http://example.com", "example.com:80"));
}

// A proxy that ends TLS says the port that it was asked on, or the one that it asks on itself.
TEST(SameOrigin, N5_BehindTlsThePortOfTheHostMayBeAnotherSchemesDefault)
{
    EXPECT_TRUE(same_origin("https://example.com", "example.com:80"));
    EXPECT_TRUE(same_origin("http://example.com", "example.com:443"));
    EXPECT_FALSE(same_origin("https://example.com:8443", "example.com:80"));
    EXPECT_FALSE(same_origin("https://example.com:8443", "example.com:443"));
    EXPECT_FALSE(same_origin("https://example.com", "example.com:8443"));
    EXPECT_FALSE(same_origin("https://example.com", "other.com:80"));
    EXPECT_FALSE(same_origin("app://example.com", "example.com:80"));
}

TEST(SameOrigin, N5_WhereTheSchemeIsKnownItCounts)
{
    const auto same = [](std::string_view origin, std::string_view host, std::string_view scheme) {
        return origin_is_allowed(origin, {.host = host, .scheme = scheme}, {});
    };
    EXPECT_TRUE(same("https://example.com", "example.com", "https"));
    EXPECT_TRUE(same("https://example.com", "example.com:443", "HTTPS"));
    EXPECT_TRUE(same("http://example.com:80", "example.com", "ws"));
    EXPECT_TRUE(same("https://example.com:8443", "example.com:8443", "wss"));
    EXPECT_FALSE(same("http://example.com", "example.com", "https"));
    EXPECT_TRUE(same("https://example.com", "example.com:80", "https"));
    EXPECT_FALSE(same("https://example.com:8443", "example.com:80", "https"));
    EXPECT_FALSE(same("https://example.com", "example.com:8443", "https"));
    EXPECT_FALSE(same("https://example.com", "example.com", "http"));
    EXPECT_FALSE(same("app://example.com", "example.com", "app"));
}

TEST(SameOrigin, IsNotWhatIsNoOrigin)
{
    for (const char* origin :
         {"", "null", "example.com", "://example.com", "http://", "http://example.com/",
          "http://example.com/path", "http://user@example.com", "http://example.com:x",
          "http://example.com:99999", "http://example.com http://example.com",
          "http://example.com?", "http://example.com#", "http://[::1", "http://[]"})
        EXPECT_FALSE(same_origin(origin, "example.com")) << origin;
    EXPECT_FALSE(same_origin("http://", ""));
}

TEST(AllowedOrigins, ExactEntryIsComparedButForCase)
{
    const std::vector<std::string> entries{"https://app.example.com", "http://localhost:3000"};
    EXPECT_TRUE(allowed_by(entries, "https://app.example.com"));
    EXPECT_TRUE(allowed_by(entries, "HTTPS://App.Example.COM"));
    EXPECT_TRUE(allowed_by(entries, "https://app.example.com:443"));
    EXPECT_TRUE(allowed_by(entries, "http://localhost:3000"));
    EXPECT_FALSE(allowed_by(entries, "http://app.example.com"));
    EXPECT_FALSE(allowed_by(entries, "https://app.example.com:8443"));
    EXPECT_FALSE(allowed_by(entries, "https://app.example.com.evil.com"));
    EXPECT_FALSE(allowed_by(entries, "https://app.example.com/"));
    EXPECT_FALSE(allowed_by(entries, "http://localhost"));
}

TEST(AllowedOrigins, AListTakesThePlaceOfSameOrigin)
{
    EXPECT_FALSE(allowed_by({"https://other.com"}, "https://gateway.example.com"));
}

TEST(AllowedOrigins, SubdomainEntryMatchesAnyDepthButNotTheDomain)
{
    const std::vector<std::string> entries{"https://*.example.com"};
    EXPECT_TRUE(allowed_by(entries, "https://a.example.com"));
    EXPECT_TRUE(allowed_by(entries, "https://a.b.c.EXAMPLE.com"));
    for (const char* origin :
         {"https://example.com", "https://.example.com", "https://evilexample.com",
          "http://a.example.com", "https://a.example.com:8443", "https://a.example.com.evil.com",
          "https://evil.com/.example.com", "https://evil.com?.example.com",
          "https://*.example.com"})
        EXPECT_FALSE(allowed_by(entries, origin)) << origin;
    EXPECT_TRUE(allowed_by({"http://*.example.com:8080"}, "http://a.example.com:8080"));
}

TEST(AllowedOrigins, StarIsAny)
{
    for (const char* origin : {"https://evil.com", "null", "file://", "anything"})
        EXPECT_TRUE(allowed_by({"https://example.com", "*"}, origin));
}

TEST(AllowedOrigins, NullNeedsItsOwnEntry)
{
    EXPECT_FALSE(allowed_by({"https://*.example.com"}, "null"));
    EXPECT_TRUE(allowed_by({"null"}, "null"));
    EXPECT_FALSE(allowed_by({"null"}, "https://example.com"));
}

TEST(AllowedOrigins, SchemesOfAppsAreComparedAsTheyAre)
{
    EXPECT_TRUE(allowed_by({"file://"}, "file://"));
    EXPECT_TRUE(allowed_by({"capacitor://localhost"}, "capacitor://localhost"));
    EXPECT_TRUE(allowed_by({"chrome-extension://abcdef"}, "chrome-extension://abcdef"));
    EXPECT_FALSE(allowed_by({"capacitor://localhost"}, "ionic://localhost"));
}

} // namespace
} // namespace websocket
