// The cores' surroundings: what their effects do, and how what is under way reaches them.

#include "tests/sim/session_world.hpp"

#include "gateway/settings/config.hpp"

#include "tests/sim/session_world_end.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view topic = "/topic/t";
constexpr unsigned first_outside = 1001;

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

constexpr broker::secrets known_secrets{{1, 2}, {3, 4}, {5, 6}};
const std::string barrier_name = broker::private_names{known_secrets.names, 0}.barrier();

gateway::shard_settings settings(bool shared)
{
    auto s = gateway::shard_settings_of({}, 1, 0, {});
    for (const color c : broker::colors) {
        const std::string name = std::string{to_string(c).substr(0, 1)} + "1";
        s.endpoints[c].push_back({.name = name, .url = "stomp://" + name});
        s.health[c].interval = 1000h;
    }
    s.shared = shared;
    s.connect_rate = 1e6;
    s.auth_recheck = 0s;
    s.client_heart_beat = s.broker_heart_beat = 0s;
    s.secrets = known_secrets;
    return s;
}

control::switch_order order_of(control::switch_number id, color to)
{
    control::switch_order o;
    o.id = id;
    o.request.to = to;
    o.settings.connect_rate = 1e6;
    o.settings.members = {
        .linger = 50ms,
        .seam_timeout = 2s,
        .seam_quiet = 20ms,
        .receipt_timeout = 1s,
        .marker_interval = 500ms,
        .drain_timeout = 3s,
        .pin_timeout = 2s};
    return o;
}

template <class F>
void with_frame(stomp::parser& parser, std::string_view bytes, F&& then)
{
    stomp::frame_view frame;
    while (!bytes.empty()) {
        const auto result = parser.parse(bytes, {}, frame);
        if (result.status == stomp::parse_status::frame) {
            then(frame);
        } else if (result.status != stomp::parse_status::heart_beat) {
            return;
        }
        bytes.remove_prefix(result.consumed);
    }
}

} // namespace

session_world::session_world(const session_plan& plan)
    : plan_(plan), coordinator_(1, {}), loss_left_(plan.losses), abort_left_(plan.aborts)
{
    router_ = std::make_unique<gateway::router>(settings(plan.shared), *this, counters_);
    for (const color c : broker::colors) {
        embedded::broker_options how;
        how.nonce = std::string{to_string(c)};
        brokers_[c] = std::make_unique<embedded::broker_core>(how);
        auto& one = publishers_[c];
        one = std::make_unique<end>();
        one->world = this;
        one->at = c;
        one->session = brokers_[c]->open(*one, now_);
        using namespace std::string_literals;
        with_frame(
            one->broker_parser, "CONNECT\naccept-version:1.2\nhost:/\n\n\0"s,
            [&](const auto& frame) { brokers_[c]->on_frame(one->session, frame, now_); });
        one->broker_parser.set_version(stomp::version::v12);
    }
    router_->start(color::blue, 1, now_);
    client_ = router_->open_client("client", {}, now_);
    settle();
}

session_world::~session_world() = default;

void session_world::violation(std::string what)
{
    if (tracing) {
        trace += "    VIOLATION " + what + "\n";
    }
    violations_.push_back(std::move(what));
}

void session_world::told(std::uint64_t& history, std::uint64_t what, std::string_view bytes)
{
    const auto mix = [&](std::uint64_t v) {
        std::uint64_t z = history + 0x9e3779b97f4a7c15U + v;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        history = z ^ (z >> 31);
    };
    mix(what);
    mix(std::hash<std::string_view>{}(bytes));
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
}

// ---- effects

void session_world::say(std::string frame)
{
    frame.push_back('\0');
    from_client_.push_back({std::move(frame), ++stamp_});
}

void session_world::write_client(
    gateway::session_id, std::string_view head, std::string_view body, gateway::framing)
{
    std::string bytes{head};
    bytes.append(body).push_back('\0');
    client_gets(bytes);
}

void session_world::write_client(
    gateway::session_id, std::string_view head, const net::payload_ref& rest, gateway::framing)
{
    std::string bytes{head};
    bytes.append(rest->bytes());
    client_gets(bytes);
}

void session_world::close_client(
    gateway::session_id, gateway::disconnect_reason, std::string_view text)
{
    closed_ = true;
    from_client_.clear();
    if (!leave_asked_ && !said_disconnect_) {
        violation("the client is closed: " + std::string{text});
    }
}

void session_world::dial(const gateway::dial_order& order)
{
    auto made = std::make_unique<end>();
    made->world = this;
    made->number = static_cast<std::uint64_t>(order.link);
    made->at = order.at.color;
    made->dialled = ++stamp_;
    links_.emplace(made->number, std::move(made));
}

void session_world::read_link(gateway::link_id which, bool on)
{
    if (const auto at = links_.find(static_cast<std::uint64_t>(which)); at != links_.end()) {
        at->second->reading = on;
    }
}

