// Proves that an upgrade's head is refused where it could be read in two ways: each fault of
// Beast 1.81 (design.md, section 11, item 4), and what is no head at all.

#include "broker/websocket/http_head.hpp"
#include "tests/unit/broker/websocket/request_text.hpp"

#include <gtest/gtest.h>

namespace websocket::test {
namespace {

TEST(AnswerUpgradeGuards, Body)
{
    for (const char* length : {"5", "x", "-1", "5, 5", "0, 0", "00", "+0", "0x0", "", "0, 5"})
        EXPECT_EQ(status_of(plain.with("Content-Length", length)), 400) << length;
    const request_text none = plain.with("Content-Length", "0");
    EXPECT_EQ(status_of(none.and_also("Content-Length", "0")), 400);
    EXPECT_EQ(status_of(none.and_also("Content-Length", "5")), 400);
    EXPECT_EQ(status_of(none.with("Transfer-Encoding", "chunked")), 400);
}

TEST(AnswerUpgradeGuards, TransferEncoding)
{
    EXPECT_EQ(status_of(plain.with("Transfer-Encoding", "chunked")), 400);
    EXPECT_EQ(status_of(plain.with("Transfer-Encoding", "gzip")), 400);
    EXPECT_EQ(status_of(plain.with("Transfer-Encoding", "gzip").with("Content-Length", "5")), 400);
}

TEST(AnswerUpgradeGuards, ExactlyOneHost)
{
    EXPECT_EQ(status_of(plain.without("Host")), 400);
    EXPECT_EQ(status_of(plain.and_also("host", "example.com")), 400);
    for (const char* host :
         {"", "a b", "a, b", "user@host", "host/path", "host:x", "host:65536", "[::1", "a:1:2"})
        EXPECT_EQ(status_of(plain.with("Host", host)), 400) << host;
    for (const char* host : {"host", "host:", "host:1", "[::1]:80", "my_host", "127.0.0.1:8080"})
        EXPECT_EQ(status_of(plain.with("Host", host)), 101) << host;
}

TEST(AnswerUpgradeGuards, FoldedLine)
{
    for (const char* fold : {"\r\n ", "\r\n\t"})
        EXPECT_EQ(status_of(plain.with("X-Folded", "a" + std::string{fold} + "b")), 400);
}

TEST(AnswerUpgradeGuards, OtherVersions)
{
    for (const char* version : {"HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", ""})
        EXPECT_EQ(status_of(plain.asking("GET /ws " + std::string{version})), 400) << version;
}

TEST(AnswerUpgradeGuards, MethodWithBody)
{
    EXPECT_EQ(status_of(plain.asking("POST /ws HTTP/1.1").with("Content-Length", "5")), 400);
}

TEST(AnswerUpgradeGuards, RepeatedWebSocketFields)
{
    for (const auto& [name, value] :
         fields{{"Sec-WebSocket-Key", sample_key}, {"sec-websocket-version", "13"}})
        EXPECT_EQ(status_of(plain.and_also(name, value)), 400) << name;
    const std::string unknown = "Sec-WebSocket-Else";
    EXPECT_EQ(status_of(plain.and_also(unknown, "a").and_also(unknown, "a")), 400);
}

TEST(AnswerUpgradeGuards, TooManyFields)
{
    request_text many = plain;
    while (many.headers.size() < http_fields_max)
        many.headers.emplace_back("X", "y");
    EXPECT_EQ(status_of(many), 101);
    EXPECT_EQ(status_of(many.and_also("X", "y")), 400);
}

TEST(AnswerUpgradeGuards, RefusesWhatIsNotAHead)
{
    const std::string good = plain.str();
    std::string bare_lf = good;
    std::erase(bare_lf, '\r');
    std::vector<std::string> bad{
        "",
        "\r\n\r\n",
        "GET /ws HTTP/1.1\r\n",
        "\x16\x03\x01\r\n\r\n",
        bare_lf,
        good + "behind",
        good.substr(0, good.size() - 1),
        plain.with("X", std::string("a\0b", 3)).str(),
        plain.with("X", "a\nb: c").str(),
        plain.with("X", "a\rb").str(),
        plain.with("X ", "blank before the colon").str(),
        plain.with("", "no name").str(),
        plain.with("X\r\nY", "no colon").str(),
        plain.with("X", "\x01").str()};
    for (const std::string& head : bad) {
        const upgrade_answer answer = answer_upgrade(head, {});
        EXPECT_EQ(answer.status, 400) << testing::PrintToString(head);
        EXPECT_FALSE(answer.request);
        EXPECT_FALSE(answer.reason.empty());
    }
}

TEST(AnswerUpgradeGuards, N4_TakesAHeadOf32KiBOrWhatIsConfiguredAndNoByteMore)
{
    for (const std::size_t most : {http_head_bytes_max, std::size_t{1024}}) {
        const std::size_t without = plain.with("X-Long", "").str().size();
        const std::string fits(most - without, 'x');
        const upgrade_policy policy{.head_bytes_max = most};
        EXPECT_EQ(plain.with("X-Long", fits).str().size(), most);
        EXPECT_EQ(status_of(plain.with("X-Long", fits), policy), 101);
        EXPECT_EQ(status_of(plain.with("X-Long", fits + "x"), policy), 400);
    }
    EXPECT_EQ(http_head_bytes_max, 32u * 1024u);
}

} // namespace
} // namespace websocket::test
