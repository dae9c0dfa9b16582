#include "tests/sim/shard_driver.hpp"

#include "tests/sim/control_side.hpp"
#include "tests/sim/shard_driver_ends.hpp"

#include <algorithm>

namespace sim {

shard_driver::shard_driver(
    unsigned number, gateway::shard_settings settings, process_clock& when, network& net, brokers& all,
    checker& check, const heart_beats& beats, std::uint64_t seed)
    : number_(number), settings_(settings), when_(when), network_(net), brokers_(all),
      checker_(check), beats_(beats), random_(seed, 1000 + number),
      router_(std::move(settings), *this, counters_)
{
    interprets_over_mark_ = random_.chance(50);
}

shard_driver::~shard_driver()
{
    for (auto& [id, c] : clients_) {
        c->wire->to_gateway->orphan();
        c->wire->to_other->on_sent = nullptr;
    }
    for (auto& [id, l] : links_) {
        if (l->wire) {
            l->wire->to_gateway->orphan();
            l->wire->to_other->on_sent = nullptr;
        }
    }
}

void shard_driver::start(color live)
{
    router_.start(live, 1, when_.now());
}

shard_driver::client_end* shard_driver::client(session_id id) const
{
    const auto at = clients_.find(number_of(id));
    return at == clients_.end() ? nullptr : at->second.get();
}

shard_driver::link_end* shard_driver::link(link_id id) const
{
    const auto at = links_.find(number_of(id));
    return at == links_.end() ? nullptr : at->second.get();
}

std::size_t shard_driver::links_to(color c) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(links_, [&](const auto& one) { return one.second->at.color == c; }));
}

void shard_driver::accept(connection_ref made, unsigned number)
{
    if (!when_.runs()) { // it waits in the listener's queue
        made->to_gateway->on_bytes = [] {};
        made->to_gateway->on_end = [](bool) {};
        when_.soon([this, made = std::move(made), number] { accept(made, number); });
        return;
    }
    auto c = std::make_unique<client_end>();
    c->id = router_.open_client("client " + std::to_string(number), {}, when_.now());
    c->number = number;
    c->wire = std::move(made);
    const session_id id = c->id;
    c->wire->to_gateway->on_bytes = [this, id] {
        if (!when_.runs()) {
            return;
        }
        if (client_end* one = client(id)) {
            one->beat.on_received(when_.now());
        }
        interpret(id);
    };
    c->wire->to_gateway->on_end = [this, id](bool reset) {
        if (when_.runs()) {
            client_ended(id, reset);
        }
    };
    const pipe& from = *c->wire->to_gateway;
    const bool ended = from.ended, waits = !from.unread.empty();
    clients_.emplace(number_of(id), std::move(c));
    if (waits) {
        interpret(id);
    }
    if (ended) {
        client_ended(id, false);
    }
}

void shard_driver::read_all()
{
    std::vector<link_id> links;
    for (const auto& [id, l] : links_) {
        if (l->wire) {
            links.push_back(l->id);
        }
    }
    for (const link_id id : links) {
        read(id);
    }
    std::vector<session_id> clients;
    for (const auto& [id, c] : clients_) {
        clients.push_back(c->id);
    }
    for (const session_id id : clients) {
        interpret(id);
        client_end* c = client(id);
        if (c != nullptr && !c->closed && !c->gone && c->wire->to_gateway->ended) {
            client_ended(id, false);
        }
    }
}

// design.md section 4: the bounded carry buffer; what does not fit stays in the socket.
void shard_driver::fill(client_end& c)
{
    if (reads_nothing_) {
        return;
    }
    std::string& unread = c.wire->to_gateway->unread;
    const std::size_t room =
        settings_.client_carry - std::min(settings_.client_carry, c.carry.size());
    const std::size_t n = std::min(room, unread.size());
    c.carry.append(unread, 0, n);
    unread.erase(0, n);
    c.wire->to_gateway->took();
}

