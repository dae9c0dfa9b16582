#pragma once

// Two connections on one loop with TLS between them.

#include "broker/net/tls/stream.hpp"
#include "tests/io/broker/net/loop_fixture.hpp"
#include "tests/support/certificates.hpp"

namespace tls_test {

using net_test::recorder;

class TlsLoop : public net_test::Loop {
public:
    TlsLoop()
    {
        serving.certificates.push_back(
            {.certificate = server.certificate_file, .key = server.key_file});
        asking.ca = ca.certificate_file;
    }
    std::unique_ptr<tls::stream> accepting()
    {
        const auto opened = tls::server_context::open(serving, inside);
        EXPECT_TRUE(opened) << opened.error();
        return tls::stream::accept(*opened);
    }
    std::unique_ptr<tls::stream> connecting(const std::string& name = "server.example")
    {
        const auto opened = tls::client_context::open(asking, inside);
        EXPECT_TRUE(opened) << opened.error();
        return tls::stream::connect(*opened, name);
    }
    // Both ends, not connected yet.
    void make_pair(const std::string& name = "server.example")
    {
        auto [ours, theirs] = net_test::tcp_pair();
        to_client = std::make_unique<recorder>(loop, std::move(ours));
        to_server = std::make_unique<recorder>(
            loop, std::move(theirs), net::connection::origin::connecting);
        to_client->wrap(accepting());
        to_server->wrap(connecting(name));
    }
    void connect(const std::string& name = "server.example")
    {
        make_pair(name);
        run_until([&] { return to_client->connected == 1 && to_server->connected == 1; });
    }
    // What the client says of the handshake; empty: it is done. A server of TLS 1.3 may refuse after it.
    std::string refusal(const std::string& name = "server.example")
    {
        make_pair(name);
        run_until([&] {
            return to_client->closed + to_server->closed > 0 ||
                   (to_client->connected == 1 && to_server->connected == 1);
        });
        return to_server->layer_failure();
    }
    static void expect_has(const std::string& text, const std::string& part)
    {
        EXPECT_NE(text.find(part), std::string::npos) << text << "\nhas no: " << part;
    }

    certificates files;
    identity ca = files.make("authority", {.authority = true});
    identity server = files.make("server", {.names = "DNS:server.example,IP:127.0.0.1", .by = &ca});
    tls::server_settings serving;
    tls::client_settings asking;
    tls::inside inside = tls::inside::stomp;
    std::unique_ptr<recorder> to_client, to_server;
};

} // namespace tls_test
