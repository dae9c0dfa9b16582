// A client's frames, in order: what is done at once, what waits, what is refused.

#include "gateway/core/routing/client_commands.hpp"

#include "broker/stomp/heart_beat.hpp"
#include "gateway/core/messages/reserved_words.hpp"
#include "gateway/core/tables/session_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace gateway {

namespace {

struct offered {
    bool v10 = false, v11 = false, v12 = false;
    bool any() const noexcept { return v10 || v11 || v12; }
    stomp::version highest() const noexcept
    {
        return v12 ? stomp::version::v12 : v11 ? stomp::version::v11 : stomp::version::v10;
    }
    std::string text() const
    {
        std::string list;
        for (const auto& [is, name] : {std::pair{v10, "1.0"}, {v11, "1.1"}, {v12, "1.2"}}) {
            if (is) {
                list += list.empty() ? "" : ",";
                list += name;
            }
        }
        return list;
    }
};

offered read_versions(const stomp::frame_view& connect)
{
    const auto list = connect.find("accept-version");
    if (!list) {
        return {.v10 = true}; // STOMP 1.2, "Protocol Negotiation": no header means 1.0
    }
    offered versions;
    std::string_view rest = *list;
    while (!rest.empty()) {
        const auto item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), item.size() + 1));
        const auto one = stomp::trimmed(item);
        versions.v10 |= one == "1.0";
        versions.v11 |= one == "1.1";
        versions.v12 |= one == "1.2";
    }
    return versions;
}

char as_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Without the port, which every connection of one peer has another of.
std::string_view address_only(std::string_view peer) noexcept
{
    return peer.substr(0, peer.rfind(':'));
}

// H15: heart-beats end at the gateway on both sides.
bool is_ours(std::string_view connect_header) noexcept
{
    return connect_header == "accept-version" || connect_header == "heart-beat" ||
           connect_header == "receipt" || connect_header == "content-length";
}

} // namespace

// S19: only the gateway says who a client is.
std::optional<std::string_view> client_commands::refused_word(const stomp::frame_view& frame) const
{
    for (const std::string& ours : settings_.identity_headers) {
        for (const auto& h : frame.headers) {
            if (std::ranges::equal(h.name, ours, {}, as_lower)) {
                return "this header is the gateway's own (brokers.COLOR.identity)";
            }
        }
    }
    return reserved_word(frame);
}

void client_commands::connect(client_session& s, const stomp::frame_view& frame, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    const bool connects =
        frame.command == stomp::command::connect || frame.command == stomp::command::stomp;
    const session_step step = next_step(
        s.state, session_event::client_frame, {.first_frame = true, .not_connect = !connects});
    if (step.result == session_result::ends) {
        ++counters_.frame_errors[side::client][frame_error::state];
        endings_.fail_client(
            s, "the first frame must be CONNECT or STOMP", receipt,
            disconnect_reason::protocol_error, now);
        return;
    }
    if (const auto refused = refused_word(frame)) { // K3, S19
        endings_.fail_client(s, std::string{*refused}, receipt, disconnect_reason::protocol_error, now);
        return;
    }
    const offered versions = read_versions(frame);
    if (!versions.any()) {
        endings_.fail_client(
            s, "unsupported version: supported are 1.0, 1.1 and 1.2", receipt,
            disconnect_reason::protocol_error, now);
        return;
    }
    s.rare().client_heart_beat = frame.find("heart-beat").value_or("0,0");
    if (!stomp::parse_heart_beat(s.rare().client_heart_beat)) {
        endings_.fail_client(
            s, "malformed heart-beat header", receipt, disconnect_reason::protocol_error, now);
        return;
    }
    s.login = client_login::asked;
    s.version = versions.highest();
    s.who = identify(s, frame, versions.text(), versions.highest());
    release(held_kind::sessions, bytes_of(s.rare().handshake));
    s.rare().handshake = {};
    if (step.doing == session_doing::reads_frame) { // S7: else it is answered after the decision
        s.parked_since = now;
        if (!binder_.advance(s, s.live, now)) { // most are in at once: no deadline is kept for them
            at(now + settings_.park_timeout, due::session_park, number(s.id));
        }
    }
}

