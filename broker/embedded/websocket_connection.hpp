#pragma once

// One client over WebSocket at /ws. After the upgrade, STOMP frames may be cut into messages in any
// way. Each frame to the client is one message: a text message if the frame is valid UTF-8, else a
// binary one (design.md section 4).

#include "broker/embedded/stomp_connection.hpp"
#include "broker/websocket/codec.hpp"
#include "broker/websocket/pong_debt.hpp"

#include <string>

namespace embedded {

class websocket_connection final : public stomp_connection {
public:
    websocket_connection(stomp_server& server, int descriptor);

private:
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void encode(net::outbox& into, std::string_view head, const net::payload_ref& rest) override;
    void encode_goodbye(net::outbox& into) override;

    // Returns the bytes after the head, if the head is complete and was accepted.
    std::span<char> upgrade(std::span<char> bytes);
    void decode(std::span<char> bytes);
    void close_with(websocket::close_code code);

    websocket::decoder decoder_;
    websocket::pong_debt pongs_;
    std::string http_head_;
    bool upgraded_ = false;
};

} // namespace embedded
