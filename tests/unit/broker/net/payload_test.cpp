// Proves that a payload joins its parts, lives as long as its last reference and knows whether it
// is UTF-8.

#include "broker/net/outbox.hpp"
#include "broker/net/payload.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

TEST(Payload, JoinsItsParts)
{
    const auto made = net::payload::make({"MESSAGE\n", "", "body", std::string_view{"\0", 1}});
    EXPECT_EQ(made->bytes(), (std::string_view{"MESSAGE\nbody\0", 13}));
    EXPECT_EQ(made->size(), 13U);
    EXPECT_EQ(net::payload::make({})->size(), 0U);
}

// The address sanitizer sees it if the bytes die earlier, the leak sanitizer if later.
TEST(Payload, OutlivesItsMakerInAnOutbox)
{
    const std::string body(5000, 'x');
    net::outbox first;
    net::outbox second;
    {
        const auto made = net::payload::make({body});
        first.append(made);
        second.append(made);
    }
    first.consume(body.size());
    EXPECT_EQ(second.text(), body);
}

TEST(Payload, KnowsWhetherItIsUtf8)
{
    // The sequence is split over two parts: it is the whole that counts.
    const auto valid = net::payload::make({"gr\xC3", "\xBC\xC3\x9F"});
    const auto invalid = net::payload::make({"gr\xFC\xDF"});
    for (int asked = 0; asked < 2; ++asked) {
        EXPECT_TRUE(valid->is_utf8());
        EXPECT_FALSE(invalid->is_utf8());
    }
}

} // namespace
