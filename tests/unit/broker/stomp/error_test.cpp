// Proves that every fault has a sentence of its own that an ERROR frame's `message` can carry.

#include "broker/stomp/error.hpp"
#include "broker/stomp/frame.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace stomp {
namespace {

TEST(StompError, EachFaultHasItsOwnSentenceThatNeedsNoEscape)
{
    std::set<std::string> sentences{make_error_code(errc{}).message()};
    for (auto e = errc::unknown_command; e <= errc::stray_bytes;
         e = static_cast<errc>(static_cast<int>(e) + 1)) {
        const std::string text = make_error_code(e).message();
        EXPECT_TRUE(sentences.insert(text).second) << text;
        EXPECT_EQ(escape(text, version::v12), text);
    }
    EXPECT_EQ(sentences.size(), 11U);
}

TEST(StompError, ConvertsToAnErrorCodeOfItsCategory)
{
    const boost::system::error_code ec = errc::missing_nul;
    EXPECT_TRUE(ec);
    EXPECT_STREQ(ec.category().name(), "stomp");
    EXPECT_EQ(ec, errc::missing_nul);
    EXPECT_NE(ec, errc::bad_header);
}

} // namespace
} // namespace stomp
