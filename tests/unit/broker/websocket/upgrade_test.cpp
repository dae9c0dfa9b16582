// Proves what a server answers to an upgrade's head: what is accepted and how, what is refused with
// which status, and each fault of Beast 1.81 that is guarded against (OPERATIONS.md, section 4).

#include "broker/websocket/upgrade.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace websocket {
namespace {

const std::string sample_key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, 1.3

using fields = std::vector<std::pair<std::string, std::string>>;

// A request that is accepted, to be made worse.
struct request_text {
    std::string line = "GET /ws HTTP/1.1";
    fields headers = {
        {"Host", "example.com"},         {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", sample_key},
        {"Sec-WebSocket-Version", "13"},
    };

    request_text with(const std::string& name, const std::string& value) const
    {
        request_text changed = *this;
        for (auto& header : changed.headers)
            if (header.first == name) {
                header.second = value;
                return changed;
            }
        return changed.and_also(name, value);
    }
    request_text and_also(const std::string& name, const std::string& value) const
    {
        request_text changed = *this;
        changed.headers.emplace_back(name, value);
        return changed;
    }
    request_text without(const std::string& name) const
    {
        request_text changed = *this;
        std::erase_if(changed.headers, [&](const auto& header) { return header.first == name; });
        return changed;
    }
    request_text asking(const std::string& request_line) const
    {
        request_text changed = *this;
        changed.line = request_line;
        return changed;
    }
    std::string str() const
    {
        std::string head = line + "\r\n";
        for (const auto& [name, value] : headers)
            head += name + ": " + value + "\r\n";
        return head + "\r\n";
    }
};

const request_text plain;

int status_of(const request_text& request, const upgrade_policy& policy = {})
{
    return answer_upgrade(request.str(), policy).status;
}

TEST(AnswerUpgrade, AcceptsTheExampleOfTheRfc)
{
    const upgrade_answer answer = answer_upgrade(plain.str(), {});
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(
        answer.response, "HTTP/1.1 101 Switching Protocols\r\n"
                         "Upgrade: websocket\r\n"
                         "Connection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                         "\r\n");
    ASSERT_TRUE(answer.request);
    EXPECT_EQ(answer.request->host, "example.com");
    EXPECT_EQ(answer.request->target, "/ws");
    EXPECT_EQ(answer.request->subprotocol, std::nullopt);
    EXPECT_TRUE(answer.reason.empty());
}

TEST(AnswerUpgrade, ReadsNamesAndTokensInAnyCase)
{
    const std::string head =
        "GET /ws HTTP/1.1\r\nhOST:example.com:8080\r\nUPGRADE: h2c, WebSocket\r\n"
        "connection: keep-alive , UPGRADE\r\nSEC-websocket-KEY:" +
        sample_key + "\r\nsec-WebSocket-version: 13 \r\n\r\n";
    EXPECT_EQ(answer_upgrade(head, {}).status, 101);
    EXPECT_EQ(
        status_of(plain.with("Connection", "keep-alive").and_also("Connection", "upgrade")), 101);
}

TEST(AnswerUpgrade, KeepsTheQueryAndComparesThePathWithoutIt)
{
    const upgrade_answer answer =
        answer_upgrade(plain.asking("GET /ws?token=a/b HTTP/1.1").str(), {});
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.request->target, "/ws?token=a/b");
    for (const char* path : {"/", "/wss", "/ws/", "/WS", "/other?/ws", "/ws#a", "/w%73"})
        EXPECT_EQ(status_of(plain.asking("GET " + std::string{path} + " HTTP/1.1")), 404) << path;
    EXPECT_EQ(status_of(plain.asking("GET /stomp HTTP/1.1"), {.path = "/stomp"}), 101);
}

TEST(AnswerUpgrade, TakesAnAbsoluteTargetOfItsOwnHost)
{
    const upgrade_answer answer =
        answer_upgrade(plain.asking("GET http://Example.com/ws?a HTTP/1.1").str(), {});
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.request->target, "/ws?a");
    for (const char* target :
         {"http://other.com/ws", "http://example.com", "ftp://example.com/ws", "ws", "*"})
        EXPECT_EQ(status_of(plain.asking("GET " + std::string{target} + " HTTP/1.1")), 400)
            << target;
}

TEST(AnswerUpgrade, RefusesOtherMethodsAndNamesTheRightOne)
{
    for (const char* method : {"POST", "PUT", "OPTIONS", "HEAD", "CONNECT", "get", "BREW"}) {
        const upgrade_answer answer =
            answer_upgrade(plain.asking(std::string{method} + " /ws HTTP/1.1").str(), {});
        EXPECT_EQ(answer.status, 405) << method;
        EXPECT_NE(answer.response.find("\r\nAllow: GET\r\n"), std::string::npos);
    }
}

TEST(AnswerUpgrade, AsksForAnUpgradeWhereThereIsNone)
{
    for (const request_text& request :
         {request_text{.headers = {{"Host", "example.com"}}}, plain.without("Upgrade"),
          plain.without("Connection"), plain.with("Upgrade", "h2c"),
          plain.with("Connection", "close")}) {
        const upgrade_answer answer = answer_upgrade(request.str(), {});
        EXPECT_EQ(answer.status, 426);
        EXPECT_NE(answer.response.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
        EXPECT_NE(answer.response.find("\r\nConnection: close, Upgrade\r\n"), std::string::npos);
    }
}

TEST(AnswerUpgrade, AsksForVersion13WhereItIsAnother)
{
    for (const request_text& request :
         {plain.without("Sec-WebSocket-Version"), plain.with("Sec-WebSocket-Version", "8"),
          plain.with("Sec-WebSocket-Version", "13, 8"), plain.with("Sec-WebSocket-Version", "")}) {
        const upgrade_answer answer = answer_upgrade(request.str(), {});
        EXPECT_EQ(answer.status, 426);
        EXPECT_NE(answer.response.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
    }
}

TEST(AnswerUpgrade, RefusesAKeyThatIsNot16Bytes)
{
    EXPECT_EQ(status_of(plain.without("Sec-WebSocket-Key")), 400);
    for (const char* key :
         {"", "abc", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQA=",
          "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25 ZQ==", "dGhlIHNhbXBsZSBub2-jZQ==",
          "dGhlIHNhbXBsZSBub25jZQ====", "========================"})
        EXPECT_EQ(status_of(plain.with("Sec-WebSocket-Key", key)), 400) << key;
}

TEST(AnswerUpgrade, EchoesTheHighestSubprotocolThatIsEnabled)
{
    const auto chosen = [](const std::string& offered, const upgrade_policy& policy) {
        const upgrade_answer answer =
            answer_upgrade(plain.with("Sec-WebSocket-Protocol", offered).str(), policy);
        const std::string name = "\r\nSec-WebSocket-Protocol: ";
        const std::size_t at = answer.response.find(name);
        if (at == std::string::npos)
            return std::to_string(answer.status);
        EXPECT_TRUE(answer.request && answer.request->subprotocol);
        return answer.response.substr(
            at + name.size(), answer.response.find('\r', at + 2) - at - name.size());
    };
    EXPECT_EQ(chosen("v10.stomp, v11.stomp, v12.stomp", {}), "v12.stomp");
    EXPECT_EQ(chosen("v12.stomp,v10.stomp", {.stomp_v12 = false}), "v10.stomp");
    EXPECT_EQ(chosen("mqtt, v11.stomp", {}), "v11.stomp");
    EXPECT_EQ(chosen("v12.stomp", {.stomp_v12 = false}), "400");
    EXPECT_EQ(chosen("mqtt", {}), "400");
    EXPECT_EQ(chosen("V12.STOMP", {}), "400"); // names are compared with their case
    EXPECT_EQ(chosen("", {}), "101");
}

TEST(AnswerUpgrade, KeepsTheHeadersToForward)
{
    const upgrade_policy policy{
        .forward_headers = {"authorization", "Cookie", "X-None", "Connection"}};
    const request_text request = plain.and_also("Cookie", "a=1")
                                     .and_also("Authorization", "Bearer x")
                                     .and_also("Secret", "no")
                                     .and_also("cookie", "b=2");
    const upgrade_answer answer = answer_upgrade(request.str(), policy);
    ASSERT_TRUE(answer.request);
    EXPECT_EQ(
        answer.request->forwarded,
        (fields{{"Authorization", "Bearer x"}, {"Cookie", "a=1"}, {"cookie", "b=2"}}));
}

TEST(AnswerUpgrade, RefusesAnOriginThatIsNotAllowed)
{
    EXPECT_EQ(status_of(plain.with("Origin", "https://example.com")), 101);
    const upgrade_answer answer =
        answer_upgrade(plain.with("Origin", "https://evil.com").str(), {});
    EXPECT_EQ(answer.status, 403);
    EXPECT_NE(answer.reason.find("https://evil.com"), std::string::npos); // for the log
    EXPECT_EQ(answer.response.find("evil"), std::string::npos);           // not said back
    EXPECT_EQ(
        status_of(
            plain.and_also("Origin", "https://example.com").and_also("Origin", "https://evil.com")),
        400);
}

// Faults of Beast 1.81, OPERATIONS.md section 4, item 4.

TEST(AnswerUpgradeGuards, Body)
{
    for (const char* length : {"0", "5", "x", "-1", "5, 5"})
        EXPECT_EQ(status_of(plain.with("Content-Length", length)), 400) << length;
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
    for (const char* name : {"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"})
        EXPECT_EQ(status_of(plain.and_also(name, "v12.stomp").and_also(name, "v12.stomp")), 400)
            << name;
}

// The extension is not answered, so it is not in use.
TEST(AnswerUpgrade, IgnoresExtensionsOnOffer)
{
    const upgrade_answer answer =
        answer_upgrade(plain.with("Sec-WebSocket-Extensions", "permessage-deflate").str(), {});
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(answer.response.find("Extensions"), std::string::npos);
}

TEST(AnswerUpgrade, RefusesWhatIsNotAHead)
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
        "\r\n" + good,
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

TEST(AnswerUpgrade, TakesAHeadOf8KiBAndNoByteMore)
{
    const std::size_t without = plain.with("X-Long", "").str().size();
    const std::string fits(http_head_bytes_max - without, 'x');
    EXPECT_EQ(plain.with("X-Long", fits).str().size(), http_head_bytes_max);
    EXPECT_EQ(status_of(plain.with("X-Long", fits)), 101);
    EXPECT_EQ(status_of(plain.with("X-Long", fits + "x")), 400);
}

TEST(AnswerUpgrade, RefusesWithAShortTextAndClose)
{
    const upgrade_answer answer = answer_upgrade(plain.asking("GET /other HTTP/1.1").str(), {});
    EXPECT_EQ(
        answer.response,
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        "Content-Length: 30\r\n\r\nthere is nothing at this path\n");
    EXPECT_EQ(answer.reason, "there is nothing at this path");
}

TEST(ServiceUnavailable, SaysWhenToTryAgain)
{
    EXPECT_EQ(
        service_unavailable(std::chrono::seconds{7}, "draining"),
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        "Content-Length: 9\r\nRetry-After: 7\r\n\r\ndraining\n");
}

TEST(EndOfHead, IsBehindTheFirstBlankLine)
{
    EXPECT_EQ(end_of_head("GET / HTTP/1.1\r\n\r\nab\r\n\r\n"), 18u);
    EXPECT_EQ(end_of_head("GET / HTTP/1.1\r\nHost: a\r\n\r"), std::nullopt);
    EXPECT_EQ(end_of_head(""), std::nullopt);
}

} // namespace
} // namespace websocket
