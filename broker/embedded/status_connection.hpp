#pragma once

// One HTTP request for /status, one answer, the end.

#include "broker/embedded/stomp_server.hpp"
#include "broker/net/connection.hpp"

#include <string>

namespace embedded {

class status_connection final : public net::connection, private net::timer {
public:
    status_connection(stomp_server& server, int descriptor);

private:
    void on_bytes(std::span<char> bytes) override;
    void on_closed(boost::system::error_code reason) override;
    void on_timer(net::time_point now) override;

    stomp_server& server_;
    std::string head_;
};

} // namespace embedded
