// Messages as JSON, both ways.

#include "gateway/transports/sockjs/message_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gateway::sockjs {
namespace {

using namespace std::string_literals;

std::vector<std::string> decoded(std::string_view json, single_string single = single_string::no)
{
    messages came;
    EXPECT_EQ(decode_messages(json, single, came), decoding::done) << json;
    std::vector<std::string> all;
    for (std::size_t n = 0; n < came.count(); ++n) {
        all.emplace_back(came.at(n));
    }
    return all;
}

decoding fault(std::string_view json, single_string single = single_string::no)
{
    messages came;
    const auto result = decode_messages(json, single, came);
    EXPECT_EQ(came.count(), 0U) << json;
    EXPECT_TRUE(came.bytes.empty()) << json;
    return result;
}

TEST(MessageText, N11_QuotesWhatJsonMustAndWhatBrowsersMangle)
{
    EXPECT_EQ(
        in_quotes("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f"), R"("a\"b\\c/\b\f\n\r\t\u0001\u001f)"
                                                  "\x7f\"");
    EXPECT_EQ(in_quotes("\0x"s), R"("\u0000x")");
    EXPECT_EQ(
        in_quotes("\u200b\u200c\u200f\u2010\u2028\u202f\u2030\u2060\u206f\u2070"),
        "\"\u200b\\u200c\\u200f\u2010\\u2028\\u202f\u2030\\u2060\\u206f\u2070\"");
    EXPECT_EQ(in_quotes("\uffef\ufff0\uffff"), "\"\uffef\\ufff0\\uffff\"");
    EXPECT_EQ(in_quotes("é€"), "\"é€\"");
    EXPECT_EQ(
        in_quotes("\U0001f600\U00010000\U0010ffff"), R"("\ud83d\ude00\ud800\udc00\udbff\udfff")");
}

TEST(MessageText, N12_BytesThatAreNoUtf8BecomeQuestionMarksOneByOne)
{
    std::string out;
    EXPECT_EQ(append_quoted(out, "a\xff\xc3\xa9\xe2\x82\xed\xa0\x80"), 6U);
    EXPECT_EQ(out, "a?é?????");
}

TEST(MessageText, N11_LongTextIsTheSameInPieces)
{
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        text += "é\"\U0001f600x";
    }
    net::outbox out;
    append_quoted(out, text);
    EXPECT_EQ('"' + out.text() + '"', in_quotes(text));
    EXPECT_EQ(decoded('[' + in_quotes(text) + ']'), std::vector{text});
}

TEST(MessageText, N11_TakesArraysOfStrings)
{
    EXPECT_EQ(decoded("[]"), std::vector<std::string>{});
    EXPECT_EQ(
        decoded(R"( [ "a" , "" ,"b\n\u00e9\ud83d\ude00" ] )"),
        (std::vector<std::string>{"a", "", "b\né\U0001f600"}));
    EXPECT_EQ(decoded(R"("a")", single_string::yes), std::vector<std::string>{"a"});
    EXPECT_EQ(fault(R"("a")"), decoding::no_array);
}

TEST(MessageText, N11_RefusesWhatIsNoMessageAndTakesNothingOfIt)
{
    for (const char* json :
         {"[\"a", "[\"a\"", "[\"a\",]", "[\"a\"] x", "[\"a\", 1]", "[\"a\", null]", "[[\"a\"]]",
          "[{\"a\":\"b\"}]", "[\"a\", true]", "[\"\xff\"]", "['a']", "[\"\\x\"]", "[\"\\u12\"]"}) {
        EXPECT_EQ(fault(json), decoding::broken) << json;
    }
    for (const char* json : {"1", "null", "{}", "{\"a\":[]}", "true"}) {
        EXPECT_EQ(fault(json), decoding::no_array) << json;
    }
    EXPECT_EQ(fault(""), decoding::broken);
    EXPECT_EQ(fault(std::string(100'000, '[')), decoding::broken);
}

TEST(MessageText, N11_AHalfOfAPairIsReplaced)
{
    EXPECT_EQ(
        decoded(R"(["\ud83d", "x\ude00", "\ude00\ud83d", "\ud83d\ud83d\ude00", "\\ud83d"])"),
        (std::vector<std::string>{
            "\ufffd", "x\ufffd", "\ufffd\ufffd", "\ufffd\U0001f600", "\\ud83d"}));
}

} // namespace
} // namespace gateway::sockjs
