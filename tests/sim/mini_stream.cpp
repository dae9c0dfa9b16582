#include "tests/sim/mini_stream.hpp"

#include <algorithm>
#include <charconv>

namespace sim {

namespace {

constexpr std::string_view ack_prefix = "stream-";

std::uint64_t number_from(std::string_view text, std::uint64_t otherwise)
{
    std::uint64_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

bool mini_stream::take(mini_broker& door, std::uint64_t channel, const stomp::frame_view& frame)
{
    bool taken = false;
    switch (frame.command) {
    case stomp::command::send:
        taken = frame.find("destination") == destination && !frame.has("transaction");
        if (taken) {
            log_.emplace_back(frame.body);
            checker_.on_stream_grown(log_.size());
        }
        break;
    case stomp::command::subscribe:
        taken = frame.find("destination") == destination && begin(door, channel, frame);
        break;
    case stomp::command::unsubscribe:
        taken = std::erase_if(consumers_, [&](const consumer& one) {
                    return one.door == &door && one.channel == channel &&
                           frame.find("id") == std::string_view{one.id};
                }) > 0;
        break;
    case stomp::command::ack:
    case stomp::command::nack: {
        const auto id = frame.find("id");
        taken = settle(door, channel, id ? *id : frame.find("message-id").value_or(""));
        break;
    }
    default: break;
    }
    if (!taken) {
        return false;
    }
    if (const auto receipt = frame.find("receipt")) {
        door.write_to(channel, "RECEIPT\nreceipt-id:" + std::string{*receipt} + "\n\n" + '\0');
    }
    pump();
    return true;
}

bool mini_stream::begin(mini_broker& door, std::uint64_t channel, const stomp::frame_view& frame)
{
    const auto from = frame.find("x-stream-offset").value_or("next");
    constexpr std::string_view offset = "offset=";
    consumers_.push_back(
        {&door, channel, std::string{frame.find("id").value_or("")},
         from == "first"             ? 0
         : from.starts_with(offset) ? number_from(from.substr(offset.size()), log_.size())
                                     : log_.size(),
         number_from(frame.find("prefetch-count").value_or(""), 1)});
    return true;
}

// An id that is not known any more was of a consumer that has gone.
bool mini_stream::settle(const mini_broker& door, std::uint64_t channel, std::string_view ack)
{
    if (!ack.starts_with(ack_prefix)) {
        return false;
    }
    const auto id = ack.substr(ack_prefix.size(), ack.rfind('-') - ack_prefix.size());
    for (consumer& one : consumers_) {
        if (one.door == &door && one.channel == channel && one.id == id) {
            ++one.credit;
        }
    }
    return true;
}

void mini_stream::pump()
{
    for (consumer& one : consumers_) {
        for (; one.credit > 0 && one.next < log_.size(); --one.credit, ++one.next) {
            const auto place = std::to_string(one.next);
            const auto ack = std::string{ack_prefix} + one.id + "-" + place;
            const std::string& body = log_[static_cast<std::size_t>(one.next)];
            one.door->write_to(
                one.channel,
                "MESSAGE\nsubscription:" + one.id + "\nmessage-id:" + ack + "\nack:" + ack +
                    "\ndestination:" + std::string{destination} + "\nx-stream-offset:" + place +
                    "\ncontent-length:" + std::to_string(body.size()) + "\n\n" + body + '\0');
        }
    }
}

void mini_stream::forget(const mini_broker& door, std::uint64_t channel)
{
    std::erase_if(consumers_, [&](const consumer& one) {
        return one.door == &door && one.channel == channel;
    });
}

void mini_stream::tell_what_is_left() const
{
    for (const std::string& body : log_) {
        if (const auto key = key_of(body)) {
            checker_.on_left_in_queue(*key);
        }
    }
}

} // namespace sim
