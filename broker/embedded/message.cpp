#include "broker/embedded/message.hpp"

#include <algorithm>

namespace embedded {
namespace {

// receipt and transaction were for this broker; the others are what it says itself in a MESSAGE.
bool is_brokers(std::string_view name) noexcept
{
    return name == "receipt" || name == "transaction" || name == "message-id" ||
           name == "subscription" || name == "ack" || name == "redelivered";
}

// 1.0 has no escapes, so there a ':' in a value or a backslash means itself; 1.2 alone reads CR
// before LF as part of the line's end ("Value Encoding").
bool same_in_all_versions(std::string_view head, const stomp::frame_view& send, stomp::version v)
{
    if (head.find_first_of("\\\r") != std::string_view::npos) {
        return false;
    }
    return v != stomp::version::v10 ||
           std::ranges::none_of(send.headers, [](const stomp::header& h) {
               return h.value.find(':') != std::string_view::npos;
           });
}

} // namespace

message
encode_message(stomp::serializer& scratch, const stomp::frame_view& send, const encoding& how)
{
    scratch.begin(stomp::command::message);
    const std::size_t command_line = scratch.bytes().size();
    const auto is_ours = [&](std::string_view name) {
        return is_brokers(name) || (name == "reply-to" && !how.reply_to.empty());
    };
    if (send.trims_values) { // subscribers of later versions would take the blanks for a part of it
        stomp::frame_view plain = send;
        for (stomp::header& h : plain.headers) {
            h.value = stomp::trimmed(h.value);
        }
        scratch.forward(plain, is_ours);
    } else {
        scratch.forward(send, is_ours);
    }
    if (!how.reply_to.empty()) {
        scratch.raw("reply-to", how.reply_to);
    }
    const std::string_view head = scratch.end_head().substr(command_line);
    message m;
    m.wire = net::payload::make({head, send.body, std::string_view{"\0", 1}});
    m.encoded = how.version;
    m.alike = same_in_all_versions(head, send, how.version);
    m.own = how.own;
    return m;
}

net::payload_ref wire_for(const message& m, stomp::version to)
{
    if (m.alike || m.encoded == to) {
        return m.wire;
    }
    std::string_view rest = m.wire->bytes();
    std::string head;
    while (!rest.empty() && rest.front() != '\n') {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() + 1);
        const auto colon = line.find(':');
        // The escapes were checked when the SEND was parsed; what does not unescape is left as it
        // is.
        const auto recode = [&](std::string_view raw) {
            const auto text = stomp::unescape(raw, m.encoded);
            return text ? stomp::escape(*text, to) : std::string{raw};
        };
        head += recode(line.substr(0, colon));
        head += ':';
        head += recode(line.substr(colon + 1));
        head += '\n';
    }
    return net::payload::make({head, rest});
}

} // namespace embedded
