#pragma once

// One client over plain TCP. It is also the base class of the WebSocket connection.
//
// Threading:  the loop's thread.
// Lifetime:   owned by its stomp_server, which destroys it in on_closed. Its session in the core is
//             opened with it. The session ends at the peer's FIN or at the connection's end,
//             whichever is first.

#include "broker/embedded/stomp_server.hpp"
#include "broker/net/connection.hpp"
#include "broker/stomp/parser.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace embedded {

class stomp_connection : public net::connection, public session_sink {
public:
    stomp_connection(stomp_server& server, int descriptor);
    ~stomp_connection() override;

    void write(std::string_view head, const net::payload_ref& rest) final;
    std::size_t unsent() const noexcept final;
    void close(parting how) final;

    // --chaos stall_after: open, but neither read nor written from now on.
    void stall();

protected:
    void on_bytes(std::span<char> bytes) override;
    void on_written() override;
    void on_peer_fin() final;
    void on_closed(boost::system::error_code reason) final;

    // How one frame stands on the wire.
    virtual void encode(net::outbox& into, std::string_view head, const net::payload_ref& rest);
    // What is said after the last frame.
    virtual void encode_goodbye(net::outbox& into);

    // STOMP bytes, cut in any way.
    void feed(std::string_view bytes);
    // The client left in an orderly way.
    void leave();
    stomp_server& server() noexcept { return server_; }

private:
    struct deadline_timer;
    class delay_line;
    void parse(std::string_view bytes, std::size_t& used);
    void arm();
    void on_deadline(net::time_point now);

    stomp_server& server_;
    session_id session_;
    stomp::parser parser_;
    stomp::limits limits_;
    std::string carry_; // an incomplete frame
    std::unique_ptr<deadline_timer> timer_;
    std::unique_ptr<delay_line> delay_; // only with --chaos delay
    bool gone_ = false;                 // the core does not know the session any more
    bool ended_ = false;                // the core closed it
};

} // namespace embedded