identity* client_commands::identify(
    client_session& s, const stomp::frame_view& connect, std::string accept_version,
    stomp::version highest)
{
    // H23, design.md section 5: the versions offered, every CONNECT header but four, the forwarded
    // handshake headers.
    std::string key = std::move(accept_version);
    const std::size_t versions_end = key.size();
    key += '\n';
    for (std::size_t i = 0; i < connect.headers.size(); ++i) {
        const auto& h = connect.headers[i];
        const bool repeat = std::any_of(
            connect.headers.begin(), connect.headers.begin() + static_cast<std::ptrdiff_t>(i),
            [&](const auto& earlier) { return earlier.name == h.name; });
        if (!repeat && !is_ours(h.name)) {
            key.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    const std::size_t head_end = key.size();
    key += '\n';
    for (const auto& [name, value] : s.rare().handshake) {
        key.append(name).append(":").append(value).append("\n");
    }
    auto at = tables_.identities.find(key);
    if (at == tables_.identities.end()) {
        key.shrink_to_fit();
        at = tables_.identities.emplace(std::move(key), std::make_unique<identity>()).first;
        identity& made = *at->second;
        made.number = ++tables_.last_identity;
        made.key = at->first;
        made.accept_version = made.key.substr(0, versions_end);
        made.connect_head = made.key.substr(versions_end + 1, head_end - versions_end - 1);
        const auto said = [&](std::string_view name) { // as a broker of that version reads it
            const auto value = value_in(made.connect_head, name);
            return highest == stomp::version::v10 ? stomp::trimmed(value) : value;
        };
        made.login = said("login");
        made.host = said("host");
        made.highest = highest;
        std::string_view rest = made.key.substr(head_end + 1);
        for (const auto& [name, value] : s.rare().handshake) {
            made.handshake.emplace_back(
                rest.substr(0, name.size()), rest.substr(name.size() + 1, value.size()));
            rest.remove_prefix(name.size() + value.size() + 2);
        }
        charge(held_kind::sessions, made.key.size());
        made.digest = digest_of(settings_.pairing.secret, made.key);
        made.login_digest = digest_of(settings_.pairing.secret, made.login);
        made.source = digest_of(settings_.pairing.secret, address_only(s.peer)).low;
    }
    ++at->second->sessions;
    return at->second.get();
}

bool client_commands::perform(client_session& s, const stomp::frame_view& frame, framing as, time_point now)
{
    const auto receipt = frame.find("receipt").value_or("");
    if (const auto refused = refused_word(frame)) { // K3, S19
        endings_.fail_client(s, std::string{*refused}, receipt, disconnect_reason::protocol_error, now);
        return true;
    }
    switch (frame.command) {
    case stomp::command::send: return client_sends_.client_send(s, frame, as, now);
    case stomp::command::subscribe: client_subscribe(s, frame, now); return true;
    case stomp::command::unsubscribe: client_unsubscribe(s, frame, now); return true;
    case stomp::command::ack:
    case stomp::command::nack:
        if (!frame.has("transaction")) {
            client_acknowledges_.client_acknowledge(s, frame, now);
        } else if (client_sends_.buffer(s, frame, as, now)) {
            client_acknowledges_.check_acknowledge(s, frame, now); // a transaction is not done by halves
        }
        return true;
    case stomp::command::begin:
    case stomp::command::commit:
    case stomp::command::abort: return client_transactions_.client_transaction(s, frame, now);
    case stomp::command::disconnect: client_disconnect(s, frame, now); return true;
    case stomp::command::connect:
    case stomp::command::stomp:
        ++counters_.frame_errors[side::client][frame_error::state];
        endings_.fail_client(s, "connected already", receipt, disconnect_reason::protocol_error, now);
        return true;
    default:
        ++counters_.frame_errors[side::client][frame_error::state];
        endings_.fail_client(s, "not a client's frame", receipt, disconnect_reason::protocol_error, now);
        return true;
    }
}

void client_commands::enqueue(client_session& s, const stomp::frame_view& frame, framing as)
{
    if (!s.waiting) {
        s.waiting = std::make_unique<std::vector<buffered_frame>>();
    }
    s.waiting->push_back({stomp::frame{frame}, as});
    const std::size_t bytes = weight(s.waiting->back().frame);
    s.waiting_bytes += bytes;
    charge(held_kind::frames, bytes);
}

void client_commands::pump(client_session& s, time_point now)
{
    const auto id = s.id;
    if (s.state != session_state::active) {
        return;
    }
    if (s.waiting) {
        // The queue is taken out: a frame that ends the session must not pull it away under the
        // loop.
        auto queue = std::move(*s.waiting);
        s.waiting.reset();
        std::size_t done = 0;
        for (; done < queue.size(); ++done) {
            const std::size_t bytes = weight(queue[done].frame);
            if (!perform(s, queue[done].frame.view(), queue[done].as, now)) {
                break;
            }
            if (find(id) == nullptr) {
                return;
            }
            s.waiting_bytes -= bytes;
            release(held_kind::frames, bytes);
            if (s.state != session_state::active) {
                ++done;
                break;
            }
        }
        if (done < queue.size()) {
            queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(done));
            s.waiting = std::make_unique<std::vector<buffered_frame>>(std::move(queue));
        }
    }
    if (!s.waiting && s.client == client_socket::gone) {
        endings_.end_session(s, now);
        return;
    }
    if (gateway::wants_client(s)) {
        out_.resume_client(id);
    }
}

} // namespace gateway
