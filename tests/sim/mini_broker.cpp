#include "broker/own_headers.hpp"
#include "tests/sim/mini_broker_channel.hpp"
#include "tests/sim/mini_stream.hpp"

namespace sim {

// Of who only publishes: what it is told goes nowhere.
struct mini_broker::deaf_sink final : embedded::session_sink {
    void write(std::string_view, const net::payload_ref&) override {}
    std::size_t unsent() const noexcept override { return 0; }
    void close(parting) override {}
};

mini_broker::mini_broker(
    color which, std::size_t nodes, embedded::broker_options options, broker_ways ways,
    scheduler& when, checker& check, const heart_beats& beats, std::uint64_t seed)
    : which_(which), nodes_(nodes, true), options_(std::move(options)), ways_(ways), when_(when),
      checker_(check), beats_(beats), random_(seed, 3000 + static_cast<std::uint64_t>(which))
{
    flow_->nodes = nodes;
    flow_->paths.resize(nodes * nodes);
    revive();
}

mini_broker::~mini_broker()
{
    for (auto& [number, c] : channels_) {
        c->wire->to_other->orphan();
        c->wire->to_gateway->on_sent = nullptr;
    }
}

void mini_broker::revive()
{
    alive_ = true;
    if (core_ == nullptr) {
        options_.nonce = std::string{to_string(which_)} + std::to_string(++life_);
        core_ = std::make_shared<embedded::broker_core>(options_);
    }
}

void mini_broker::share(mini_broker& other)
{
    core_ = other.core_;
    stream_ = other.stream_ = std::make_shared<mini_stream>(checker_);
    common_ = other.common_ = true;
    flow_ = other.flow_;
    first_ = other.nodes_.size();
    flow_->nodes += nodes_.size();
    flow_->paths.assign(flow_->nodes * flow_->nodes, {});
}

void mini_broker::publish(std::size_t node, const stomp::frame_view& frame)
{
    if (core_ == nullptr) {
        return;
    }
    if (beside_ == nullptr) {
        beside_ = std::make_unique<deaf_sink>();
        beside_session_ = core_->open(*beside_, when_.now());
        stomp::frame_view connect;
        connect.command = stomp::command::connect;
        connect.headers = {{"accept-version", "1.2"}, {"host", "/"}, {"heart-beat", "0,0"}};
        core_->on_frame(beside_session_, connect, when_.now());
    }
    flow_->running = first_ + node;
    flow_->routing = true;
    core_->on_frame(beside_session_, frame, when_.now());
    flow_->running.reset();
}

void mini_broker::accept(connection_ref made, std::size_t node, unsigned shard)
{
    auto c = std::make_unique<channel>();
    channel& made_channel = *c;
    c->broker = this;
    c->number = ++last_channel_;
    c->wire = std::move(made);
    c->node = node;
    c->shard = shard;
    c->session = core_->open(*c, when_.now());
    const auto number = c->number;
    c->wire->to_other->on_bytes = [this, &made_channel] { on_bytes(made_channel); };
    c->wire->to_other->on_end = [this, &made_channel](bool) { on_end(made_channel); };
    c->wire->to_gateway->on_sent = [this, number] {
        if (const auto at = channels_.find(number); at != channels_.end() && !at->second->ended) {
            core_->on_writable(at->second->session, when_.now());
        }
    };
    channels_.emplace(number, std::move(c));
}

void mini_broker::on_bytes(channel& c)
{
    c.wire->to_other->take_into(c.buffer);
    core_->on_received(c.session, when_.now());
    std::string& bytes = c.buffer;
    std::size_t used = 0;
    while (!c.ended) {
        const auto result = c.parser.parse(
            std::string_view{bytes}.substr(used), core_->frame_limits(c.session), c.frame);
        if (result.status == stomp::parse_status::need_more) {
            break;
        }
        if (result.status == stomp::parse_status::failed) {
            checker_.violation(
                std::string{to_string(which_)} + " was sent bytes that are no frame");
            core_->on_fault(c.session, result.error, when_.now());
            break;
        }
        // What a client said loosely comes in the strict form (docs/outside.md F2).
        const auto passed = std::string_view{bytes}.substr(used, result.consumed);
        if (passed.find('\r') != passed.npos || passed.starts_with('\0')) {
            checker_.violation(std::string{to_string(which_)} + " was sent a CR or a stray NUL");
        }
        if (result.status == stomp::parse_status::frame) {
            take(c, c.frame);
            c.parser.set_version(core_->version(c.session));
            if (beats_.on && c.frame.command == stomp::command::connect) {
                await_deadline(c);
            }
        }
        used += result.consumed;
    }
    bytes.erase(0, c.ended ? bytes.size() : used);
}

void mini_broker::on_frame(channel& c, const stomp::frame_view& frame)
{
    if (checker_.tracing()) {
        std::string line = std::string{to_string(which_)} + " link " + std::to_string(c.number) +
                           " <- " + std::string{to_string(frame.command)};
        for (const auto& h : frame.headers) {
            line.append(" ").append(h.name).append(":").append(h.value);
        }
        checker_.note(line + " " + std::string{frame.body.substr(0, 12)});
    }
    const auto before = core_->stats().clients.sent;
    std::vector<message_key> arriving;
    const auto key = key_of(frame.body);
    const auto transaction = frame.find("transaction");
    switch (frame.command) {
    case stomp::command::send:
        if (key && transaction) {
            c.transactions[std::string{*transaction}].push_back(*key);
        } else if (key) {
            arriving.push_back(*key);
        }
        break;
    case stomp::command::commit:
        arriving = std::exchange(c.transactions[std::string{*transaction}], {});
        break;
    case stomp::command::subscribe:
        c.subscriptions[std::string{*frame.find("id")}] = std::string{*frame.find("destination")};
        break;
    case stomp::command::ack:
    case stomp::command::nack:
        if (c.settled.contains(std::string{frame.find("id").value_or("")})) {
            checker_.violation(
                std::string{to_string(which_)} + " was sent an ACK of what brought no id: K6");
        }
        break;
    case stomp::command::unsubscribe: c.subscriptions.erase(std::string{*frame.find("id")}); break;
    case stomp::command::disconnect:
        c.disconnected = true;
        for (const auto& [id, destination] : c.subscriptions) {
            checker_.on_subscription_left(which_, c.shard, destination);
        }
        break;
    default: break;
    }
    flow_->running = first_ + c.node;
    flow_->routing = frame.command == stomp::command::send || frame.command == stomp::command::commit;
    const bool streamed = stream_ != nullptr && stream_->take(*this, c.number, frame);
    // Some come as from a publisher beside the gateway who says a marker's header (K2): each is a
    // MESSAGE like any other, and joins nothing.
    std::string mark;
    const bool ended = !streamed && ways_.refuses && ends(c, frame);
    if (!streamed && !ended && frame.command == stomp::command::send && key && key->number % 16 == 3) {
        mark = "s" + std::to_string(1 + key->number / 16 % 9) + "+" +
               std::to_string(1 + key->number % 3) + forged_seal;
        stomp::frame_view marked = frame;
        marked.headers.push_back({broker::marker_header, mark});
        core_->on_frame(c.session, marked, when_.now());
    } else if (!streamed && !ended && leaves_unanswered(frame, key)) {
        stomp::frame_view silent = frame;
        std::erase_if(silent.headers, [](const auto& h) { return h.name == "receipt"; });
        core_->on_frame(c.session, silent, when_.now());
    } else if (!streamed && !ended) {
        core_->on_frame(c.session, frame, when_.now());
    }
    flow_->running.reset();
    if (streamed || core_->stats().clients.sent - before == arriving.size()) {
        for (const message_key one : arriving) {
            checker_.on_arrival(which_, one);
        }
    }
    // E10: nobody else rides where one is refused, so that nothing is excused.
    const bool subscribes = frame.command == stomp::command::subscribe;
    if (c.ended && !subscribes &&
        frame.command !=
            stomp::command::disconnect) { // an ERROR: whoever else rode on that link has a gap
        for (const auto& [id, destination] : c.subscriptions) {
            checker_.on_subscription_cut(which_, c.shard, destination);
        }
    } else if (subscribes && !c.ended) {
        checker_.on_subscribed(which_, c.shard, std::string{*frame.find("destination")});
    }
}

bool mini_broker::leaves_unanswered(
    const stomp::frame_view& frame, const std::optional<message_key>& key) const
{
    return ways_.unanswered && frame.command == stomp::command::send && key && key->number % 8 == 6;
}

void mini_broker::on_end(channel& c)
{
    if (c.said_error && !c.disconnected && !c.ended) { // E4: what was on its way is lost with it
        checker_.on_link_given_up();
        for (const auto& [id, destination] : c.subscriptions) {
            checker_.on_subscription_cut(which_, c.shard, destination);
        }
    }
    while (!c.deferred.empty()) {
        take_deferred(c);
    }
    core_->on_gone(c.session, when_.now());
    c.wire->to_gateway->finish();
    forget(c.number);
}

void mini_broker::forget(std::uint64_t number)
{
    channel& c = *channels_.at(number);
    if (stream_ != nullptr) {
        stream_->forget(*this, number);
    }
    c.wire->to_other->orphan();
    c.wire->to_gateway->on_sent = nullptr;
    when_.soon([gone = std::shared_ptr<channel>{std::move(channels_.at(number))}] {
    }); // its own callback runs still
    channels_.erase(number);
}

void mini_broker::write_to(std::uint64_t number, const std::string& bytes)
{
    const auto at = channels_.find(number);
    if (at != channels_.end() && !at->second->ended) {
        at->second->wire->to_gateway->write(bytes);
    }
}

void mini_broker::lose(channel& c, random_source& random)
{
    for (const auto& [id, destination] : c.subscriptions) {
        checker_.on_subscription_cut(which_, c.shard, destination);
    }
    if (core_ != nullptr) {
        core_->on_gone(c.session, when_.now());
    }
    c.wire->cut(random.chance(50));
    forget(c.number);
}

void mini_broker::kill(random_source& random)
{
    if (!alive_) {
        return;
    }
    checker_.note(std::string{to_string(which_)} + " is killed");
    alive_ = false;
    if (!common_) {
        checker_.on_killed(which_);
        core_ = nullptr;
    }
    while (!channels_.empty()) {
        lose(*channels_.begin()->second, random);
    }
}

void mini_broker::cut_node(std::size_t node, random_source& random)
{
    checker_.note(std::string{to_string(which_)} + "/" + std::to_string(node) + " is cut off");
    nodes_[node] = false;
    std::vector<std::uint64_t> there;
    for (const auto& [number, c] : channels_) {
        if (c->node == node) {
            there.push_back(number);
        }
    }
    for (const auto number : there) {
        lose(*channels_.at(number), random);
    }
}

void mini_broker::cut_link(random_source& random)
{
    if (!channels_.empty()) {
        const auto at = std::next(
            channels_.begin(), static_cast<std::ptrdiff_t>(random.below(channels_.size())));
        checker_.note(
            std::string{to_string(which_)} + " link " + std::to_string(at->first) + " is cut");
        if (ways_.rabbitmq && !at->second->ended && random.chance(50)) {
            close_by_operator(*at->second, random);
        } else {
            lose(*at->second, random);
        }
    }
}

void mini_broker::stall_link(random_source& random, time_point until)
{
    if (!channels_.empty()) {
        const auto at = std::next(
            channels_.begin(), static_cast<std::ptrdiff_t>(random.below(channels_.size())));
        checker_.note(
            std::string{to_string(which_)} + " link " + std::to_string(at->first) + " stalls");
        at->second->wire->stall(until);
        at->second->stalled = true;
    }
}

void mini_broker::tell_what_is_left() const
{
    if (core_ == nullptr) {
        return;
    }
    if (stream_ != nullptr) {
        stream_->tell_what_is_left();
    }
    const auto tell = [&](const embedded::queued& item) {
        const auto bytes = item.what.wire->bytes();
        const auto blank = bytes.find("\n\n");
        if (blank != bytes.npos) {
            if (const auto key = key_of(bytes.substr(blank + 2))) {
                checker_.on_left_in_queue(*key);
            }
        }
    };
    core_->queues().each([&](const embedded::message_queue& queue) {
        for (std::size_t i = 0; i < queue.ready.size(); ++i) {
            tell(queue.ready[i]);
        }
        for (const embedded::subscription* s : queue.consumers) {
            for (std::size_t i = 0; i < s->unacked.size(); ++i) {
                if (s->unacked[i].open()) {
                    tell(s->unacked[i].item);
                }
            }
        }
    });
}

} // namespace sim
