// Proves that what is written is read again, for every kind, and that nothing else is read.

#include "gateway/core/markers/marker_text.hpp"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using broker::color;
using broker::wire_id;
using control::endpoint_ref;
using kind = marker_text::kind;

constexpr wire_id wire{12};
constexpr endpoint_ref here{color::blue, 1};

TEST(MarkerText, IsWrittenAsThePageSays)
{
    EXPECT_EQ(write_marker(wire, here, {.from = here}), "s12");
    EXPECT_EQ(write_marker(wire, here, {.number = 7, .from = here}), "s12+7");
    EXPECT_EQ(write_marker(wire, here, {.number = 7, .from = {color::blue, 3}}), "s12/3+7");
    EXPECT_EQ(write_marker(wire, here, {.from = {color::green, 0}}), "s12/~0");
    EXPECT_EQ(write_marker(wire, here, {.what = kind::rejoin, .number = 4}), "s12#4");
    EXPECT_EQ(write_marker(wire, here, {.what = kind::move, .number = 5}), "s12=5");
    EXPECT_EQ(
        write_marker(wire, here, {.what = kind::window, .number = 6, .from = {color::green, 2}}),
        "s12*6/g2");
}

TEST(MarkerText, WhatIsWrittenIsRead)
{
    for (const kind what : {kind::seam, kind::rejoin, kind::move, kind::window}) {
        for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
            for (const endpoint_ref from :
                 {here, endpoint_ref{color::blue, 63}, endpoint_ref{color::green, 1}}) {
                marker_text text{.what = what, .number = number, .from = from};
                if (what == kind::rejoin || what == kind::move) {
                    text.from = here;
                }
                const auto written = write_marker(wire, here, text);
                EXPECT_EQ(read_marker(written, wire, here), text) << written;
            }
        }
    }
}

TEST(MarkerText, NothingElseIsRead)
{
    for (const auto* none :
         {"", "s", "s1", "s123", "x12", "s12x", "s12+", "s12+x", "s12+1x", "s12/", "s12/x", "s12/64",
          "s12/~64+1", "s12/1/1", "s12#", "s12#1x", "s12=", "s12=-1", "s12*", "s12*1", "s12*1/",
          "s12*1/x1", "s12*1/b", "s12*1/b64", "s12*1/b1x", "s12+99999999999999999999", " s12"}) {
        EXPECT_EQ(read_marker(none, wire, here), std::nullopt) << none;
    }
    EXPECT_EQ(read_marker("s12", wire, {color::blue, 64}), std::nullopt);
}

} // namespace
} // namespace gateway
