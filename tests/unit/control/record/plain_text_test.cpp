// Text of others: JSON that every parser takes, and nothing on a terminal that it would obey.

#include "control/record/json.hpp"
#include "control/record/plain_text.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <random>

namespace control {
namespace {

std::string read_back(const std::string& json)
{
    boost::system::error_code error;
    const auto value = boost::json::parse(json, error);
    return error ? "no JSON: " + json : std::string(value.as_string());
}

TEST(PlainText, A2_JsonIsValidWhateverTheBytesWere)
{
    EXPECT_EQ(json_string("caf\xE9"), R"("caf\\xE9")"); // Latin-1
    EXPECT_EQ(read_back(json_string("caf\xE9")), R"(caf\xE9)");
    EXPECT_EQ(json_string("caf\xC3\xA9"), "\"caf\xC3\xA9\"");
    for (const auto* bad :
         {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF", "\xF0\x9F",
          "a\xC3", "\xC3(", "\xE2(\xA1"}) {
        EXPECT_FALSE(read_back(json_string(bad)).starts_with("no JSON")) << bad;
    }
    std::mt19937 random(7);
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        for (auto length = random() % 12; length > 0; --length) {
            text += static_cast<char>(random());
        }
        ASSERT_FALSE(read_back(json_string(text)).starts_with("no JSON")) << json_string(text);
    }
}

TEST(PlainText, A2_WhatIsUtf8ReadsBackAsItWas)
{
    using namespace std::string_literals; // it has a NUL
    const std::string all =
        "q\" b\\ \b\f\n\r\t \0 \x1F \x7F \xC2\x9B \xE2\x80\xAE \xF0\x9F\x98\x80 \xF3\xA0\x80\x81"s;
    EXPECT_EQ(read_back(json_string(all)), all);
    EXPECT_EQ(json_string("\xF3\xA0\x80\x81"), R"("\udb40\udc01")"); // a tag, as surrogates
}

TEST(PlainText, A2_KeysAndValuesOfADocumentAreEscapedAlike)
{
    boost::json::object object;
    object["k\xE9"] = "v\xE9\x9B";
    const auto text = to_text(object);
    boost::system::error_code error;
    boost::json::parse(text, error);
    EXPECT_FALSE(error) << text;
    boost::json::parse(to_indented_text(object), error);
    EXPECT_FALSE(error);
}

TEST(PlainText, A9_NothingDrivesTheTerminal)
{
    EXPECT_EQ(printable("a\x1b[2Jb"), "a\\u001b[2Jb");
    EXPECT_EQ(printable("a\xC2\x9B" "2Jb"), "a\\u009b2Jb"); // CSI as one character
    EXPECT_EQ(printable("a\x9B" "2Jb"), "a\\x9B2Jb");       // and as one byte
    EXPECT_EQ(printable("a\nb\x7F"), "a\\u000ab\\u007f");
    EXPECT_EQ(printable("\xE2\x80\xAE" "evil\xE2\x81\xA6"), "\\u202eevil\\u2066"); // bidirectional
    EXPECT_EQ(printable("a\xE2\x80\xA8" "b\xE2\x80\x8B"), "a\\u2028b\\u200b");
    EXPECT_EQ(printable("\xF3\xA0\x80\x81"), "\\U000e0001");
    EXPECT_EQ(printable("Gr\xC3\xBC\xC3\x9F \xE6\x97\xA5 \xF0\x9F\x98\x80"),
              "Gr\xC3\xBC\xC3\x9F \xE6\x97\xA5 \xF0\x9F\x98\x80");
    EXPECT_EQ(characters_in("Gr\xC3\xBC\xC3\x9F"), 4u);
}

} // namespace
} // namespace control
