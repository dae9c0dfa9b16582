#include "broker/stomp/heart_beat.hpp"

#include "broker/stomp/frame.hpp"

#include <algorithm>
#include <cstdint>

namespace stomp {
namespace {

using std::chrono::milliseconds;

// Longer intervals are taken as this one (24 days), so that twice the interval fits any clock.
constexpr std::int64_t interval_ms_max = 2'147'483'647;

std::optional<milliseconds> parse_interval(std::string_view digits)
{
    std::int64_t result = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        result = std::min(result * 10 + (c - '0'), interval_ms_max);
    }
    return digits.empty() ? std::nullopt : std::optional{milliseconds{result}};
}

// 1.2, "Heart-beating": none if one side says 0, else every MAX of the two.
milliseconds agree(milliseconds sender, milliseconds receiver) noexcept
{
    const milliseconds none{0};
    return sender == none || receiver == none ? none : std::max(sender, receiver);
}

} // namespace

std::optional<heart_beat_offer> parse_heart_beat(std::string_view value)
{
    const std::size_t comma = value.find(',');
    if (comma == value.npos) {
        return std::nullopt;
    }
    const auto outgoing = parse_interval(trimmed(value.substr(0, comma)));
    const auto incoming = parse_interval(trimmed(value.substr(comma + 1)));
    if (!outgoing || !incoming) {
        return std::nullopt;
    }
    return heart_beat_offer{*outgoing, *incoming};
}

std::string to_string(const heart_beat_offer& offer)
{
    return std::to_string(offer.outgoing.count()) + ',' + std::to_string(offer.incoming.count());
}

heart_beat_terms negotiate(const heart_beat_offer& ours, const heart_beat_offer& theirs) noexcept
{
    return {agree(ours.outgoing, theirs.incoming), agree(theirs.outgoing, ours.incoming)};
}

heart_beat::heart_beat(const heart_beat_terms& terms, net::time_point now) noexcept
    : send_every_ms_{static_cast<std::uint32_t>(terms.send_every.count())},
      expect_every_ms_{static_cast<std::uint32_t>(terms.expect_every.count())}, last_sent_{now},
      last_received_{now}
{
}

// Bytes that the peer sent while nobody read may still be on their way through full buffers. So the
// peer gets one interval before silence counts again.
void heart_beat::resume_incoming(net::time_point now) noexcept
{
    if (paused_) {
        paused_ = false;
        last_received_ = now + milliseconds{expect_every_ms_};
    }
}

net::time_point heart_beat::next_deadline() const noexcept
{
    return std::min(send_deadline(), lost_deadline());
}

heart_beat::due heart_beat::on_deadline(net::time_point now) const noexcept
{
    if (now >= lost_deadline()) {
        return due::lost;
    }
    return now >= send_deadline() ? due::send : due::nothing;
}

net::time_point heart_beat::send_deadline() const noexcept
{
    return send_every_ms_ == 0 ? net::never : last_sent_ + milliseconds{send_every_ms_};
}

// Twice the interval: 1.2, "Heart-beating", asks for an error margin, and Spring and stompjs take
// this one.
net::time_point heart_beat::lost_deadline() const noexcept
{
    return expect_every_ms_ == 0 || paused_ ? net::never
                                            : last_received_ + 2 * milliseconds{expect_every_ms_};
}

} // namespace stomp