void shard_driver::interpret(session_id id)
{
    client_end* c = client(id);
    if (c == nullptr || c->closed || c->running) {
        return;
    }
    c->running = true;
    bool carried = false;
    fill(*c);
    while (!c->closed) {
        if (c->carry.empty()) {
            fill(*c);
        }
        if (c->carry.empty()) {
            break;
        }
        if (!router_.wants_client(id) ||
            (c->level != backlog::below && !interprets_over_mark_ && !c->gone)) {
            carried = true;
            break;
        }
        const auto result = c->parser.parse(c->carry, {}, c->frame);
        if (result.status == stomp::parse_status::need_more) {
            if (c->wire->to_gateway->unread.empty()) {
                break;
            }
            const std::size_t before = c->carry.size();
            fill(*c);
            if (c->carry.size() > before) {
                continue;
            }
            if (!reads_nothing_) { // half a frame, as large as the carry
                router_.on_client_fault(id, "the frame is too large", when_.now());
            }
            break;
        }
        if (result.status == stomp::parse_status::failed) {
            router_.on_client_fault(id, "malformed", when_.now());
            break;
        }
        if (result.status == stomp::parse_status::frame) {
            router_.on_client_frame(id, c->frame, gateway::framing::text, when_.now());
        }
        c->carry.erase(0, result.consumed);
    }
    c->running = false;
    if (c->closed) {
        return;
    }
    if (carried && c->carry.size() >= settings_.client_carry) {
        c->beat.pause_incoming();
    } else if (!carried) {
        c->beat.resume_incoming(when_.now());
        arm_beat(*c);
    }
    if (!carried) {
        router_.on_carry_empty(id);
        if (c->gone && !c->told) {
            c->told = true;
            router_.on_client_gone(id, when_.now());
        }
    }
}

void shard_driver::client_ended(session_id id, bool)
{
    client_end* c = client(id);
    if (c == nullptr || c->closed) {
        return;
    }
    c->gone = true;
    c->wire->to_other->drop_unsent();
    if (const auto* s = router_.session(id); s != nullptr && !s->connected()) {
        c->carry.clear(); // S4: of who had no CONNECTED nothing is kept
        c->wire->to_gateway->unread.clear();
        c->told = true;
        router_.on_client_gone(id, when_.now());
        return;
    }
    look_at_outbox(*c);
    interpret(id);
}

void shard_driver::write_client(
    session_id to, std::string_view head, std::string_view body, gateway::framing)
{
    client_end* c = client(to);
    if (c == nullptr || c->closed) {
        checker_.violation("the router writes to a client that it closed");
        return;
    }
    if (checker_.tracing_bytes()) {
        checker_.note_bytes("client " + std::to_string(c->number), head, body);
    }
    if (c->gone) {
        c->dropped += head.size() + body.size() + 1;
        return;
    }
    std::string bytes{head};
    bytes.append(body).push_back('\0');
    c->wire->to_other->write(bytes);
}

void shard_driver::write_client(
    session_id to, std::string_view head, const net::payload_ref& rest, gateway::framing)
{
    client_end* c = client(to);
    if (c == nullptr || c->closed) {
        checker_.violation("the router writes to a client that it closed");
        return;
    }
    if (checker_.tracing_bytes()) { // `rest` ends with the frame's NUL
        const std::string_view bytes = rest->bytes();
        checker_.note_bytes(
            "client " + std::to_string(c->number), head, bytes.substr(0, bytes.size() - 1));
    }
    if (c->gone) {
        c->dropped += head.size() + rest->size();
        return;
    }
    c->wire->to_other->write(head);
    c->wire->to_other->write(rest->bytes());
}

void shard_driver::client_up(session_id which, stomp::version version, std::string_view heart_beat)
{
    if (client_end* c = client(which)) {
        c->parser.set_version(version);
        begin_beats(*c, heart_beat);
    }
}

void shard_driver::close_client(
    session_id which, gateway::disconnect_reason reason, std::string_view text)
{
    client_end* c = client(which);
    if (c == nullptr || c->closed) {
        checker_.violation("the router closes a client twice");
        return;
    }
    if (checker_.tracing()) {
        checker_.note(
            "gateway closes client " + std::to_string(c->number) + ": " + std::string{text});
    }
    if (reason == gateway::disconnect_reason::slow_consumer && !c->gone && !c->hostile()) {
        if (c->wire->to_other->waiting() < settings_.client_outbox / 2) {
            checker_.violation("a client is closed as slow that is not");
        }
        checker_.on_slow_consumer(c->number);
    }
    c->closed = true;
    c->wire->to_gateway->orphan();
    c->wire->to_other->finish();
    when_.soon([this, which] { clients_.erase(number_of(which)); });
}

void shard_driver::resume_client(session_id which)
{
    when_.soon([this, which] { interpret(which); });
}

std::uint64_t shard_driver::client_appended(session_id which) const
{
    const client_end* c = client(which);
    return c == nullptr ? 0 : c->wire->to_other->appended() + c->dropped;
}

