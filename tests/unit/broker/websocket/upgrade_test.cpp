// Proves what a server answers to an upgrade's head: what is accepted and how, what is refused with
// which status, and each fault of Beast 1.81 that is guarded against (design.md, section 11).

#include "tests/unit/broker/websocket/request_text.hpp"

#include <gtest/gtest.h>

namespace websocket::test {
namespace {

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
    for (const char* path : {"/", "/wss", "/ws//", "//ws", "/WS", "/other?/ws", "/ws#a", "/w%73"})
        EXPECT_EQ(status_of(plain.asking("GET " + std::string{path} + " HTTP/1.1")), 404) << path;
    EXPECT_EQ(status_of(plain.asking("GET /stomp HTTP/1.1"), {.paths = {"/stomp"}}), 101);
}

TEST(AnswerUpgrade, N4_OneSlashAtTheEndOfThePathIsNoOtherPath)
{
    for (const char* path : {"/ws", "/ws/", "/ws/?a", "/ws?a"})
        for (const char* configured : {"/ws", "/ws/"})
            EXPECT_EQ(
                status_of(
                    plain.asking("GET " + std::string{path} + " HTTP/1.1"), {.paths = {configured}}),
                101)
                << path << " for " << configured;
    EXPECT_EQ(status_of(plain.asking("GET / HTTP/1.1"), {.paths = {"/"}}), 101);
    EXPECT_EQ(status_of(plain.asking("GET // HTTP/1.1"), {.paths = {"/"}}), 404);
}

TEST(AnswerUpgrade, N4_ThereMayBeSeveralPaths)
{
    const upgrade_policy policy{.paths = {"/ws", "/stomp/websocket"}};
    EXPECT_EQ(status_of(plain, policy), 101);
    EXPECT_EQ(status_of(plain.asking("GET /stomp/websocket HTTP/1.1"), policy), 101);
    EXPECT_EQ(status_of(plain.asking("GET /stomp HTTP/1.1"), policy), 404);
    EXPECT_EQ(status_of(plain, {.paths = {}}), 404);
}

TEST(AnswerUpgrade, N4_AnEmptyLineInFrontOfTheRequestIsSkipped)
{
    for (const char* lines : {"\r\n", "\r\n\r\n", "\r\n\r\n\r\n"}) {
        const std::string head = lines + plain.str();
        EXPECT_EQ(end_of_head(head), head.size());
        EXPECT_EQ(answer_upgrade(head, {}).status, 101);
    }
    for (const char* lines : {"\n", "\r", " \r\n", "\r\n\n", "\r\n \r\n"})
        EXPECT_EQ(answer_upgrade(lines + plain.str(), {}).status, 400);
    std::string many;
    for (std::size_t i = 0; i <= empty_lines_max + 1; ++i)
        many += "\r\n";
    EXPECT_EQ(end_of_head(many + plain.str()), many.size()); // no head: it is answered, not waited for
    EXPECT_EQ(answer_upgrade(many, {}).status, 400);
}

TEST(AnswerUpgrade, N4_AContentLengthOf0IsNoBody)
{
    EXPECT_EQ(status_of(plain.with("Content-Length", "0")), 101);
}

TEST(AnswerUpgrade, N4_ListsMayComeInSeveralLines)
{
    const upgrade_answer answer = answer_upgrade(
        plain.and_also("Sec-WebSocket-Protocol", "v10.stomp")
            .and_also("sec-websocket-protocol", "v12.stomp, mqtt")
            .and_also("Sec-WebSocket-Extensions", "permessage-deflate")
            .and_also("Sec-WebSocket-Extensions", "x-other; a=1")
            .str(),
        {});
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.request->subprotocol, stomp::version::v12);
}

TEST(AnswerUpgrade, N5_APlaceWithinTlsIsHttps)
{
    const request_text page = plain.with("Host", "app.example.com");
    const auto status = [](const request_text& request, hop from) {
        return answer_upgrade(request.str(), {.within_tls = true}, from).status;
    };
    EXPECT_EQ(status(page.with("Origin", "https://app.example.com"), hop::peer), 101);
    EXPECT_EQ(status(page.with("Origin", "http://app.example.com"), hop::peer), 403);
    // A proxy that is trusted knows better: it may encrypt what it got in the clear.
    const request_text behind =
        page.with("Origin", "http://app.example.com").with("X-Forwarded-Proto", "http");
    EXPECT_EQ(status(behind, hop::trusted_proxy), 101);
    EXPECT_EQ(status(behind, hop::peer), 403);
}

