// Targets and JSON text: what is decoded, what is refused, and how numbers and control characters
// are written.

#include "control/api/http_message.hpp"
#include "control/record/json.hpp"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

namespace control {
namespace {

TEST(RequestTarget, SplitsAndDecodes)
{
    const auto target = target_from("/v1/sessions/a%2Fb?limit=2&sort=held&flag");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->parts, (std::vector<std::string>{"v1", "sessions", "a/b"}));
    EXPECT_EQ(target->parameter("limit"), "2");
    EXPECT_EQ(target->parameter("flag"), "");
    EXPECT_EQ(target->parameter("cursor"), std::nullopt);
    EXPECT_TRUE(target_from("/")->parts.empty());
}

TEST(RequestTarget, RefusesWhatIsNotAPath)
{
    for (const auto* bad : {"", "*", "http://x/", "/%", "/%4", "/%zz", "/%00", "/?a=%"}) {
        EXPECT_FALSE(target_from(bad)) << bad;
    }
}

TEST(HttpRequest, FindsHeadersWithoutCase)
{
    const http_request request{"GET", "/", {{"if-MATCH", "x"}}, "", ""};
    EXPECT_EQ(request.header("If-Match"), "x");
    EXPECT_EQ(request.header("If-Matc"), std::nullopt);
}

TEST(JsonText, WritesNumbersAsPeopleReadThem)
{
    EXPECT_EQ(
        to_text(boost::json::array{1.9, 0.0, 12345678.25, 11.0, -1, 18446744073709551615ull}),
        "[1.9,0,12345678.25,11,-1,18446744073709551615]");
    EXPECT_EQ(
        to_text(boost::json::object{{"b", "x\"\n"}, {"a", nullptr}, {"c", boost::json::object()}}),
        R"({"b":"x\"\n","a":null,"c":{}})");
    EXPECT_EQ(
        to_indented_text(boost::json::object{{"a", boost::json::array{1, 2}}}),
        "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
    EXPECT_EQ(rounded(1.23456), 1.235);
}

} // namespace
} // namespace control