std::uint64_t shard_driver::client_written(session_id which) const
{
    const client_end* c = client(which);
    return c == nullptr ? 0 : c->wire->to_other->written();
}

void shard_driver::watch_written(session_id which)
{
    if (client_end* c = client(which)) {
        c->watching = true;
        c->watched_at = c->wire->to_other->written();
    }
}

void shard_driver::look_at_outbox(client_end& c)
{
    const std::size_t size = c.wire->to_other->waiting();
    const std::size_t mark = settings_.client_outbox;
    backlog level = c.level;
    if (size > 8 * mark) {
        level = backlog::over_wall;
    } else if (size > mark) {
        level = c.level == backlog::over_wall ? c.level : backlog::over_mark;
    } else if (size < mark / 2) {
        level = backlog::below;
    } else if (c.level == backlog::over_wall) {
        level = backlog::over_mark;
    }
    if (level == c.level) {
        return;
    }
    const session_id id = c.id;
    c.level = level;
    if (!c.told) {
        router_.on_client_backlog(id, level, when_.now());
    }
    if (level == backlog::below) {
        resume_client(id);
    }
}

void shard_driver::end_of_turn()
{
    std::vector<session_id> ids;
    ids.reserve(clients_.size());
    for (const auto& [id, c] : clients_) {
        ids.push_back(c->id);
    }
    for (const session_id id : ids) {
        client_end* c = client(id);
        if (c != nullptr && !c->closed && !c->gone) {
            look_at_outbox(*c);
        }
        if (c != nullptr && !c->closed && !c->gone && c->watching &&
            c->wire->to_other->written() > c->watched_at) {
            c->watching = false;
            router_.on_client_written(id, when_.now());
        }
    }
    std::vector<link_id> drained;
    for (const auto& [id, l] : links_) {
        if (!l->wire) {
            continue;
        }
        const std::size_t size = l->wire->to_other->waiting();
        if (l->over_mark && size < settings_.broker_outbox / 2) {
            l->over_mark = false;
            drained.push_back(l->id);
        }
    }
    for (const link_id id : drained) {
        router_.on_link_drained(id, when_.now());
    }
    keep_to_budget();
}

void shard_driver::describe()
{
    if (!checker_.tracing()) {
        return;
    }
    for (const auto& [id, c] : clients_) {
        const gateway::client_session* s = router_.session(c->id);
        std::string line = "client " + std::to_string(c->number) + " is session " +
                           std::to_string(id) + ", " +
                           (s == nullptr ? "gone" : std::string{to_string(s->state)}) +
                           ", carried " + std::to_string(c->carry.size());
        if (s != nullptr) {
            line += ", waiting " + std::to_string(s->waiting ? s->waiting->size() : 0) + ", owed " +
                    std::to_string(s->owed) + ", open SUBSCRIBEs " +
                    std::to_string(s->open_subscribes) + ", seams " + std::to_string(s->seams) +
                    ", parked " + std::to_string(s->parked);
            for (const color one : broker::colors) {
                const gateway::binding& b = s->bindings[one];
                line += "; " + std::string{to_string(one)} + " phase " +
                        std::to_string(static_cast<int>(b.at)) + " own " +
                        std::to_string(number_of(b.own)) + " publish " +
                        std::to_string(number_of(b.publish)) + " moving " +
                        std::to_string(b.moving) + " queued " + std::to_string(b.queued);
            }
        }
        checker_.note(line);
    }
}

// ---- the coordinator

void shard_driver::command(const control::command& what)
{
    if (std::holds_alternative<control::hold>(what.what)) {
        held_from_ = when_.in_the_world(when_.now());
    }
    router_.on_command(what, when_.now());
    if (std::holds_alternative<control::commit>(what.what) ||
        std::holds_alternative<control::abort_switch>(what.what)) {
        if (held_from_) {
            checker_.on_hold_over(number_, *std::exchange(held_from_, std::nullopt));
        }
    }
}

void shard_driver::drain(control::endpoint_ref where, bool on)
{
    drains_ = true;
    on ? void(drained_.insert(where)) : void(drained_.erase(where));
    router_.drain_endpoint(where, on, when_.now());
}

void shard_driver::report(control::report what)
{
    control_->post(std::move(what));
}

void shard_driver::log(control::log_level, std::string line)
{
    if (checker_.tracing()) {
        checker_.note("shard " + std::to_string(number_) + ": " + line);
    }
}

} // namespace sim
