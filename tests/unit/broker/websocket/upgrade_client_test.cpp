// Proves the client's side of an upgrade: the request's bytes, and that only a 101 that belongs to
// it is taken.

#include "broker/websocket/handshake_key.hpp"
#include "broker/websocket/upgrade.hpp"

#include <gtest/gtest.h>

#include <set>

namespace websocket {
namespace {

const std::vector<stomp::version> all_versions{
    stomp::version::v12, stomp::version::v11, stomp::version::v10};

const upgrade_dial dial{
    .host = "broker:15674",
    .target = "/ws",
    .subprotocols = all_versions,
    .headers = {{"Authorization", "Bearer x"}, {"Cookie", "a=1; b=2"}},
};

TEST(StartUpgrade, WritesTheWholeRequest)
{
    const pending_upgrade pending = start_upgrade(dial);
    EXPECT_EQ(
        pending.request,
        "GET /ws HTTP/1.1\r\nHost: broker:15674\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
            pending.key +
            "\r\nSec-WebSocket-Protocol: v12.stomp, v11.stomp, v10.stomp\r\n"
            "Authorization: Bearer x\r\nCookie: a=1; b=2\r\n\r\n");
}

TEST(StartUpgrade, HasAnotherKeyEachTime)
{
    std::set<std::string> keys;
    for (int i = 0; i < 100; ++i) {
        const pending_upgrade pending = start_upgrade(dial);
        EXPECT_TRUE(is_handshake_key(pending.key));
        keys.insert(pending.key);
    }
    EXPECT_EQ(keys.size(), 100u);
}

TEST(StartUpgrade, RefusesWhatWouldBeALineMore)
{
    for (const std::string& bad :
         {std::string{"a\r\nb"}, std::string{"a\rb"}, std::string{"a\nb"},
          std::string("a\0b", 3)}) {
        EXPECT_DEATH(start_upgrade({.host = bad, .target = "/ws"}), "Host with blanks");
        EXPECT_DEATH(
            start_upgrade({.host = "broker", .target = "/" + bad}), "target that is no path");
        EXPECT_DEATH(
            start_upgrade({.host = "broker", .target = "/ws", .headers = {{"X", bad}}}),
            "may not be forwarded");
        EXPECT_DEATH(
            start_upgrade({.host = "broker", .target = "/ws", .headers = {{bad, "x"}}}),
            "may not be forwarded");
    }
    EXPECT_DEATH(start_upgrade({.host = "", .target = "/ws"}), "Host with blanks");
    EXPECT_DEATH(start_upgrade({.host = "broker", .target = "ws"}), "target that is no path");
}

TEST(MayBeForwarded, IsNotTheHandshakesOwn)
{
    for (const char* name :
         {"Cookie", "authorization", "X-Forwarded-For", "Origin", "Sec-Fetch-Mode"})
        EXPECT_TRUE(may_be_forwarded(name, "value\twith tab and \xC3\xBC")) << name;
    for (const char* name :
         {"Host", "HOST", "upgrade", "Connection", "Content-Length", "transfer-encoding", "TE",
          "Sec-WebSocket-Key", "sec-websocket-anything", "", "a b", "a:", "a\r\n", "\xC3\xBC"})
        EXPECT_FALSE(may_be_forwarded(name, "value")) << name;
    for (const std::string& value :
         {std::string{"\r\n"}, std::string{"\n"}, std::string(1, '\0'), std::string{"\x7F"}})
        EXPECT_FALSE(may_be_forwarded("Cookie", value));
}

const pending_upgrade pending{.request = {}, .key = "dGhlIHNhbXBsZSBub25jZQ=="};
const std::string status_line = "HTTP/1.1 101 Switching Protocols\r\n";
const std::string upgrade_fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const std::string accept_field = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string good = status_line + upgrade_fields + accept_field;

auto check(const std::string& head_without_end)
{
    return check_upgrade(head_without_end + "\r\n", pending, all_versions);
}

// "1.2" and the like, "none" for a connection without a subprotocol, or why it was refused.
std::string outcome(const std::string& head_without_end)
{
    const auto checked = check(head_without_end);
    if (checked.has_error())
        return checked.error();
    return *checked ? std::string{stomp::to_string(**checked)} : "none";
}

TEST(CheckUpgrade, TakesWhatAServerOfOursAnswers)
{
    const pending_upgrade asked = start_upgrade(dial);
    const upgrade_answer answer = answer_upgrade(asked.request, {.forward_headers = {"cookie"}});
    ASSERT_EQ(answer.status, 101);
    EXPECT_EQ(answer.request->forwarded.size(), 1u);
    const auto checked = check_upgrade(answer.response, asked, all_versions);
    ASSERT_TRUE(checked.has_value()) << checked.error();
    EXPECT_EQ(*checked, stomp::version::v12);
}

TEST(CheckUpgrade, TakesAnOfferedSubprotocolOrNone)
{
    EXPECT_EQ(outcome(good), "none");
    EXPECT_EQ(outcome(good + "Sec-WebSocket-Protocol: v11.stomp\r\n"), "1.1");
    EXPECT_EQ(outcome(good + "Content-Length: 0\r\n"), "none");
    const std::string in_any_case = "upgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n";
    EXPECT_EQ(outcome(status_line + in_any_case + accept_field), "none");
}

TEST(CheckUpgrade, RefusesAnotherStatus)
{
    for (const char* status :
         {"200 OK", "100 Continue", "301 Moved Permanently", "401 Unauthorized", "503 No"}) {
        const auto checked =
            check("HTTP/1.1 " + std::string{status} + "\r\n" + upgrade_fields + accept_field);
        ASSERT_TRUE(checked.has_error());
        EXPECT_EQ(
            checked.error(), "the answer is " + std::string{status}.substr(0, 3) + ", not 101");
    }
}

// "401: why", or "none".
std::string refusal(const std::string& head)
{
    const auto refused = refusal_of(head);
    return refused ? std::to_string(refused->status) + ": " + refused->why : "none";
}

TEST(RefusalOf, SaysWhoAnsweredAndWhy)
{
    EXPECT_EQ(
        refusal("HTTP/1.1 401 \r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"),
        "401: the answer is 401: a login is needed at the handshake");
    EXPECT_EQ(
        refusal("HTTP/1.1 403 Forbidden\r\n\r\n"),
        "403: the answer is 403: the handshake is forbidden");
    EXPECT_EQ(refusal("HTTP/1.1 404\r\n\r\n"), "404: the answer is 404, not 101");
    EXPECT_EQ(refusal("HTTP/1.0 503 No\r\n"), "503: the answer is 503, not 101");
    EXPECT_EQ(refusal("HTTP/1.1 302 Found\r\n\r\n"), "302: the answer is 302, not 101");
}

TEST(RefusalOf, NamesALoginPageAndNoSecretOfItsAddress)
{
    const auto redirect = [](const std::string& to) {
        return refusal("HTTP/1.1 302 Found\r\nLocation: " + to + "\r\n\r\n");
    };
    const std::string to = "302: the answer is a redirect (302) to ";
    EXPECT_EQ(redirect("/login;jsessionid=AB12?continue"), to + "the login page /login");
    EXPECT_EQ(redirect("/a/b#c"), to + "/a/b");
    EXPECT_EQ(
        redirect("https://sso.example.com/x?state=secret"),
        to + "the login page https://sso.example.com/x");
    EXPECT_EQ(redirect("https://u:p@a.example.com/x@y"), to + "https://a.example.com/x@y");
    EXPECT_EQ(redirect("/" + std::string(5000, 'a')).size(), to.size() + 200);
}

TEST(RefusalOf, TakesNothingElseForAnAnswer)
{
    for (const char* head :
         {"", "HTTP/1.1", "HTTP/1.1 40", "HTTP/1.1 401", "HTTP/1.1 4x1 \r\n", "HTTP/2 200 OK\r\n",
          "ICY 200 OK\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
          "HTTP/1.1 4011\r\n\r\n"}) {
        EXPECT_EQ(refusal(head), "none") << head;
    }
    for (const char* bytes : {"", "H", "HTTP/1.", "HTTP/1.1 200"}) {
        EXPECT_TRUE(may_be_http(bytes)) << bytes;
    }
    for (const char* bytes : {"h", "HTTP/2", "CONNECTED", "\x15\x03", "\n"}) {
        EXPECT_FALSE(may_be_http(bytes)) << bytes;
    }
}

TEST(RefusalOf, ABalancersWordIsNotThatOfWhoIsBehindIt)
{
    for (const int status : {502, 503, 504}) {
        EXPECT_TRUE(says_not_ready(status)) << status;
    }
    for (const int status : {200, 302, 401, 403, 404, 429, 500, 501, 505}) {
        EXPECT_FALSE(says_not_ready(status)) << status;
    }
}

TEST(CheckUpgrade, RefusesAnAcceptOfAnotherKey)
{
    for (const char* accept :
         {"", "Sec-WebSocket-Accept: \r\n",
          "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
          "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n"})
        EXPECT_TRUE(check(status_line + upgrade_fields + accept).has_error()) << accept;
    EXPECT_TRUE(check(good + accept_field).has_error()); // twice
}

TEST(CheckUpgrade, RefusesAnAnswerThatIsNoUpgrade)
{
    EXPECT_TRUE(check(status_line + accept_field).has_error());
    EXPECT_TRUE(check(status_line + accept_field + "Upgrade: websocket\r\n").has_error());
    EXPECT_TRUE(check(status_line + accept_field + "Connection: Upgrade\r\n").has_error());
    EXPECT_TRUE(
        check(status_line + accept_field + "Upgrade: h2c\r\nConnection: Upgrade\r\n").has_error());
}

TEST(CheckUpgrade, RefusesASubprotocolThatWasNotOffered)
{
    EXPECT_TRUE(check(good + "Sec-WebSocket-Protocol: mqtt\r\n").has_error());
    EXPECT_TRUE(check(good + "Sec-WebSocket-Protocol: v12.stomp, v11.stomp\r\n").has_error());
    EXPECT_TRUE(check(good + "Sec-WebSocket-Protocol: \r\n").has_error());
    const std::vector<stomp::version> only_10{stomp::version::v10};
    const std::string v12 = good + "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n";
    EXPECT_TRUE(check_upgrade(v12, pending, only_10).has_error());
    EXPECT_TRUE(check_upgrade(v12, pending, {}).has_error());
}

TEST(CheckUpgrade, RefusesExtensionsAndBodies)
{
    EXPECT_TRUE(check(good + "Sec-WebSocket-Extensions: permessage-deflate\r\n").has_error());
    EXPECT_TRUE(check(good + "Content-Length: 5\r\n").has_error());
    EXPECT_TRUE(check(good + "Transfer-Encoding: chunked\r\n").has_error());
}

TEST(CheckUpgrade, RefusesWhatIsNotAHead)
{
    for (const std::string& head :
         {std::string{}, std::string{"HTTP/1.1 101"}, std::string{"SSH-2.0-server\r\n\r\n"},
          "HTTP/1.0 101 Switching Protocols\r\n" + upgrade_fields + accept_field + "\r\n",
          good + "X: a\r\n b\r\n\r\n", good + "\r\nframes"}) {
        const auto checked = check_upgrade(head, pending, all_versions);
        EXPECT_TRUE(checked.has_error()) << head;
    }
}

TEST(HandshakeKey, AcceptValueIsTheRfcs)
{
    EXPECT_EQ(
        accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455, 1.3
}

} // namespace
} // namespace websocket
