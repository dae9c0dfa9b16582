// The driver's links: dialled, read, written, lost.

#include "tests/sim/shard_driver_ends.hpp"

namespace sim {

namespace {

constexpr std::size_t broker_frame = 4 * 1024; // larger than any that is to be delivered

stomp::version version_of(std::string_view text)
{
    return text == "1.2"   ? stomp::version::v12
           : text == "1.1" ? stomp::version::v11
                           : stomp::version::v10;
}

} // namespace

bool shard_driver::is_up(control::endpoint_ref which) const
{
    return brokers_[which.color]->up(which.index);
}

void shard_driver::dial(const gateway::dial_order& order)
{
    auto l = std::make_unique<link_end>();
    l->id = order.link;
    l->at = order.at;
    const link_id id = order.link;
    links_.emplace(number_of(id), std::move(l));
    when_.after(network_.latency() * 3, [this, id] { connect_link(id); });
}

void shard_driver::connect_link(link_id id)
{
    link_end* l = link(id);
    if (l == nullptr) {
        return; // closed while it was dialled
    }
    if (!is_up(l->at) || when_.now() < dials_fail_until_) {
        lose_link(id, "connection refused");
        return;
    }
    l->wire = network_.connect();
    l->wire->to_gateway->on_bytes = [this, id] {
        if (!when_.runs()) {
            return;
        }
        if (link_end* one = link(id)) {
            one->beat.on_received(when_.now());
        }
        read(id);
    };
    l->wire->to_gateway->on_end = [this, id](bool) {
        if (when_.runs()) {
            link_ended(id);
        }
    };
    l->wire->to_gateway->reading = l->reading;
    brokers_[l->at.color]->accept(l->wire, l->at.index, number_);
    router_.on_link_open(id, when_.now());
}

void shard_driver::read(link_id id)
{
    link_end* l = link(id);
    if (l == nullptr || l->running) {
        return;
    }
    l->running = true;
    const connection_ref wire = l->wire;
    wire->to_gateway->take_into(l->buffer);
    while (l->reading) {
        std::string& bytes = l->buffer;
        const auto result = l->parser.parse(bytes, {.frame_bytes = broker_frame}, l->frame);
        if (result.status == stomp::parse_status::need_more) {
            break;
        }
        if (result.status == stomp::parse_status::failed) {
            checker_.violation("a broker's bytes are no frame");
            break;
        }
        if (result.status == stomp::parse_status::skipped) {
            router_.on_link_skipped(id, l->frame, when_.now());
            l = link(id);
            if (l == nullptr) {
                return;
            }
        }
        if (result.status == stomp::parse_status::frame) {
            const bool connected = l->frame.command == stomp::command::connected;
            if (checker_.tracing()) {
                std::string line = "shard " + std::to_string(number_) + " link " +
                                   std::to_string(number_of(id)) + " gets " +
                                   std::string{to_string(l->frame.command)};
                for (const auto& h : l->frame.headers) {
                    line.append(" ").append(h.name).append(":").append(h.value);
                }
                checker_.note(line + " " + std::string{l->frame.body.substr(0, 12)});
            }
            const auto version = version_of(l->frame.find("version").value_or("1.0"));
            if (connected) {
                begin_beats(*l);
            }
            router_.on_link_frame(id, l->frame, gateway::framing::text, when_.now());
            l = link(id);
            if (l == nullptr) {
                return;
            }
            if (connected) {
                l->parser.set_version(version);
            }
        }
        bytes.erase(0, result.consumed);
    }
    l->running = false;
    if (wire->to_gateway->ended && l->reading) {
        lose_link(id, "closed by the broker");
    }
}

void shard_driver::link_ended(link_id id)
{
    if (link_end* l = link(id); l != nullptr && l->reading) {
        lose_link(id, "closed by the broker");
    }
}

void shard_driver::lose_link(link_id id, std::string_view why)
{
    link_end& l = *link(id);
    if (l.wire) {
        l.wire->to_gateway->orphan();
        l.wire->to_other->on_sent = nullptr;
        l.wire->to_other->finish();
    }
    if (checker_.tracing()) {
        checker_.note(
            "shard " + std::to_string(number_) + " link " + std::to_string(number_of(id)) +
            " lost: " + std::string{why});
    }
    when_.soon([gone = std::shared_ptr<link_end>{std::move(links_.at(number_of(id)))}] {});
    links_.erase(number_of(id));
    router_.on_link_lost(id, why, when_.now());
}

void shard_driver::write_link(
    link_id to, std::string_view head, std::string_view body, gateway::framing)
{
    link_end* l = link(to);
    if (l == nullptr || !l->wire) {
        checker_.violation("the router writes to a link that is not open");
        return;
    }
    if (checker_.tracing_bytes()) {
        checker_.note_bytes(
            "shard " + std::to_string(number_) + " link " + std::to_string(number_of(to)), head,
            body);
    }
    std::string bytes{head};
    bytes.append(body).push_back('\0');
    l->wire->to_other->write(bytes);
    l->over_mark |= l->wire->to_other->waiting() > settings_.broker_outbox;
}

void shard_driver::close_link(link_id which)
{
    const auto at = links_.find(number_of(which));
    if (at == links_.end()) {
        return; // not handed out yet
    }
    link_end& l = *at->second;
    if (l.wire) {
        l.wire->to_gateway->orphan();
        l.wire->to_other->drop_unsent();
        l.wire->to_other->finish();
    }
    when_.soon([gone = std::shared_ptr<link_end>{std::move(at->second)}] {});
    links_.erase(at);
}

bool shard_driver::link_flushed(link_id which) const
{
    const link_end* l = link(which);
    return l == nullptr || !l->wire || l->wire->to_other->flushed();
}

void shard_driver::read_link(link_id which, bool on)
{
    link_end* l = link(which);
    if (l == nullptr || l->reading == on) {
        return;
    }
    l->reading = on;
    if (l->wire) {
        l->wire->to_gateway->reading = on;
    }
    if (on && l->wire) {
        l->beat.on_received(when_.now()); // as link_connection::resume_reading() does
        when_.soon([this, which] {
            if (link_end* again = link(which); again != nullptr && again->wire && again->reading) {
                read(which);
            }
        });
    }
}

std::size_t shard_driver::link_backlog(link_id which) const
{
    const link_end* l = link(which);
    return l == nullptr || !l->wire ? 0 : l->wire->to_other->waiting();
}

void shard_driver::probe(control::endpoint_ref which)
{
    when_.after(network_.latency() * 2, [this, which] {
        const bool ok = is_up(which) && when_.now() >= dials_fail_until_;
        router_.on_probe(which, ok, ok ? "" : "connection refused", when_.now());
    });
}

} // namespace sim
