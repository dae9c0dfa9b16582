#include "gateway/transports/tcp/tcp_transport.hpp"

#include <algorithm>
#include <utility>

namespace gateway {

namespace {

// A frame that every version reads alike: without what one of them would escape.
void append_error(net::outbox& out, std::string_view sentence)
{
    std::string plain{sentence};
    std::ranges::replace_if(
        plain,
        [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == ':' || c == '\\' || c == 0x7F;
        },
        ' ');
    out.append("ERROR\nmessage:" + plain + "\n\n");
    out.append(std::string_view{"\0", 1});
}

} // namespace

greeting tcp_transport::greet(std::string_view, std::size_t, const door&, net::outbox&)
{
    return {.came = greeting::outcome::accepted};
}

incoming tcp_transport::next(std::span<char>& bytes, std::size_t, net::connection&)
{
    if (bytes.empty()) {
        return {};
    }
    return {.what = incoming::kind::data, .payload = std::exchange(bytes, {})};
}

void tcp_transport::append_frame(
    net::outbox& out, std::string_view head, std::string_view body, bool) const
{
    out.append(head);
    out.append(body);
    out.append(std::string_view{"\0", 1});
}

void tcp_transport::append_frame(
    net::outbox& out, std::string_view head, const net::payload_ref& rest, bool) const
{
    out.append(head);
    out.append(rest);
}

void tcp_transport::append_beat(net::outbox& out, bool) const
{
    out.append("\n");
}

void tcp_transport::append_fault(net::outbox& out, disconnect_reason, std::string_view text) const
{
    append_error(out, text);
}

void tcp_transport::append_unavailable(net::outbox& out, std::string_view sentence) const
{
    append_error(out, sentence);
}

} // namespace gateway
