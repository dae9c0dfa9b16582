// Proves on real sockets that a connection with TLS is the connection that it was without: every byte in
// order, in the same quanta, under backpressure, paused, closed from either side.

#include "tests/io/broker/net/tls/tls_fixture.hpp"

#include <boost/system/errc.hpp>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace {

using namespace tls_test;
using net_test::numbered;
using net_test::raw_socket;

class TlsStream : public TlsLoop {};

TEST_F(TlsStream, BytesGoBothWaysAndLargeOnesArriveInOrder)
{
    connect();
    const std::string large = numbered(3'000'000);
    to_server->send(large);
    to_client->send("answer");
    run_until([&] {
        return to_client->received.size() == large.size() && to_server->received == "answer";
    });
    EXPECT_EQ(to_client->received, large);
    EXPECT_LE(to_client->largest_read, net::connection::read_quantum_max);
    EXPECT_TRUE(to_server->out().empty());
}

TEST_F(TlsStream, N23_WhatOpensslHoldsIsReadAlthoughTheSocketIsQuiet)
{
    connect();
    to_client->set_read_quantum(100); // a record of 16 KiB stays in OpenSSL for many turns
    const std::string record = numbered(16'000);
    to_server->send(record);
    run_until([&] { return to_client->received.size() == record.size(); });
    EXPECT_EQ(to_client->received, record);
    EXPECT_EQ(to_client->largest_read, 100U);
    run_ready(); // and it does not spin
}

TEST_F(TlsStream, N23_APauseKeepsWhatOpensslHolds)
{
    connect();
    to_client->set_read_quantum(100);
    to_client->when_bytes = [](recorder& self, std::string_view) { self.pause_reading(); };
    to_server->send(numbered(1000));
    run_until([&] { return to_client->received.size() == 100; });
    run_ready();
    EXPECT_EQ(to_client->received.size(), 100U);
    to_client->when_bytes = [](recorder&, std::string_view) {};
    to_client->resume_reading();
    run_until([&] { return to_client->received.size() == 1000; });
    EXPECT_EQ(to_client->received, numbered(1000));
}

TEST_F(TlsStream, B3_N23_AnOutboxIsEmptyOnlyOnceTheKernelHasAllOfIt)
{
    connect();
    to_client->pause_reading();
    to_server->send(numbered(16'000'000)); // more than the kernel takes
    run_until([&] { return !to_server->flowing(); });
    run_ready();
    EXPECT_FALSE(to_server->out().empty());
    EXPECT_GE(to_server->layer_held(), tls::stream::buffer_bytes); // a part of a record
    to_client->resume_reading();
    run_until([&] { return to_client->received.size() == 16'000'000; });
    EXPECT_EQ(to_client->received, numbered(16'000'000));
    EXPECT_TRUE(to_server->out().empty());
    EXPECT_EQ(to_server->layer_held(), 0U);
}

TEST_F(TlsStream, WhatWasReadBeforeTheLayerBelongsToIt)
{
    auto [ours, theirs] = net_test::tcp_pair();
    to_client = std::make_unique<recorder>(loop, std::move(ours));
    to_client->set_read_quantum(64); // a part of the ClientHello
    to_client->when_bytes = [this](recorder& self, std::string_view bytes) {
        if (self.wrapped()) {
            return;
        }
        self.received.clear();
        self.set_read_quantum(net::connection::read_quantum_max);
        self.wrap(accepting(), bytes);
    };
    to_server =
        std::make_unique<recorder>(loop, std::move(theirs), net::connection::origin::connecting);
    to_server->wrap(connecting());
    to_server->when_connected = [](recorder& self) { self.send("hello"); };
    run_until([&] { return to_client->received == "hello"; });
    EXPECT_EQ(to_client->connected, 1);
}

TEST_F(TlsStream, N23_ASocketThatIsGivenAwayTakesAlongWhatOpensslHolds)
{
    connect();
    to_client->set_read_quantum(100);
    std::unique_ptr<recorder> next;
    to_client->when_bytes = [&](recorder& self, std::string_view) {
        next = std::make_unique<recorder>(loop, self.release());
    };
    to_server->send(numbered(1000));
    to_server->close_after_flush(); // and the end, which may be read with the last of them
    run_until([&] { return next != nullptr && next->closed == 1; });
    EXPECT_EQ(to_client->received + next->received, numbered(1000));
    EXPECT_EQ(to_client->received.size(), 100U);
    EXPECT_EQ(to_client->closed, 0);
    EXPECT_EQ(next->layer_failure(), "");
}

TEST_F(TlsStream, ClosingAfterFlushSaysSoAndTheOtherSideSeesAnOrderlyEnd)
{
    connect();
    to_server->send("last");
    to_server->close_after_flush();
    run_until([&] { return to_server->closed == 1 && to_client->closed == 1; });
    EXPECT_EQ(to_client->received, "last");
    EXPECT_EQ(to_client->layer_failure(), "");
    EXPECT_FALSE(*to_server->reason);
    EXPECT_FALSE(*to_client->reason);
}

TEST_F(TlsStream, N24_AnEndWithoutCloseNotifyIsToldApart)
{
    connect();
    to_client->closes_on_fin = false;
    to_client->send("read my ticket"); // an unread one would make the end a reset
    run_until([&] { return !to_server->received.empty(); });
    to_server->close_now();
    run_until([&] { return to_client->fins == 1; });
    EXPECT_EQ(
        to_client->layer_failure(), "TLS was cut off: the connection ended without a close_notify");
}

TEST_F(TlsStream, UntilTheHandshakeIsDoneClosingIsAtOnce)
{
    auto [ours, theirs] = net_test::tcp_pair();
    to_client = std::make_unique<recorder>(loop, std::move(ours));
    to_client->wrap(accepting());
    EXPECT_EQ(to_client->layer_held(), tls::stream::handshake_bytes);
    to_client->close_after_flush();
    run_until([&] { return to_client->closed == 1; });
    EXPECT_EQ(theirs.read(), "");
}

TEST_F(TlsStream, WhatIsNoTlsIsNamed)
{
    auto [ours, theirs] = net_test::tcp_pair();
    to_client = std::make_unique<recorder>(loop, std::move(ours));
    to_client->wrap(accepting());
    theirs.write("CONNECT\naccept-version:1.2\n\n");
    run_until([&] { return to_client->closed == 1; });
    EXPECT_EQ(to_client->layer_failure(), "TLS handshake: the client sent plain STOMP");
    EXPECT_EQ(*to_client->reason, boost::system::errc::protocol_error);
}

TEST_F(TlsStream, IdleConnectionsHoldNoBuffers)
{
    connect();
    to_server->send("x");
    run_until([&] { return to_client->received == "x"; });
    EXPECT_EQ(to_client->layer_held(), 0U);
    EXPECT_EQ(to_server->layer_held(), 0U);
}

// ---- peers that do what no connection of ours would: OpenSSL on a blocking socket

class raw_client {
public:
    raw_client(raw_socket from, const std::function<void(SSL_CTX*)>& set = {})
        : socket_(std::move(from)), ctx_(SSL_CTX_new(TLS_client_method()))
    {
        if (set) {
            set(ctx_);
        }
        ssl_ = SSL_new(ctx_);
        SSL_set_fd(ssl_, socket_.get());
        SSL_set_connect_state(ssl_);
    }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client()
    {
        SSL_free(ssl_);
        SSL_CTX_free(ctx_);
    }
    SSL* ssl() { return ssl_; }

private:
    raw_socket socket_;
    SSL_CTX* ctx_;
    SSL* ssl_;
};

class TlsPeer : public TlsLoop {
public:
    void meet(const std::function<void(SSL_CTX*)>& set = {})
    {
        auto [ours, theirs] = net_test::tcp_pair();
        to_client = std::make_unique<recorder>(loop, std::move(ours));
        to_client->wrap(accepting());
        peer = std::make_unique<raw_client>(std::move(theirs), set);
        run_until([&] {
            shook = SSL_do_handshake(peer->ssl());
            loop.request_turn();
            return (to_client->connected == 1 && shook == 1) || to_client->closed == 1;
        });
    }
    std::unique_ptr<raw_client> peer;
    int shook = 0;
};

TEST_F(TlsPeer, N25_KeyUpdatesAreCounted)
{
    meet();
    ASSERT_EQ(shook, 1);
    const auto update = [&] {
        SSL_key_update(peer->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
        return SSL_do_handshake(peer->ssl());
    };
    for (std::size_t i = 0; i < tls::stream::key_updates_max; ++i) {
        ASSERT_EQ(update(), 1);
    }
    ASSERT_EQ(SSL_write(peer->ssl(), "x", 1), 1);
    run_until([&] { return to_client->received == "x"; });
    update();
    run_until([&] { return to_client->closed == 1; });
    EXPECT_EQ(to_client->layer_failure(), "TLS: too many KeyUpdates");
}

TEST_F(TlsPeer, N25_AKeyUpdateThatWantsAnAnswerGetsItWithTheNextBytes)
{
    meet();
    SSL_key_update(peer->ssl(), SSL_KEY_UPDATE_REQUESTED);
    ASSERT_EQ(SSL_write(peer->ssl(), "x", 1), 1);
    run_until([&] { return to_client->received == "x"; });
    to_client->send("answer");
    char buffer[100];
    int count = 0;
    run_until([&] {
        count = SSL_read(peer->ssl(), buffer, sizeof(buffer));
        loop.request_turn();
        return count > 0;
    });
    EXPECT_EQ((std::string{buffer, static_cast<std::size_t>(count)}), "answer");
}

TEST_F(TlsPeer, N25_NobodyHandshakesTwiceOnOneConnection)
{
    meet([](SSL_CTX* ctx) { SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); });
    ASSERT_EQ(shook, 1);
    SSL_renegotiate(peer->ssl());
    int again = 1;
    run_until([&] {
        again = SSL_do_handshake(peer->ssl());
        loop.request_turn();
        const bool waits = again <= 0 && SSL_get_error(peer->ssl(), again) == SSL_ERROR_WANT_READ;
        return !waits;
    });
    EXPECT_LE(again, 0); // refused with an alert
}

TEST_F(TlsPeer, N25_OneTicketAtMostAndNoEarlyData)
{
    static int tickets;
    tickets = 0;
    static std::uint32_t early;
    early = 0;
    meet([](SSL_CTX* ctx) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_sess_set_new_cb(ctx, [](SSL*, SSL_SESSION* session) {
            ++tickets;
            early = std::max(early, SSL_SESSION_get_max_early_data(session));
            return 0;
        });
    });
    to_client->send("x");
    char buffer[100];
    run_until([&] {
        loop.request_turn();
        return SSL_read(peer->ssl(), buffer, sizeof(buffer)) > 0;
    });
    EXPECT_EQ(tickets, 1);
    EXPECT_EQ(early, 0U);
}

TEST_F(TlsPeer, N25_VersionsBelowTheLeastAreRefused)
{
    serving.protocol.min_version = tls::version::v13;
    meet([](SSL_CTX* ctx) { SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); });
    EXPECT_NE(shook, 1);
    expect_has(to_client->layer_failure(), "too old (min_version)");
}

TEST_F(TlsPeer, N25_WhoOffersOnlyOtherProtocolsIsRefused)
{
    inside = tls::inside::http;
    meet([](SSL_CTX* ctx) {
        SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    });
    EXPECT_NE(shook, 1);
    meet([](SSL_CTX* ctx) {
        SSL_CTX_set_alpn_protos(
            ctx, reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
    });
    ASSERT_EQ(shook, 1);
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(peer->ssl(), &chosen, &size);
    EXPECT_EQ((std::string{reinterpret_cast<const char*>(chosen), size}), "http/1.1");
}

} // namespace
