// broker_core's part for CONNECT and STOMP: version, login, heart-beats.

#include "broker/embedded/broker_core.hpp"

#include <algorithm>

namespace embedded {
namespace {

constexpr std::string_view server_version = "teal-broker/" TEAL_VERSION;

// The highest of `offered` that is spoken here; no accept-version means 1.0 (STOMP 1.2, "Protocol
// Negotiation").
std::optional<stomp::version> choose_version(std::optional<std::string_view> offered)
{
    if (!offered) {
        return stomp::version::v10;
    }
    std::optional<stomp::version> best;
    for (std::string_view rest = *offered; !rest.empty();) {
        std::string_view one = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        one = stomp::trimmed(one);
        for (const auto v : {stomp::version::v10, stomp::version::v11, stomp::version::v12}) {
            if (one == stomp::to_string(v) && (!best || *best < v)) {
                best = v;
            }
        }
    }
    return best;
}

} // namespace

broker_core::outcome broker_core::check_login(const stomp::frame_view& frame) const
{
    const std::string_view login = frame.find("login").value_or("");
    const std::string_view passcode = frame.find("passcode").value_or("");
    const bool known =
        options_.users.empty() || std::ranges::any_of(options_.users, [&](const credential& c) {
            return c.login == login && c.passcode == passcode;
        });
    if (!known || (!options_.chaos.refuse_login.empty() && options_.chaos.refuse_login == login)) {
        return fault{
            refusal::access_refused, "access refused for user '" + std::string{login} + "'"};
    }
    return std::nullopt;
}

broker_core::outcome
broker_core::on_connect(session& s, const stomp::frame_view& connect, net::time_point now)
{
    const auto chosen = choose_version(connect.find("accept-version"));
    if (!chosen) {
        return fault{
            refusal::unsupported_version,
            "Supported versions are " + std::string{supported_versions} + "."};
    }
    stomp::frame_view frame = connect; // it was read before its version was known
    frame.trims_values = *chosen == stomp::version::v10;
    if (outcome refused = check_login(frame)) {
        return refused;
    }
    const auto asked = stomp::parse_heart_beat(frame.find("heart-beat").value_or("0,0"));
    if (!asked) {
        return fault{refusal::bad_header, "heart-beat is two numbers of milliseconds, 'cx,cy'."};
    }
    // Grants what is asked, as RabbitMQ does, down to a pace that is no load.
    const auto grant = [&](std::chrono::milliseconds ms) {
        return ms.count() == 0 ? ms : std::max(ms, options_.heart_beat_min);
    };
    const stomp::heart_beat_offer ours{grant(asked->incoming), grant(asked->outgoing)};
    s.beat = stomp::heart_beat{stomp::negotiate(ours, *asked), now};
    s.version = *chosen;
    s.state = session_state::open;
    s.handshake_deadline = net::never;
    const std::string name =
        options_.nonce + '-' + std::to_string(static_cast<std::uint64_t>(s.id));
    frame_.begin(stomp::command::connected)
        .raw("version", stomp::to_string(s.version))
        .raw("heart-beat", stomp::to_string(ours))
        .raw("server", server_version)
        .raw("session", name);
    write(s, frame_.end(), now);
    return std::nullopt;
}

} // namespace embedded
