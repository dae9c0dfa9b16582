// A client's session, and what the core says to it; one whose connection has gone is told nothing.

#include "gateway/process/shard.hpp"

#include "gateway/telemetry/log.hpp"

namespace gateway {

namespace {

// Without port and brackets.
std::string_view bare_address(std::string_view peer) noexcept
{
    peer = peer.substr(0, peer.rfind(':'));
    return peer.starts_with('[') && peer.ends_with(']') ? peer.substr(1, peer.size() - 2) : peer;
}

} // namespace

session_id shard::opened(
    client_connection& c, std::string peer,
    std::vector<std::pair<std::string, std::string>> handshake, websocket::client_place place)
{
    client_origin told{
        .forwarded_for = std::move(place.forwarded_for),
        .host = std::move(place.host),
        .origin = std::move(place.origin),
        .user = {},
        .https = place.https};
    if (peer != "unix") { // as proxies do: a list, whose last one is who connected here
        told.forwarded_for.append(told.forwarded_for.empty() ? "" : ", ")
            .append(bare_address(peer));
    }
    const session_id id = router_.open_client(std::move(peer), std::move(handshake), loop_.now());
    if (policies_[c.listener()].tells_place) {
        router_.tell_of_client(id, std::move(told));
    }
    by_session_.emplace(static_cast<std::uint64_t>(id), &c);
    if (log::enabled(log_level::debug)) {
        const auto* s = router_.session(id);
        log::line_about(
            log_level::debug, c.counted_address(), "opened session",
            {{"session", std::to_string(router_.shard_number()) + "-" +
                             std::to_string(static_cast<std::uint64_t>(id))},
             {"address", s != nullptr ? s->peer : std::string{}},
             {"listener", settings_.listeners[c.listener()].bind.text}});
    }
    return id;
}

void shard::write_client(session_id to, std::string_view head, std::string_view body, framing as)
{
    if (client_connection* c = client(to)) {
        c->write(head, body, as);
        if (samples_.wanted(direction::out)) {
            samples_.appended(static_cast<std::uint64_t>(to), c->out().appended());
        }
    }
}

void shard::write_client(
    session_id to, std::string_view head, const net::payload_ref& rest, framing as)
{
    if (client_connection* c = client(to)) {
        c->write(head, rest, as);
        if (samples_.wanted(direction::out)) {
            samples_.appended(static_cast<std::uint64_t>(to), c->out().appended());
        }
    }
}

void shard::client_up(session_id which, stomp::version version, std::string_view heart_beat)
{
    if (client_connection* c = client(which)) {
        c->up(version, heart_beat, settings_.heart_beat.client);
    }
}

void shard::close_client(session_id which, disconnect_reason reason, std::string_view text)
{
    if (client_connection* c = client(which)) {
        by_session_.erase(static_cast<std::uint64_t>(which));
        const auto number = std::to_string(router_.shard_number()) + "-" +
                            std::to_string(static_cast<std::uint64_t>(which));
        const auto level = text.empty() ? log_level::debug : log_level::info;
        if (log::enabled(level)) {
            const auto* s = router_.session(which);
            std::vector<log::log_field> about{
                {"session", number},
                {"address", s != nullptr ? s->peer : std::string{}},
                {"reason", names<disconnect_reason>[static_cast<std::size_t>(reason)]}};
            if (switch_number_ != 0 && router_.phase() != member_phase::steady) {
                about.emplace_back("switch", switch_number_);
            }
            log::line_about(
                level, c->counted_address(),
                "closed session " + number + (text.empty() ? "" : ": " + std::string{text}), about);
        }
        c->close(reason, text);
    }
}

void shard::resume_client(session_id which)
{
    if (client_connection* c = client(which); c != nullptr && !c->resume_listed) {
        c->resume_listed = true;
        resumed_.push_back(c);
        loop_.request_turn();
    }
}

std::uint64_t shard::client_appended(session_id which) const
{
    const client_connection* c = client(which);
    return c == nullptr ? 0 : c->out().appended();
}

std::uint64_t shard::client_written(session_id which) const
{
    const client_connection* c = client(which);
    return c == nullptr ? 0 : c->out().written();
}

void shard::watch_written(session_id which)
{
    if (client_connection* c = client(which)) {
        c->watch_written();
    }
}

} // namespace gateway
