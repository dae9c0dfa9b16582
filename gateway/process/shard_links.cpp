// A shard's links to brokers: the driver's side of effects.hpp, and health.

#include "broker/stomp/grammar.hpp"
#include "gateway/process/endpoint_probe.hpp"
#include "gateway/process/shard.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>

namespace gateway {

namespace {

// A broker's head is not judged, but each of its headers is an entry in a list while it is read.
constexpr std::size_t broker_headers_max = 64 * 1024;

// The gateway says these itself.
bool is_x_forwarded(std::string_view name)
{
    const auto folded = lower_case(name);
    return folded == "x-forwarded-for" || folded == "x-forwarded-host" ||
           folded == "x-forwarded-proto";
}

} // namespace

broker::link_connection* shard::link(link_id id) const
{
    const auto at = links_.find(static_cast<std::uint64_t>(id));
    return at == links_.end() ? nullptr : at->second.get();
}

std::unique_ptr<broker::link_connection> shard::connect(
    const dial_order& order, broker::link_owner& owner, std::string& why, std::string_view path)
{
    const auto& endpoint = settings_.brokers.colors[order.at.color].endpoints[order.at.index];
    const auto& addresses = where_->of[order.at.color][order.at.index];
    if (addresses.empty()) {
        why = "the name " + endpoint.host + " could not be resolved";
        return nullptr;
    }
    ++loop_.syscalls().connect;
    const auto started = net::start_connect(addresses[next_address_++ % addresses.size()]);
    if (!started) {
        why = started.error().message();
        return nullptr;
    }
    broker::link_transport transport;
    transport.id = order.link;
    transport.color = order.at.color;
    transport.websocket = by_websocket(endpoint.scheme);
    if (within_tls(endpoint.scheme)) {
        const auto& named = settings_.brokers.colors[order.at.color].tls.server_name;
        transport.tls = secure_->towards(order.at.color, endpoint.scheme);
        if (transport.tls == nullptr) { // a reload could not read its files: never in plain text
            why = "the files of brokers." + std::string{to_string(order.at.color)} +
                  ".tls could not be used";
            return nullptr;
        }
        transport.tls_name = named.empty() ? endpoint.host : named;
    }
    transport.limits = {
        .frame_bytes = settings_.limits.broker_frame, .header_count = broker_headers_max};
    transport.outbox_mark = settings_.limits.broker_outbox;
    transport.heart_beat = settings_.heart_beat.broker;
    transport.input_meter = &router_.budget().meter(held_kind::broker_input);
    transport.outbox_meter = &router_.budget().meter(held_kind::broker_outbox);
    auto& frames = counters_.frames[side::broker];
    transport.meters = {
        .bytes_in = &counters_.bytes[side::broker][direction::in],
        .bytes_out = &counters_.bytes[side::broker][direction::out],
        .beats_in = &frames[direction::in][frame_kind::heart_beat],
        .beats_out = &frames[direction::out][frame_kind::heart_beat]};
    if (transport.websocket) {
        transport.upgrade.host = endpoint.host + ":" + std::to_string(endpoint.port);
        transport.upgrade.target = path.empty() ? endpoint.path : std::string{path};
        for (const auto v : {stomp::version::v12, stomp::version::v11, stomp::version::v10}) {
            if (v <= order.version) {
                transport.upgrade.subprotocols.push_back(v);
            }
        }
        transport.upgrade.headers = said_in_handshake(order);
    }
    return std::make_unique<broker::link_connection>(loop_, *started, std::move(transport), owner);
}

// What the client said that is said again, and what the gateway says of the client.
std::vector<std::pair<std::string, std::string>>
shard::said_in_handshake(const dial_order& order) const
{
    const auto& brokers = settings_.brokers;
    std::vector<std::pair<std::string, std::string>> said;
    if (order.handshake_headers != nullptr) {
        for (const auto& [name, value] : *order.handshake_headers) {
            if (order.client == nullptr || !brokers.x_forwarded || !is_x_forwarded(name)) {
                said.emplace_back(name, value);
            }
        }
    }
    if (brokers.origin != "strip" && brokers.origin != "preserve") {
        said.emplace_back("Origin", brokers.origin);
    }
    if (order.client == nullptr) {
        return said;
    }
    const client_origin& of = *order.client;
    if (brokers.origin == "preserve" && !of.origin.empty()) {
        said.emplace_back("Origin", of.origin);
    }
    if (brokers.x_forwarded && !of.forwarded_for.empty()) {
        said.emplace_back("X-Forwarded-For", of.forwarded_for);
    }
    if (brokers.x_forwarded && !of.host.empty()) {
        said.emplace_back("X-Forwarded-Host", of.host);
        said.emplace_back("X-Forwarded-Proto", of.https ? "https" : "http");
    }
    // S19: proven, so that the application may take the gateway's word for who the client is.
    if (const auto& secret = secure_->brokers[order.at.color].identity;
        secret != nullptr && !of.user.empty()) {
        const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
        said.emplace_back(
            brokers.colors[order.at.color].identity->header,
            secret->vouch_for(
                of.user, std::chrono::duration_cast<std::chrono::seconds>(since_1970)));
    }
    return said;
}

void shard::dial(const dial_order& order)
{
    std::string why;
    if (auto made = connect(order, *this, why)) {
        links_.emplace(static_cast<std::uint64_t>(order.link), std::move(made));
    } else {
        const bool unknown = where_->of[order.at.color][order.at.index].empty();
        ++counters_.connect_failures[order.at.color]
                                    [unknown ? dial_failure::resolve : dial_failure::refused];
        failed_dials_.emplace_back(order.link, std::move(why)); // an effect never calls back
        loop_.request_turn();
    }
}

void shard::write_link(link_id to, std::string_view head, std::string_view body, framing as)
{
    if (broker::link_connection* l = link(to)) {
        const auto known = stomp::grammar::find_command(head.substr(0, head.find_first_of("\r\n")));
        ++counters_.frames[side::broker][direction::out]
                          [known ? kind_of(*known) : frame_kind::other];
        l->write_frame(head, body, as);
        if (samples_.wanted(direction::in)) {
            samples_.appended(static_cast<std::uint64_t>(to), l->out().appended());
        }
    }
}

void shard::close_link(link_id which)
{
    if (const auto at = links_.find(static_cast<std::uint64_t>(which)); at != links_.end()) {
        auto left = std::move(at->second);
        links_.erase(at);
        if (left->speaks_websocket() && left->flushed()) {
            part(std::move(left));
        } else { // S3: what it was to write counts as lost, and is not written any more
            left->abandon();
            lost_links_.push_back(std::move(left));
        }
        loop_.request_turn();
    }
}

// A WebSocket that ends without a close frame is a fault in an application's eyes.
void shard::part(std::unique_ptr<broker::link_connection> left)
{
    left->farewell();
    parting_.push_back(std::move(left));
}

bool shard::link_flushed(link_id which) const
{
    const broker::link_connection* l = link(which);
    return l == nullptr || l->flushed();
}

void shard::read_link(link_id which, bool on)
{
    if (broker::link_connection* l = link(which)) {
        if (!on && l->reading()) {
            ++counters_.backpressure_pauses[side::broker];
        }
        on ? l->resume_reading() : l->pause_reading();
    }
}

std::size_t shard::link_backlog(link_id which) const
{
    const broker::link_connection* l = link(which);
    return l == nullptr ? 0 : l->out().size();
}

void shard::link_open(link_id id)
{
    if (const auto* l = link(id)) {
        auto& spans = counters_.connect_duration[l->color()];
        const auto& reached = l->reached();
        spans[l->within_tls() ? dial_phase::tls : dial_phase::tcp].observe(
            reached.secured - reached.began);
        if (l->is_websocket()) {
            spans[dial_phase::websocket].observe(reached.open - reached.began);
        }
    }
    router_.on_link_open(id, loop_.now());
}

void shard::link_frame(link_id id, const stomp::frame_view& frame, framing as)
{
    if (frame.command == stomp::command::message) {
        samples_.frame(direction::out, loop_.now());
    }
    router_.on_link_frame(id, frame, as, loop_.now());
    samples_.over();
}

void shard::link_skipped(link_id id, const stomp::frame_view& head)
{
    ++counters_.frame_errors[side::broker][frame_error::size];
    router_.on_link_skipped(id, head, loop_.now());
}

void shard::link_drained(link_id id)
{
    router_.on_link_drained(id, loop_.now());
}

void shard::link_lost(link_id id, std::string why)
{
    counters_.heart_beat_timeouts[side::broker] += why == broker::broker_was_silent;
    if (const auto* l = link(id)) {
        count_lost_dial(*l, l->color());
        counters_.frame_errors[side::broker][error_of(l->reached().fault)] +=
            l->reached().malformed;
    }
    forget_link(id);
    router_.on_link_lost(id, why, loop_.now());
}

void shard::link_refused(link_id id, websocket::upgrade_refusal what)
{
    if (const auto* l = link(id)) {
        ++counters_.connect_failures[l->color()][dial_failure::upgrade];
    }
    forget_link(id);
    // E8: who stands in front of the endpoint has no word on one client's login.
    if (websocket::says_not_ready(what.status)) {
        router_.on_link_lost(id, what.why, loop_.now());
    } else {
        router_.on_link_refused(id, what.why, loop_.now());
    }
}

void shard::forget_link(link_id id)
{
    if (const auto at = links_.find(static_cast<std::uint64_t>(id)); at != links_.end()) {
        lost_links_.push_back(std::move(at->second));
        links_.erase(at);
        loop_.request_turn();
    }
}

void shard::start_probe(
    control::endpoint_ref which, bool preflight, std::function<void(bool, std::string)> done)
{
    const auto how = preflight ? endpoint_probe::depth::preflight : endpoint_probe::depth::health;
    probes_.push_back(std::make_unique<endpoint_probe>(
        *this, which, how, std::chrono::seconds{2}, std::move(done)));
    probes_.back()->start();
}

void shard::probe(control::endpoint_ref which)
{
    // From a post of its own: a probe that fails at once must not call back from inside an effect.
    post([this, which] {
        start_probe(which, false, [this, which](bool ok, std::string why) {
            counters_.probes[which.color].count(which.index, ok);
            router_.on_probe(which, ok, std::move(why), loop_.now());
            loop_.request_turn(); // it may come from the end of one, and the next probe has a time
        });
    });
}

void shard::check_endpoints(
    color c, std::function<void(std::vector<std::pair<bool, std::string>>)> done)
{
    struct collection {
        std::vector<std::pair<bool, std::string>> answers;
        std::size_t open = 0;
        std::function<void(std::vector<std::pair<bool, std::string>>)> done;
    };
    auto all = std::make_shared<collection>();
    const std::size_t count = settings_.brokers.colors[c].endpoints.size();
    all->answers.resize(count);
    all->open = count;
    all->done = std::move(done);
    for (std::size_t i = 0; i < count; ++i) {
        if (settings_.brokers.colors[c].endpoints[i].removed) {
            --all->open; // another one is left: a configuration has one at least
            continue;
        }
        start_probe({c, static_cast<std::uint16_t>(i)}, true, [all, i](bool ok, std::string why) {
            all->answers[i] = {ok, std::move(why)};
            if (--all->open == 0) {
                all->done(std::move(all->answers));
            }
        });
    }
}

} // namespace gateway
