// Proves that an id on the wire is read back as what it was written for, and that nobody else's is
// taken for one.

#include "broker/ids.hpp"

#include <gtest/gtest.h>

namespace {

using namespace broker;

TEST(WireId, IsReadBackAsItWasWritten)
{
    EXPECT_EQ(to_wire(wire_id{12}), "s12");
    EXPECT_EQ(parse_wire_id("s12"), wire_id{12});
    EXPECT_EQ(parse_wire_id("s18446744073709551615"), wire_id{18446744073709551615u});
}

TEST(WireId, OfSomebodyElseIsNone)
{
    for (const auto* text :
         {"", "s", "12", "t12", "s12 ", "s 12", "s-1", "s1x", "/temp-queue/a",
          "s18446744073709551616"}) {
        EXPECT_EQ(parse_wire_id(text), std::nullopt) << text;
    }
}

} // namespace
