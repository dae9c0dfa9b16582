// What an operator does, what goes wrong, and what has to hold when all has come to rest.

#include "tests/sim/simulation.hpp"

#include <algorithm>

namespace sim {

namespace {

// Of a shard without clients: the kinds of which one each may be armed.
constexpr std::size_t deadlines_left_max = 16;

} // namespace

// Each order and each fault draws from a part of its own, so that one can be left out.
void world::operate()
{
    if (healing_) {
        return;
    }
    const unsigned number = orders_++;
    random_source random{options_.seed, 600'000 + number};
    const bool hurry = random.chance(15);
    const auto deadline = hurry ? std::optional{random.milliseconds(1, 60)} : std::nullopt;
    const bool aborts = random.chance(35);
    const auto abort_after = random.microseconds(0, random.chance(50) ? 5'000 : 60'000);
    const auto next = random.milliseconds(1, random.chance(50) ? 30 : 400);
    control_side::wish what{.deadline = deadline};
    if (has(feature::gives_up)) {
        using control::hold_policy;
        what.on_hold_timeout =
            random.one_of(std::vector{hold_policy::abort, hold_policy::pin, hold_policy::cut});
        what.max_failed = static_cast<unsigned>(random.below(3));
    }
    if (!options_.without_orders.contains(number) && control_->request(what) && aborts) {
        when_.after(abort_after, [this] { control_->abort(); });
    }
    when_.after(next, [this] { operate(); });
}

// M13: one endpoint is drained, or taken back; never the last one of a color, as the API refuses
// that. Now and then a switch follows that takes those along who have not left.
void world::drain_or_take_back()
{
    if (healing_) {
        return;
    }
    const unsigned number = drains_++;
    random_source random{options_.seed, 800'000 + number};
    const color live = control_->live();
    const control::endpoint_ref where{
        random.chance(75) ? live : broker::other(live),
        static_cast<std::uint16_t>(random.below(brokers_[live]->nodes()))};
    const auto next = random.milliseconds(1, random.chance(50) ? 40 : 400);
    const auto then = random.microseconds(1, 30'000);
    const bool switches = random.chance(30), aborts = random.chance(40);
    const bool on = !drained_.contains(where);
    const auto others = std::ranges::count_if(
        drained_, [&](const auto& one) { return one.color == where.color && one != where; });
    const bool last = static_cast<std::size_t>(others) + 1 == nodes_;
    if (!options_.without_drains.contains(number) && !(on && last) && control_->drain(where, on)) {
        on ? void(drained_.insert(where)) : void(drained_.erase(where));
        if (switches && options_.switches) {
            when_.after(then, [this, aborts, then] {
                if (!healing_ && control_->request({}) && aborts) {
                    when_.after(then, [this] { control_->abort(); });
                }
            });
        }
    }
    when_.after(next, [this] { drain_or_take_back(); });
}

// P6, P7: at any node of either color, with an id of the sender's or without one, now and then always
// the same. Each node has a publisher of its own for each topic.
void world::publish_beside()
{
    if (healing_) {
        return;
    }
    random_source random{options_.seed, 850'000'000 + beside_++};
    static const std::vector<std::string> topics{"/topic/common", "/topic/a", "/topic/b.c"};
    const color c = random.chance(50) ? color::blue : color::green;
    const auto node = static_cast<std::size_t>(random.below(brokers_[c]->nodes()));
    const std::size_t topic = random.below(topics.size());
    const std::string& to = topics[topic];
    const unsigned number =
        static_cast<unsigned>(c) * 300 + static_cast<unsigned>(node * 10 + topic);
    const bool equal = random.chance(30), has_id = random.chance(40), same_id = random.chance(30);
    const auto times = static_cast<unsigned>(equal ? random.between(1, 4) : 1);
    for (unsigned i = 0; i < times && brokers_[c]->up(node); ++i) {
        const message_key key{
            .publisher = (equal ? checker::equal_first : checker::beside_first) + number,
            .number = equal ? 0 : ++beside_numbers_[{to, number}]};
        const std::string body = body_of(key, equal ? 0 : random.below(30));
        const std::string id = same_id || equal ? "same" : "id-" + std::to_string(beside_);
        stomp::frame_view frame;
        frame.command = stomp::command::send;
        frame.headers = {{"destination", to}};
        if (has_id) {
            frame.headers.push_back({"amqp-message-id", id});
        }
        frame.body = body;
        checker_.note(std::string{to_string(c)} + " is sent " + body + " beside the gateway");
        checker_.on_beside(c, key, to);
        brokers_[c]->publish(node, frame);
    }
    const bool pauses = random.chance(5);
    when_.after(random.microseconds(200, pauses ? 100'000 : 25'000), [this] { publish_beside(); });
}

// C11: longer than anything is waited for. Clients and brokers go on, as far as pipes take it; what
// lies in the sockets is read before anything is due.
void world::pause()
{
    if (healing_) {
        return;
    }
    random_source random{options_.seed, 860'000 + pauses_++};
    const auto stands = random.milliseconds(20, random.chance(50) ? 200 : 5'000);
    checker_.note("the gateway's process stands still");
    process_.stop();
    network_.stop_gateway(true);
    when_.after(stands, [this] {
        checker_.note("it runs again");
        network_.stop_gateway(false);
        process_.go_on([this] {
            for (auto& one : shards_) {
                one->read_all();
            }
        });
    });
    when_.after(stands + random.milliseconds(1, 600), [this] { pause(); });
}

void world::break_link(random_source& random)
{
    mini_broker& at = *brokers_[random.chance(50) ? color::blue : color::green];
    switch (random.below(4)) {
    case 0:
    case 1: at.cut_link(random); return;
    case 2: at.stall_link(random, when_.now() + random.milliseconds(5, 200)); return;
    default:
        random.one_of(shards_)->fail_dials_until(process_.now() + random.milliseconds(1, 80));
        return;
    }
}

void world::break_broker(random_source& random)
{
    mini_broker& at = *brokers_[random.chance(50) ? color::blue : color::green];
    const auto node = static_cast<std::size_t>(random.below(at.nodes()));
    if (random.chance(50)) {
        at.kill(random);
        when_.after(random.milliseconds(1, 400), [&at] { at.revive(); });
    } else {
        at.cut_node(node, random);
        when_.after(random.milliseconds(1, 400), [&at, node] { at.join_node(node); });
    }
}

void world::go_wrong()
{
    if (healing_) {
        return;
    }
    const unsigned number = faults_++;
    random_source random{options_.seed, 500'000 + number};
    const auto next = random.milliseconds(2, 250);
    const bool link =
        options_.with == faults::links || (options_.with == faults::all && random.chance(75));
    random_source silence{options_.seed, 810'000 + number};
    if (options_.without_faults.contains(number)) {
        // another world without it
    } else if (beats_.on && link && silence.chance(20)) { // longer than any heart-beat waits
        mini_broker& at = *brokers_[silence.chance(50) ? color::blue : color::green];
        at.stall_link(silence, when_.now() + silence.milliseconds(300, 1500));
    } else {
        link ? break_link(random) : break_broker(random);
    }
    when_.after(next, [this] { go_wrong(); });
}

void world::heal()
{
    healing_ = true;
    for (const color c : broker::colors) {
        brokers_[c]->revive();
        for (std::size_t i = 0; i < nodes_; ++i) {
            brokers_[c]->join_node(i);
        }
    }
    for (auto& one : clients_) {
        one->read_again();
    }
}

void world::check_rest()
{
    if (!control_->steady()) {
        checker_.violation(
            "the switch has no end: phase " +
            std::string{to_string(control_->coordinator().current().phase)});
    }
    for (auto& one : shards_) {
        if (one->router().live() != control_->live()) {
            checker_.violation("a shard has another color than the coordinator");
        }
        const std::size_t left = one->links_to(broker::other(control_->live()));
        if (left > 0) {
            checker_.violation(
                "shard " + std::to_string(one->number()) + " keeps " + std::to_string(left) +
                " links to the color that was left");
        }
        for (const auto& where : drained_) {
            one->check_left(where);
        }
        one->check_rest();
        one->describe();
    }
    control_->check_reports();
    for (auto& one : clients_) {
        one->check_answered();
    }
    for (const color c : broker::colors) {
        brokers_[c]->tell_what_is_left();
    }
    checker_.check_lost();
}

void world::check_empty()
{
    for (auto& one : shards_) {
        const gateway::router& r = one->router();
        const auto expect = [&](std::size_t left, const char* what) {
            if (left > 0) {
                checker_.violation(
                    "shard " + std::to_string(one->number()) + " keeps " + std::to_string(left) +
                    " " + what + " after its last client");
            }
        };
        expect(r.session_count(), "sessions");
        expect(r.link_count(), "links");
        expect(r.wire_count(), "wire subscriptions");
        expect(r.group_count(), "share groups");
        expect(r.identity_count(), "identities");
        expect(r.seam_count(), "seams");
        expect(one->clients(), "connections");
        // Probes and what is armed once go on; a chain of timers would grow.
        expect(r.deadline_count() > deadlines_left_max ? r.deadline_count() : 0, "deadlines");
    }
    for (const color c : broker::colors) {
        if (brokers_[c]->links() > 0) {
            checker_.violation(
                std::string{to_string(c)} + " has " + std::to_string(brokers_[c]->links()) +
                " links after the last client");
        }
    }
}

} // namespace sim
