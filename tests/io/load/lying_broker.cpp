#include "tests/io/load/lying_broker.hpp"

#include "broker/net/connection.hpp"
#include "broker/net/socket.hpp"
#include "broker/stomp/parser.hpp"
#include "broker/stomp/serializer.hpp"

#include <boost/asio/post.hpp>

#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace load {
namespace {

constexpr int lie_at = 40; // the numbered message, or its RECEIPT, that it happens to
constexpr std::string_view flush_body = "f";

struct peer;

struct subscription {
    peer* who;
    std::string id;
};

struct topics {
    explicit topics(lie l) : which(l) {}
    void send(const stomp::frame_view& frame, peer& from);
    void deliver(
        const subscription& to, const std::string& destination, std::string_view body,
        bool again = false);
    void forget(peer& gone);
    bool now(lie l) const { return which == l && sends == lie_at; }

    lie which;
    int sends = 0;
    std::map<std::string, std::vector<subscription>> by_destination;
    std::string held_destination, held_body; // swap: waits for its successor
};

struct peer final : net::connection {
    peer(net::readiness_loop& l, int fd, topics& t)
        : net::connection(l, fd, origin::accepted), shared(t)
    {
    }

    void on_bytes(std::span<char> bytes) override
    {
        unparsed.append(bytes.data(), bytes.size());
        stomp::frame_view frame;
        std::size_t done = 0;
        for (;;) {
            const auto result = parser.parse(std::string_view{unparsed}.substr(done), {}, frame);
            if (result.consumed == 0) {
                break;
            }
            done += result.consumed;
            if (result.status == stomp::parse_status::frame) {
                on_frame(frame);
            }
        }
        unparsed.erase(0, done);
    }
    void on_closed(boost::system::error_code) override { shared.forget(*this); }

    void on_frame(const stomp::frame_view& frame)
    {
        switch (frame.command) {
        case stomp::command::connect:
            if (shared.which == lie::refuse) {
                say(writer.begin(stomp::command::error).raw("message", "no").end());
                close_after_flush();
                return;
            }
            say(writer.begin(stomp::command::connected).raw("version", "1.2").end());
            return;
        case stomp::command::subscribe:
            shared.by_destination[std::string{*frame.find("destination")}].push_back(
                {this, std::string{*frame.find("id")}});
            break;
        case stomp::command::send: shared.send(frame, *this); return;
        default: break;
        }
        reply(frame);
        if (frame.command == stomp::command::disconnect) {
            close_after_flush();
        }
    }
    void reply(const stomp::frame_view& frame)
    {
        if (const auto receipt = frame.find("receipt")) {
            say(writer.begin(stomp::command::receipt).raw("receipt-id", *receipt).end());
        }
    }
    void say(std::string_view bytes)
    {
        out().append(bytes);
        touch();
    }

    topics& shared;
    stomp::parser parser;
    stomp::serializer writer;
    std::string unparsed;
};

void topics::deliver(
    const subscription& to, const std::string& destination, std::string_view body, bool again)
{
    stomp::serializer& w = to.who->writer.begin(stomp::command::message);
    w.raw("destination", destination).raw("message-id", "m").raw("subscription", to.id);
    if (again) {
        w.raw("redelivered", "true");
    }
    to.who->say(w.number("content-length", body.size()).end(body));
}

void topics::send(const stomp::frame_view& frame, peer& from)
{
    const std::string destination{*frame.find("destination")};
    sends += frame.body != flush_body;
    const bool first = frame.body != flush_body;
    if (first && now(lie::mute)) {
        return;
    }
    from.reply(frame);
    if (first && now(lie::second_reply)) {
        from.reply(frame);
    }
    if (first && now(lie::hang_up)) {
        from.close_now();
        return;
    }
    if (first && now(lie::swap)) {
        held_destination = destination;
        held_body = frame.body;
        return;
    }
    if (first && now(lie::drop)) {
        return;
    }
    for (const subscription& s : by_destination[destination]) {
        deliver(s, destination, frame.body);
        if (first && (now(lie::repeat) || now(lie::redeliver))) {
            deliver(s, destination, frame.body, now(lie::redeliver));
        }
    }
    if (first && now(lie::misroute)) {
        for (const auto& [other, subscribers] : by_destination) {
            if (other != destination && !subscribers.empty()) {
                deliver(subscribers.front(), other, frame.body);
                break;
            }
        }
    }
    if (destination == held_destination) {
        for (const subscription& s : by_destination[destination]) {
            deliver(s, destination, held_body);
        }
        held_destination.clear();
    }
}

void topics::forget(peer& gone)
{
    for (auto& [destination, subscribers] : by_destination) {
        std::erase_if(subscribers, [&gone](const subscription& s) { return s.who == &gone; });
    }
}

} // namespace

struct lying_broker::state final : net::ready_handler {
    explicit state(lie which) : shared(which)
    {
        const auto bound = net::listen_on({"127.0.0.1", 0, ""}, net::reuse_port::no);
        if (!bound || loop.add(*bound, EPOLLIN, *this)) {
            throw std::runtime_error{"no loopback port"};
        }
        listener = *bound;
        port = net::local_address(listener)->port;
        thread = std::thread{[this] { context.run(); }};
    }
    ~state()
    {
        boost::asio::post(context, [this] {
            loop.stop();
            context.stop();
        });
        thread.join();
        peers.clear();
        loop.remove(listener, *this);
        ::close(listener);
    }
    void on_ready(std::uint32_t) override
    {
        while (const auto accepted = net::accept_one(listener)) {
            peers.emplace_back(loop, *accepted, shared);
        }
    }

    topics shared;
    boost::asio::io_context context{1};
    net::readiness_loop loop{context};
    std::list<peer> peers; // until the end: a test's clients are few
    std::thread thread;
    int listener = -1;
    std::uint16_t port = 0;
};

lying_broker::lying_broker(lie which) : state_(std::make_unique<state>(which)) {}

lying_broker::~lying_broker() = default;

std::uint16_t lying_broker::port() const noexcept
{
    return state_->port;
}

} // namespace load
