// Proves the driver on real sockets: STOMP over TCP cut in any way, over WebSocket, /status,
// orderly ends, heart-beats, and a consumer that does not read.

#include "broker/net/outbox.hpp"
#include "broker/websocket/codec.hpp"
#include "server_fixture.hpp"

namespace embedded::testing {
namespace {

class StompServer : public ServerFixture {
protected:
    static std::string message(websocket::opcode op, std::string_view payload)
    {
        net::outbox out;
        websocket::append_message(out, websocket::role::client, op, payload);
        return out.text();
    }
    std::unique_ptr<peer> upgraded(std::string_view behind = {})
    {
        auto p = std::make_unique<peer>(websocket_port);
        p->say(
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n" +
            std::string{behind});
        const std::string head = p->until("\r\n\r\n");
        EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
        EXPECT_NE(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
        return p;
    }
    // One unfragmented, unmasked message: its first byte and its payload.
    static std::pair<unsigned char, std::string> receive(peer& p)
    {
        const std::string head = p.exactly(2);
        if (head.size() < 2) {
            return {};
        }
        std::size_t size = static_cast<unsigned char>(head[1]);
        if (size == 126) {
            const std::string longer = p.exactly(2);
            size = static_cast<std::size_t>(static_cast<unsigned char>(longer[0])) << 8 |
                   static_cast<unsigned char>(longer[1]);
        }
        return {static_cast<unsigned char>(head[0]), p.exactly(size)};
    }
};

constexpr std::string_view connect_frame = "CONNECT\naccept-version:1.2\n\n\0"sv;
constexpr std::string_view subscribe_frame =
    "SUBSCRIBE\nid:1\ndestination:/topic/a\nreceipt:s\n\n\0"sv;

TEST_F(StompServer, SpeaksStompOverTcpByteByByte)
{
    peer p{stomp_port};
    const std::string all =
        std::string{connect_frame} + "\r\n\n" + std::string{subscribe_frame} +
        std::string{"SEND\ndestination:/topic/a\ncontent-length:3\nreceipt:r\n\nx\0y\0"sv};
    for (const char c : all) {
        p.say({&c, 1});
    }
    EXPECT_TRUE(p.frame().starts_with("CONNECTED\n"));
    EXPECT_EQ(p.frame(), "RECEIPT\nreceipt-id:s\n\n\0"sv);
    const std::string_view expected =
        "MESSAGE\nsubscription:1\nmessage-id:n-1-1\ndestination:/topic/a\n"
        "content-length:3\n\nx\0y\0"sv;
    EXPECT_EQ(p.exactly(expected.size()), expected);
    EXPECT_EQ(p.frame(), "RECEIPT\nreceipt-id:r\n\n\0"sv);
}

TEST_F(StompServer, AnswersDisconnectThenEnds)
{
    auto p = connected();
    p->say("DISCONNECT\nreceipt:bye\n\n\0"sv);
    EXPECT_EQ(p->rest(), "RECEIPT\nreceipt-id:bye\n\n\0"sv);
}

TEST_F(StompServer, AnswersMalformedBytesWithErrorThenEnds)
{
    auto p = connected();
    p->say("NONSENSE\n\n\0"sv);
    const std::string all = p->rest();
    EXPECT_TRUE(all.starts_with("ERROR\nmessage:unknown command\n")) << all;
}

TEST_F(StompServer, PutsBackWhatAFinishedConsumerHad)
{
    auto a = connected();
    a->say("SUBSCRIBE\nid:1\ndestination:/queue/q\nack:client\n\n\0"sv);
    a->say("SEND\ndestination:/queue/q\n\nx\0"sv);
    EXPECT_TRUE(a->frame().starts_with("MESSAGE\n"));
    a->finish();
    EXPECT_EQ(a->rest(), "");
    auto b = connected();
    b->say("SUBSCRIBE\nid:1\ndestination:/queue/q\n\n\0"sv);
    EXPECT_NE(b->frame().find("\nredelivered:true\n"), std::string::npos);
}

TEST_F(StompServer, CarriesFramesLargerThanAnyBuffer)
{
    auto p = connected();
    p->say(subscribe_frame);
    p->frame();
    const std::string body(1'000'000, 'x');
    p->say("SEND\ndestination:/topic/a\n\n" + body + std::string{"\0"sv});
    EXPECT_EQ(
        p->frame(), "MESSAGE\nsubscription:1\nmessage-id:n-1-1\ndestination:/topic/a\n\n" + body +
                        std::string{"\0"sv});
}

TEST_F(StompServer, RefusesAFrameBeyondTheLimit)
{
    peer p{stomp_port};
    p.say("CONNECT\naccept-version:1.2\nx:" + std::string(5000, 'x'));
    p.say(std::string(70 * 1024, 'x'));
    EXPECT_TRUE(p.frame().starts_with("ERROR\nmessage:malformed frame\n"));
}

TEST_F(StompServer, SpeaksStompOverWebSocket)
{
    // The first message may come in one packet with the request.
    auto p = upgraded(message(websocket::opcode::text, connect_frame));
    auto [first, connected_frame] = receive(*p);
    EXPECT_EQ(first, 0x81);
    EXPECT_TRUE(connected_frame.starts_with("CONNECTED\n")) << connected_frame;
    // One frame over two messages, then two frames in one message.
    p->say(message(websocket::opcode::text, subscribe_frame.substr(0, 20)));
    p->say(message(websocket::opcode::text, subscribe_frame.substr(20)));
    EXPECT_EQ(receive(*p).second, "RECEIPT\nreceipt-id:s\n\n\0"sv);
    p->say(message(
        websocket::opcode::binary,
        "SEND\ndestination:/topic/a\n\nplain\0\nSEND\ndestination:/topic/a\n\n\xff\0"sv));
    const auto text = receive(*p);
    EXPECT_EQ(text.first, 0x81);
    EXPECT_EQ(
        text.second,
        "MESSAGE\nsubscription:1\nmessage-id:n-1-1\ndestination:/topic/a\n\nplain\0"sv);
    EXPECT_EQ(receive(*p).first, 0x82) << "not UTF-8: binary";
    p->say("\x89\x81\0\0\0\0x"sv);
    EXPECT_EQ(p->exactly(3), "\x8a\x01x");
    p->say("\x88\x82\0\0\0\0\x03\xe8"sv);
    EXPECT_EQ(p->rest(), "\x88\x02\x03\xe8");
    EXPECT_EQ(ask([](broker_core& core) { return core.stats().clients.subscriptions; }), 0u);
}

TEST_F(StompServer, ClosesAWebSocketAfterError)
{
    auto p = upgraded(message(websocket::opcode::text, "SEND\ndestination:/topic/a\n\n\0"sv));
    EXPECT_TRUE(receive(*p).second.starts_with("ERROR\nmessage:not connected\n"));
    EXPECT_EQ(p->rest(), "\x88\x02\x03\xe8");
}

TEST_F(StompServer, RefusesWhatIsNoUpgradeAndBadFrames)
{
    peer p{websocket_port};
    p.say("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(p.rest().starts_with("HTTP/1.1 4"));
    peer endless{websocket_port};
    endless.say("GET /ws HTTP/1.1\r\nHost: h\r\nX: " + std::string(33'000, 'x'));
    EXPECT_TRUE(endless.rest().starts_with("HTTP/1.1 4"));
    auto bad = upgraded();
    bad->say("\x81\x01x"); // not masked
    EXPECT_EQ(bad->rest(), "\x88\x02\x03\xea");
}

TEST_F(StompServer, AnswersStatus)
{
    auto p = connected();
    p->say(subscribe_frame);
    p->frame();
    peer s{status_port};
    s.say("GET /status HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string all = s.rest();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n")) << all;
    EXPECT_NE(
        all.find("{\"name\":\"teal-broker\",\"connections\":1,\"subscriptions\":1,"),
        std::string::npos)
        << all;
    EXPECT_NE(all.find("\"first_arrival_ns\":null"), std::string::npos);
}

TEST_F(StompServer, StampsArrivalsWithTheMachinesClock)
{
    auto p = connected();
    const auto nanoseconds = [] { return net::clock::now().time_since_epoch().count(); };
    const auto before = nanoseconds();
    p->say("SEND\ndestination:/topic/a\nreceipt:r\n\nx\0"sv);
    p->frame();
    const auto after = nanoseconds();
    const auto arrival =
        ask([](broker_core& core) { return core.stats().arrivals.first_ns(std::nullopt); });
    ASSERT_TRUE(arrival);
    EXPECT_GE(*arrival, before);
    EXPECT_LE(*arrival, after);
}

TEST_F(StompServer, SendsHeartBeatsAndMissesThem)
{
    peer p{stomp_port};
    p.say("CONNECT\naccept-version:1.2\nheart-beat:100,100\n\n\0"sv);
    p.frame();
    EXPECT_EQ(p.exactly(1), "\n");
    const std::string all = p.rest(); // this side is silent: closed after two intervals
    EXPECT_EQ(all.find_first_not_of('\n'), std::string::npos);
}

TEST_F(StompServer, KeepsWhatASlowConsumerDoesNotReadAndLosesNothing)
{
    auto slow = connected();
    slow->say(subscribe_frame);
    slow->frame();
    auto p = connected();
    const std::string body(64 * 1024, 'x');
    constexpr int count = 200; // 12.5 MiB: more than sockets and outbox hold
    for (int i = 0; i < count; ++i) {
        p->say(
            "SEND\ndestination:/topic/a\nnumber:" + std::to_string(i) + "\n\n" + body +
            std::string{"\0"sv});
    }
    p->say("SEND\ndestination:/topic/none\nreceipt:r\n\n\0"sv);
    EXPECT_EQ(p->frame(), "RECEIPT\nreceipt-id:r\n\n\0"sv);
    EXPECT_GT(ask([](broker_core& core) { return core.stats().memory_bytes; }), 1u << 20);
    for (int i = 0; i < count; ++i) {
        const std::string frame = slow->frame();
        ASSERT_NE(frame.find("\nnumber:" + std::to_string(i) + "\n"), std::string::npos) << i;
        ASSERT_GT(frame.size(), body.size());
    }
    EXPECT_EQ(ask([](broker_core& core) { return core.stats().memory_bytes; }), 0u);
}

TEST_F(StompServer, A1_TheStatusPortServesANewOneBesideManyThatAskNothing)
{
    std::vector<std::unique_ptr<peer>> idle;
    for (std::size_t i = 0; i < 2 * status_connections_max; ++i) {
        idle.push_back(std::make_unique<peer>(status_port));
        idle.back()->say("GET /sta");
    }
    peer p{status_port};
    p.say("GET /status HTTP/1.1\r\n\r\nGET /status HTTP/1.1\r\n\r\n"); // one answer, the end
    const auto answer = p.rest();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(answer.find("HTTP/1.1", 8), std::string::npos);
    EXPECT_LE(connections(), status_connections_max);
    peer head{status_port};
    head.say("HEAD /status HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(head.rest().ends_with("\r\n\r\n"));
    peer large{status_port};
    large.say("GET /status HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
    EXPECT_TRUE(large.rest().starts_with("HTTP/1.1 400"));
}

} // namespace
} // namespace embedded::testing