void session_world::report(control::report what)
{
    std::visit(
        overloaded{
            [&](const control::prepared& r) { judge_tally(r.numbers); },
            [&](const control::adopted& r) { judge_tally(r.numbers); },
            [&](const control::released& r) { judge_tally(r.numbers); },
            [&](const control::numbers& r) { judge_tally(r.now); },
            [](const auto&) {},
        },
        what.what);
    reports_.push_back({std::move(what), ++stamp_, router_history_});
}

void session_world::write_link(
    gateway::link_id to, std::string_view head, std::string_view body, gateway::framing)
{
    const auto at = links_.find(static_cast<std::uint64_t>(to));
    if (at == links_.end() || !at->second->open || at->second->router_gone) {
        violation("the router writes to a link that is not open");
        return;
    }
    std::string bytes{head};
    bytes.append(body).push_back('\0');
    end& l = *at->second;
    const auto receipt = bytes.find("\nreceipt:");
    if (plan_.error == forged::no_barrier && bytes.find(barrier_name) != bytes.npos &&
        receipt != bytes.npos && !l.to_broker.empty()) {
        const auto from = receipt + 9;
        std::string early =
            "RECEIPT\nreceipt-id:" + bytes.substr(from, bytes.find('\n', from) - from) + "\n\n";
        early.push_back('\0');
        l.to_router.push_back({std::move(early), ++stamp_});
        return;
    }
    l.to_broker.push_back({std::move(bytes), ++stamp_});
}

void session_world::close_link(gateway::link_id which)
{
    const auto at = links_.find(static_cast<std::uint64_t>(which));
    if (at == links_.end()) {
        return;
    }
    end& l = *at->second;
    l.router_gone = true;
    l.to_router.clear();
    l.to_broker.push_back({{}, ++stamp_});
}

bool session_world::link_flushed(gateway::link_id which) const
{
    const auto at = links_.find(static_cast<std::uint64_t>(which));
    return at == links_.end() || at->second->to_broker.empty();
}

void session_world::broker_writes(end& l, std::string bytes)
{
    if (l.number == 0 || l.router_gone) {
        return; // the publisher outside reads nothing
    }
    const bool end_of_all = bytes.empty();
    if (plan_.error == forged::discard_after_hold && bytes.starts_with("MESSAGE") &&
        bytes.find(topic) != bytes.npos && l.at != router_->live()) {
        return;
    }
    const bool marker = bytes.starts_with("MESSAGE") && bytes.find(topic) == bytes.npos;
    if (plan_.error == forged::marker_first && marker) {
        l.to_router.push_front({std::move(bytes), ++stamp_});
        return;
    }
    l.to_router.push_back({std::move(bytes), ++stamp_});
    l.broker_gone |= end_of_all;
}

// ---- what is under way arrives

void session_world::broker_takes(end& l)
{
    const pipe_frame frame = std::move(l.to_broker.front());
    l.to_broker.pop_front();
    embedded::broker_core& broker = *brokers_[l.at];
    told(broker_history_[l.at], l.number, frame.bytes);
    if (frame.bytes.empty()) {
        if (!l.broker_gone) {
            l.broker_gone = true;
            broker.on_gone(l.session, now_);
        }
        return;
    }
    if (l.broker_gone) {
        return;
    }
    with_frame(l.broker_parser, frame.bytes, [&](const stomp::frame_view& one) {
        if (one.command == stomp::command::send && one.find("destination").value_or("") == topic) {
            on_arrival(l.at, one.body);
        }
        broker.on_frame(l.session, one, now_);
        l.broker_parser.set_version(broker.version(l.session));
    });
}

void session_world::router_takes(end& l)
{
    const pipe_frame frame = std::move(l.to_router.front());
    l.to_router.pop_front();
    told(router_history_, l.number, frame.bytes);
    const auto id = static_cast<gateway::link_id>(l.number);
    if (frame.bytes.empty()) {
        l.router_gone = true;
        l.to_broker.clear();
        brokers_[l.at]->on_gone(l.session, now_);
        router_->on_link_lost(id, "closed by the broker", now_);
        return;
    }
    with_frame(l.router_parser, frame.bytes, [&](const stomp::frame_view& one) {
        const bool connected = one.command == stomp::command::connected;
        router_->on_link_frame(id, one, gateway::framing::text, now_);
        if (connected) {
            l.router_parser.set_version(stomp::version::v12);
        }
    });
}

void session_world::client_taken()
{
    const pipe_frame frame = std::move(from_client_.front());
    from_client_.pop_front();
    told(router_history_, 1000, frame.bytes);
    if (frame.bytes.empty()) {
        gone_ = true;
        router_->on_client_gone(client_, now_);
        return;
    }
    stomp::parser parser;
    parser.set_version(stomp::version::v12);
    with_frame(parser, frame.bytes, [&](const stomp::frame_view& one) {
        router_->on_client_frame(client_, one, gateway::framing::text, now_);
    });
    if (from_client_.empty() && !closed_) {
        router_->on_carry_empty(client_);
    }
}

