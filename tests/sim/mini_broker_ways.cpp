// Where a broker is worse than its core: what takes its time, and what overtakes what.

#include "tests/sim/mini_broker_channel.hpp"

#include <algorithm>

namespace sim {

namespace {

// CONNECT comes first, so nothing lies before it; BEGIN and ABORT are the reader's own business.
bool waits_for_nothing(stomp::command c)
{
    return c == stomp::command::connect || c == stomp::command::stomp ||
           c == stomp::command::begin || c == stomp::command::abort;
}

std::string subscription_of(std::string_view message)
{
    constexpr std::string_view name = "\nsubscription:";
    const auto at = message.find(name);
    const auto blank = message.find("\n\n");
    if (at == message.npos || at > blank) {
        return {};
    }
    const auto from = at + name.size();
    return std::string{message.substr(from, message.find('\n', from) - from)};
}

// Why a broker does not take that SEND or SUBSCRIBE; empty: it does.
std::string fault_of(const stomp::frame_view& frame)
{
    const auto destination = frame.find("destination").value_or("");
    if (frame.command == stomp::command::subscribe && destination.starts_with("/nosuch/")) {
        return "'" + std::string{destination} + "' is not a valid destination";
    }
    if (frame.command != stomp::command::send) {
        return {};
    }
    if (destination.starts_with("/topic/bad/")) {
        return "'" + std::string{destination.substr(6)} + "' is not a valid topic destination";
    }
    return frame.find("priority") == std::string_view{"high"} ? "Processing error" : "";
}

} // namespace

net::duration mini_broker::deferral()
{
    return random_.chance(3) ? random_.milliseconds(1, 15) : random_.microseconds(0, 400);
}

void mini_broker::write_error(channel& c, std::string_view message, std::string_view body)
{
    if (checker_.tracing()) {
        checker_.note(
            std::string{to_string(which_)} + " link " + std::to_string(c.number) +
            " -> ERROR " + std::string{message} + ": " + std::string{body});
    }
    c.said_error = true;
    c.wire->to_gateway->write(
        "ERROR\nmessage:" + std::string{message} + "\ncontent-length:" +
        std::to_string(body.size()) + "\n\n" + std::string{body} + '\0');
}

// True: that was all of it. These are a reader's own business, and come in the order of the frames.
bool mini_broker::refuses(channel& c, const stomp::frame_view& frame)
{
    const std::string why = fault_of(frame);
    const std::string transaction{frame.find("transaction").value_or("")};
    if (frame.command == stomp::command::commit || frame.command == stomp::command::abort) {
        for (const auto& one : std::exchange(c.refused[transaction], {})) {
            if (frame.command == stomp::command::commit) {
                write_error(c, "Invalid destination", one);
            }
        }
        return false;
    }
    if (why.empty()) {
        return false;
    }
    if (!transaction.empty()) {
        c.refused[transaction].push_back(why);
    } else {
        write_error(c, "Invalid destination", why);
    }
    return true;
}

// The channel behind it dies: frames that were read by then are answered with ERRORs first.
bool mini_broker::ends(channel& c, const stomp::frame_view& frame)
{
    const auto destination = frame.find("destination").value_or("");
    const bool nosuch = destination.starts_with("/exchange/nosuch/");
    if (frame.command != stomp::command::send ||
        (!nosuch && frame.find("expiration") != std::string_view{"soon"})) {
        return false;
    }
    answer_deferred(c);
    write_error(
        c, nosuch ? "not_found" : "precondition_failed",
        nosuch ? "NOT_FOUND - no exchange 'nosuch' in vhost '/'"
               : "PRECONDITION_FAILED - invalid expiration 'soon': no_integer");
    end(c);
    return true;
}

void mini_broker::answer_deferred(channel& c)
{
    for (const auto& next : c.deferred) {
        if (next.command == stomp::command::send) {
            write_error(c, "Processing error", "Processing error");
        }
    }
}

void mini_broker::end(channel& c)
{
    core_->on_gone(c.session, when_.now());
    c.ended = true;
    c.wire->to_gateway->finish();
}

// E5: the reason comes behind the answers, or never. No client is at fault.
void mini_broker::close_by_operator(channel& c, random_source& random)
{
    for (const auto& [id, destination] : c.subscriptions) {
        checker_.on_subscription_cut(which_, c.shard, destination);
    }
    answer_deferred(c);
    if (random.chance(50)) {
        write_error(
            c, "AMQP channel died",
            "Reason: {shutdown,{connection_closing,{server_initiated_close,320,"
            "<<\"CONNECTION_FORCED - closed\">>}}}");
    }
    end(c);
}

void mini_broker::take(channel& c, const stomp::frame_view& frame)
{
    if (ways_.refuses && refuses(c, frame)) {
        return;
    }
    if (!ways_.rabbitmq || waits_for_nothing(frame.command)) {
        on_frame(c, frame);
        return;
    }
    c.deferred.emplace_back(frame);
    c.last_effect = std::max(c.last_effect, when_.now() + deferral());
    when_.at(c.last_effect, [this, number = c.number] {
        if (const auto at = channels_.find(number);
            at != channels_.end() && !at->second->deferred.empty()) {
            take_deferred(*at->second);
        }
    });
}

void mini_broker::take_deferred(channel& c)
{
    const stomp::frame next = std::move(c.deferred.front());
    c.deferred.pop_front();
    if (c.ended) {
        return;
    }
    const auto receipt = next.find("receipt");
    if (next.command == stomp::command::subscribe && receipt) {
        c.shadow = "RECEIPT\nreceipt-id:" + std::string{*receipt} + "\n\n" + '\0';
    }
    if (const auto key = key_of(next.view().body);
        key && next.command == stomp::command::send && key->number % 8 == 5) {
        c.confirms_after = std::chrono::milliseconds{1 + key->number % 13};
    }
    on_frame(c, next.view());
    c.shadow.clear();
    c.confirms_after.reset();
}

// The end of the link and a DISCONNECT, which is answered at once, forget it.
void mini_broker::confirm(channel& to, std::string bytes, net::duration after)
{
    when_.at(when_.now() + after, [this, number = to.number, text = std::move(bytes)] {
        if (const auto at = channels_.find(number);
            at != channels_.end() && !at->second->ended && !at->second->disconnected) {
            at->second->wire->to_gateway->write(as_said(text));
        }
    });
}

// Between two nodes order is kept. What an acknowledgement sets free was routed before, from
// wherever: it overtakes nothing.
void mini_broker::bring(channel& to, std::string bytes)
{
    const std::size_t at_node = first_ + to.node, nodes = flow_->nodes;
    const std::size_t from = flow_->running.value_or(at_node);
    const bool far = ways_.cluster && from != at_node;
    net::duration takes = !far                ? random_.microseconds(0, 100)
                          : random_.chance(5) ? random_.milliseconds(5, 40)
                                              : random_.microseconds(50, 3000);
    if (beats_.on) { // the core takes it as sent by now
        takes = std::min<net::duration>(takes, std::chrono::milliseconds{20});
    }
    time_point at = when_.now() + takes;
    const bool behind_all = !flow_->routing || !flow_->running;
    for (const bool noted : {false, true}) {
        for (std::size_t i = 0; i < nodes; ++i) {
            time_point& last = flow_->paths[i * nodes + at_node];
            if (i == from || behind_all) {
                noted ? last = at : at = std::max(at, last);
            }
        }
    }
    when_.at(
        at, [this, number = to.number, which = subscription_of(bytes), text = std::move(bytes)] {
            arrive(number, which, text);
        });
}

// UNSUBSCRIBE, ERROR and the end of the link lose what is in flight.
void mini_broker::arrive(
    std::uint64_t number, const std::string& subscription, const std::string& bytes)
{
    const auto at = channels_.find(number);
    if (at == channels_.end() || at->second->ended) {
        return;
    }
    channel& c = *at->second;
    if (c.subscriptions.contains(subscription) || subscription.starts_with("/temp-queue/")) {
        c.wire->to_gateway->write(as_said(bytes));
    } else if (beats_.on) { // the core took it as sent, and beats the later for it
        c.wire->to_gateway->write("\n");
    }
}

// The core, which gave an id, is told at once; it is in the middle of something now.
std::string mini_broker::without_id(channel& to, std::string bytes)
{
    constexpr std::string_view name = "\nack:";
    const auto head = std::string_view{bytes}.substr(0, bytes.find("\n\n"));
    const auto at = head.find(name);
    if (!ways_.without_ids || !bytes.starts_with("MESSAGE\n") || at == head.npos ||
        head.find("\ndestination:/topic/") == head.npos ||
        core_->version(to.session) != stomp::version::v12 || ++unnamed_ % 3 != 0) {
        return bytes;
    }
    const auto end = std::min(head.find('\n', at + 1), head.size());
    const std::string id{head.substr(at + name.size(), end - at - name.size())};
    to.settled.insert(id);
    when_.soon([this, id, number = to.number] {
        if (const auto there = channels_.find(number);
            there != channels_.end() && !there->second->ended) {
            stomp::frame_view ack;
            ack.command = stomp::command::ack;
            ack.headers = {{"id", id}};
            core_->on_frame(there->second->session, ack, when_.now());
        }
    });
    bytes.erase(at, end - at);
    return bytes;
}

std::string mini_broker::as_said(std::string bytes)
{
    const std::size_t head = bytes.find("\n\n");
    if (!ways_.odd || head == bytes.npos) {
        return bytes;
    }
    std::string odd;
    const bool crlf = ++said_ % 2 == 0;
    for (const char c : bytes.substr(0, head)) {
        odd.append(c == '\n' && crlf ? "\r\n" : std::string(1, c));
    }
    odd += std::string{"\nodd:\\q\r\0\xff\nno colon\n", 20} + (crlf ? "\r\n" : "\n");
    odd += bytes.substr(head + 2);
    odd += '\0';
    if (said_ % 40 == 0 && bytes.starts_with("MESSAGE\n")) { // one that no gateway has to deliver
        odd += "MESSAGE\nsubscription:" + subscription_of(bytes) + "\n\n" +
               std::string(5'000, 'x') + '\0';
    }
    return said_ % 5 == 0 ? odd + std::string{"INFO\nodd:1\n\nbody\0\r\n", 19} : odd;
}

// The core's clocks of heart-beats, for as long as the world's run.
void mini_broker::await_deadline(const channel& c)
{
    const time_point next = core_->next_deadline(c.session);
    if (next != net::never) {
        when_.at(next, [this, number = c.number] { run_deadline(number); });
    }
}

void mini_broker::run_deadline(std::uint64_t number)
{
    const auto at = channels_.find(number);
    if (at == channels_.end() || at->second->ended || !beats_.on) {
        return;
    }
    channel& c = *at->second;
    core_->on_deadline(c.session, when_.now());
    if (!c.ended) {
        await_deadline(c);
        return;
    }
    if (!c.stalled) {
        checker_.violation(
            std::string{to_string(which_)} + " link " + std::to_string(number) +
            " ends: the gateway was silent for twice its heart-beat");
    }
    for (const auto& [id, destination] : c.subscriptions) {
        checker_.on_subscription_cut(which_, c.shard, destination);
    }
}

void mini_broker::given_up(const connection_ref& wire)
{
    for (const auto& [number, c] : channels_) {
        if (c->wire == wire) {
            if (!c->stalled) {
                checker_.violation(
                    std::string{to_string(which_)} + " link " + std::to_string(number) +
                    " is given up, and was not silent");
            }
            checker_.on_link_given_up();
            for (const auto& [id, destination] : c->subscriptions) {
                checker_.on_subscription_cut(which_, c->shard, destination);
            }
        }
    }
}

} // namespace sim
