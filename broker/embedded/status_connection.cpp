#include "broker/embedded/status_connection.hpp"

#include "broker/embedded/status.hpp"

#include <algorithm>

namespace embedded {

status_connection::status_connection(stomp_server& server, int descriptor)
    : connection(server.loop(), descriptor, origin::accepted), server_(server)
{
    loop().timers().arm(*this, loop().now() + server.core().options().handshake_timeout);
}

void status_connection::on_bytes(std::span<char> bytes)
{
    head_.append(bytes.data(), std::min(bytes.size(), status_head_bytes_max - head_.size()));
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos && head_.size() < status_head_bytes_max) {
        return;
    }
    out().append(
        answer_status(server_.core(), end == std::string::npos ? std::string_view{} : head_));
    close_after_flush();
}

void status_connection::on_timer(net::time_point)
{
    close_now();
}

void status_connection::on_closed(boost::system::error_code)
{
    server_.forget(*this);
}

} // namespace embedded