// Behind each event: what is due now, the answers of probes, what a resumed client has carried.
void session_world::settle()
{
    for (unsigned round = 0; round < 1000; ++round) {
        if (!probes_.empty()) {
            for (const auto at : std::exchange(probes_, {})) {
                router_->on_probe(at, true, "", now_);
            }
        } else if (std::exchange(resumed_, false)) {
            if (from_client_.empty() && !closed_) {
                router_->on_carry_empty(client_);
            }
        } else if (std::exchange(watching_, false)) {
            router_->on_client_written(client_, now_);
        } else if (router_->next_deadline() <= now_) {
            router_->on_deadline(now_);
        } else {
            return;
        }
    }
    violation("it spins");
}

void session_world::run(const control::effects& out)
{
    for (const control::effect& one : out) {
        std::visit(
            overloaded{
                [&](const control::to_members& order) {
                    commands_.push_back({order.what, ++stamp_, coordinator_history_});
                },
                [&](const control::write_state& order) {
                    writing_ = order.what;
                    writing_stamp_ = ++stamp_;
                },
                [&](const control::read_state&) { violation("the store is read for nothing"); },
                [&](const control::changed&) {},
                [&](const control::became_steady&) {
                    history_[coordinator_.current().id] = coordinator_.current();
                },
            },
            one);
    }
}

void session_world::lose(std::uint64_t number, bool sent_arrives)
{
    end& l = *links_.at(number);
    loss_left_ = false;
    lost_[l.at] = true;
    l.router_gone = true;
    l.to_router.clear();
    if (!sent_arrives) {
        told(broker_history_[l.at], 3000 + number);
        l.to_broker.clear();
        if (l.open && !l.broker_gone) {
            l.broker_gone = true;
            brokers_[l.at]->on_gone(l.session, now_);
        }
    } else {
        l.to_broker.push_back({{}, ++stamp_});
    }
    told(router_history_, 2000 + number);
    router_->on_link_lost(static_cast<gateway::link_id>(number), "lost", now_);
}

void session_world::publish_outside()
{
    const color at = coordinator_.stored().live;
    const unsigned n = first_outside + outside_++;
    messages_[n] = {.at = at};
    const std::string body = std::to_string(n);
    std::string frame = "SEND\ndestination:" + std::string{topic} + "\n\n" + body;
    frame.push_back('\0');
    told(broker_history_[at], 4000, body);
    end& from = *publishers_[at];
    with_frame(from.broker_parser, frame, [&](const stomp::frame_view& one) {
        brokers_[at]->on_frame(from.session, one, now_);
    });
}

void session_world::advance_clock()
{
    now_ = std::max(now_, std::min(router_->next_deadline(), coordinator_.next_deadline()));
    if (coordinator_.next_deadline() <= now_) {
        control::effects out;
        told(coordinator_history_, 1);
        coordinator_.on_deadline(now_, out);
        run(out);
    }
    told(router_history_, 2); // what is due now runs in settle()
}

void session_world::make(move m)
{
    if (tracing) {
        trace += "    " + name(m) + "\n";
    }
    control::effects out;
    switch (m.what) {
    case act::to_broker: broker_takes(*links_.at(m.link)); break;
    case act::to_router: router_takes(*links_.at(m.link)); break;
    case act::dial: {
        end& l = *links_.at(m.link);
        l.open = true;
        l.session = brokers_[l.at]->open(l, now_);
        told(broker_history_[l.at], 5000 + m.link);
        told(router_history_, 5000 + m.link);
        router_->on_link_open(static_cast<gateway::link_id>(m.link), now_);
        break;
    }
    case act::client: client_taken(); break;
    case act::command: {
        told(router_history_, commands_.front().of);
        const auto what = std::move(commands_.front().what);
        commands_.pop_front();
        router_->on_command(what, now_);
        break;
    }
    case act::report: {
        told(coordinator_history_, reports_.front().of);
        const auto what = std::move(reports_.front().what);
        reports_.pop_front();
        if (const auto past = history_.find(what.id); past != history_.end()) {
            if (const auto* news = std::get_if<control::numbers>(&what.what)) {
                past->second.take(0, news->now);
                past->second.advance(now_);
            }
        } else {
            coordinator_.on_report(what, now_, out);
        }
        break;
    }
    case act::stored:
        told(coordinator_history_, 7000);
        writing_.reset();
        coordinator_.on_store_result(control::write_result::written, now_, out);
        break;
    case act::request:
        ++requests_;
        told(coordinator_history_, 8000);
        coordinator_.on_request(
            order_of(
                coordinator_.stored().last_switch + 1, broker::other(coordinator_.stored().live)),
            now_, out);
        break;
    case act::send: {
        const unsigned n = ++sends_;
        messages_[n] = {.own = true};
        say("SEND\ndestination:" + std::string{topic} + "\nreceipt:m" + std::to_string(n) + "\n\n" +
            std::to_string(n));
        break;
    }
    case act::leave:
        leave_asked_ = true;
        from_client_.push_back({{}, ++stamp_});
        break;
    case act::outside: publish_outside(); break;
    case act::abort:
        abort_left_ = false;
        told(coordinator_history_, 9000);
        coordinator_.on_abort_request("asked", now_, out);
        break;
    case act::lose: lose(m.link, false); break;
    case act::lose_but_sent: lose(m.link, true); break;
    case act::clock: advance_clock(); break;
    }
    run(out);
    settle();
}

} // namespace sim