// What brokers are told in X-Forwarded fields: a client's own word counts for nothing there.
TEST(AnswerUpgrade, N14_ThePlaceIsAProxysWordAndNeverAClients)
{
    const request_text liar = plain.with("Host", "app.example.com:8080")
                                  .with("X-Forwarded-For", "203.0.113.9, 10.0.0.1")
                                  .with("X-Forwarded-Host", "www.example.com")
                                  .with("X-Forwarded-Proto", "https")
                                  .with("Origin", "http://app.example.com:8080");
    const upgrade_policy policy{.allowed_origins = {"*"}, .tells_place = true};
    const auto place = [&](const upgrade_policy& by, hop from) {
        return answer_upgrade(liar.str(), by, from).request.value().place;
    };
    const client_place own = place(policy, hop::peer);
    EXPECT_EQ(own.host, "app.example.com:8080");
    EXPECT_EQ(own.forwarded_for, "");
    EXPECT_EQ(own.origin, "http://app.example.com:8080");
    EXPECT_FALSE(own.https);
    const client_place told = place(policy, hop::trusted_proxy);
    EXPECT_EQ(told.host, "www.example.com");
    EXPECT_EQ(told.forwarded_for, "203.0.113.9, 10.0.0.1");
    EXPECT_TRUE(told.https);
    EXPECT_EQ(place({.allowed_origins = {"*"}}, hop::trusted_proxy).host, ""); // nobody asked
    upgrade_policy within = policy;
    within.within_tls = true;
    EXPECT_TRUE(place(within, hop::peer).https);
}

TEST(AnswerUpgrade, N5_ATrustedProxySaysWhatTheClientAskedFor)
{
    const request_text behind = plain.with("Host", "10.0.0.7:8080")
                                    .with("Origin", "https://app.example.com")
                                    .with("X-Forwarded-Host", "app.example.com")
                                    .with("X-Forwarded-Proto", "https");
    const auto status = [](const request_text& request, hop from) {
        return answer_upgrade(request.str(), {}, from).status;
    };
    EXPECT_EQ(status(behind, hop::trusted_proxy), 101);
    EXPECT_EQ(status(behind, hop::peer), 403); // whoever can be reached could say so
    EXPECT_EQ(status(behind.with("X-Forwarded-Host", "evil.com"), hop::trusted_proxy), 403);
    EXPECT_EQ(status(behind.with("X-Forwarded-Proto", "http"), hop::trusted_proxy), 403);
    EXPECT_EQ(status(behind.with("X-Forwarded-Proto", "wss"), hop::trusted_proxy), 101);
    EXPECT_EQ(status(behind.with("X-Forwarded-Proto", "gopher"), hop::trusted_proxy), 403);
    EXPECT_EQ(
        status(behind.with("X-Forwarded-Host", "app.example.com:443, inner"), hop::trusted_proxy),
        101);
    EXPECT_EQ(status(behind.with("X-Forwarded-Host", "a b"), hop::trusted_proxy), 403);
    EXPECT_EQ(status(behind.without("X-Forwarded-Host"), hop::trusted_proxy), 403);
    EXPECT_EQ(
        status(behind.with("X-Forwarded-Host", "app.example.com:8443"), hop::trusted_proxy), 403);
    EXPECT_EQ(
        status(
            behind.with("X-Forwarded-Host", "app.example.com:8443")
                .with("Origin", "https://app.example.com:8443"),
            hop::trusted_proxy),
        101);
}

TEST(AnswerUpgrade, TakesAnAbsoluteTargetOfItsOwnHost)
{
    const upgrade_answer answer =
        answer_upgrade(plain.asking("GET http://Example.com/ws?a HTTP/1.1").str(), {});
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.request->target, "/ws?a");
    EXPECT_EQ(status_of(plain.asking("GET https://example.com:443/ws HTTP/1.1")), 101);
    EXPECT_EQ(status_of(plain.asking("GET https://example.com:444/ws HTTP/1.1")), 400);
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

// The extension is not answered, so it is not in use.
TEST(AnswerUpgrade, IgnoresExtensionsOnOffer)
{
    const upgrade_answer answer =
        answer_upgrade(plain.with("Sec-WebSocket-Extensions", "permessage-deflate").str(), {});
    EXPECT_EQ(answer.status, 101);
    EXPECT_EQ(answer.response.find("Extensions"), std::string::npos);
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

TEST(EndOfHead, IsFoundWhereverTheReadsAreCut)
{
    const std::string head = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < head.size(); ++cut) {
        EXPECT_EQ(end_of_head(std::string_view{head}.substr(0, cut)), std::nullopt) << cut;
        EXPECT_EQ(end_of_head(head + "behind", cut), head.size()) << cut;
    }
}

} // namespace
} // namespace websocket::test
