#include "broker/embedded/queue_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace embedded {
namespace {

bool goes_with_last_consumer(const message_queue& q) noexcept
{
    switch (q.kind) {
    case queue_kind::topic: return !q.durable;
    case queue_kind::stored: return q.auto_delete || q.exclusive_to != nullptr;
    case queue_kind::reply: return true;
    }
    return true;
}

} // namespace

message_queue* queue_table::find(std::string_view name) noexcept
{
    const auto it = queues_.find(name);
    return it == queues_.end() ? nullptr : it->second.get();
}

message_queue& queue_table::make(std::string name, queue_kind kind)
{
    auto queue = std::make_unique<message_queue>();
    queue->name = name;
    queue->kind = kind;
    const auto [it, made] = queues_.emplace(std::move(name), std::move(queue));
    BOOST_ASSERT_MSG(made, "a queue of that name exists");
    return *it->second;
}

void queue_table::bind(message_queue& queue, std::string_view topic)
{
    if (std::ranges::find(queue.topics, topic) != queue.topics.end()) {
        return;
    }
    queue.topics.emplace_back(topic);
    auto it = topics_.find(topic);
    if (it == topics_.end()) {
        it = topics_.emplace(std::string{topic}, std::vector<message_queue*>{}).first;
    }
    it->second.push_back(&queue);
}

std::string queue_table::fresh_name(std::string_view stem)
{
    std::string name;
    do { // a client may have given that name to a queue of its own
        name = std::string{stem} + options_.nonce + '-' + std::to_string(++last_name_);
    } while (find(name) != nullptr);
    return name;
}

void queue_table::publish(const destination& to, const message& m, net::time_point now)
{
    if (to.kind == destination_kind::topic) {
        const auto it = topics_.find(to.name);
        if (it == topics_.end()) {
            ++stats_.dropped;
            return;
        }
        for (message_queue* queue : it->second) {
            enqueue(*queue, m, now);
        }
        return;
    }
    message_queue* queue = find(to.name);
    if (queue == nullptr && to.kind == destination_kind::queue) {
        queue = &make(std::string{to.name}, queue_kind::stored);
    }
    if (queue == nullptr) {
        ++stats_.dropped;
        return;
    }
    enqueue(*queue, m, now);
}

void queue_table::enqueue(message_queue& queue, const message& m, net::time_point now)
{
    stats_.memory_bytes += m.cost();
    queued item{m, ++queue.last_place, false};
    if (queue.ready.empty()) {
        if (subscription* s = next_with_room(queue)) {
            deliver(*s, std::move(item), now);
            return;
        }
    }
    queue.ready.push_back(std::move(item));
}

subscription&
queue_table::attach(session& owner, message_queue& queue, const subscription_terms& terms)
{
    auto made = std::make_unique<subscription>();
    subscription& s = *made;
    s.number = ++last_subscription_;
    s.owner = &owner;
    s.queue = &queue;
    s.key = terms.key;
    s.mode = terms.mode;
    s.prefetch = terms.prefetch;
    s.own = terms.own;
    s.head = "MESSAGE\n";
    if (!terms.id.empty()) {
        s.head.append("subscription:").append(terms.id).append("\n");
    }
    s.head.append("message-id:").append(options_.nonce).append("-");
    s.head.append(std::to_string(s.number)).append("-");
    subscriptions_.emplace(s.number, std::move(made));
    owner.subscriptions.emplace(s.key, &s);
    queue.consumers.push_back(&s);
    ++of(s.own).subscriptions;
    stir(queue);
    return s;
}

void queue_table::detach(subscription& s, departure why, net::time_point now)
{
    message_queue& queue = *s.queue;
    const bool last = queue.consumers.size() == 1;
    const bool vanishes =
        last && (why == departure::queue_deleted || goes_with_last_consumer(queue));
    if (vanishes && why == departure::unsubscribed) {
        // Nobody else will ever get it. No mark holds it back: what is here is bounded by the
        // memory limit.
        while (!queue.ready.empty()) {
            deliver(s, queue.ready.pop_front(), now);
        }
    }
    const auto at = std::ranges::find(queue.consumers, &s);
    const auto index = static_cast<std::size_t>(at - queue.consumers.begin());
    queue.consumers.erase(at);
    if (index < queue.next_consumer) {
        --queue.next_consumer;
    }
    returning_.clear();
    for (std::size_t i = 0; i < s.unacked.size(); ++i) {
        if (s.unacked[i].open()) {
            settle_one(s.unacked[i], s, vanishes ? settlement::drop : settlement::requeue);
        }
    }
    --of(s.own).subscriptions;
    session& owner = *s.owner;
    if (s.choked) {
        std::erase(owner.choked, &s);
    }
    owner.subscriptions.erase(owner.subscriptions.find(s.key));
    requeue(queue, returning_);
    subscriptions_.erase(s.number);
    if (vanishes ||
        (queue.consumers.empty() && queue.ready.empty() && queue.kind == queue_kind::stored)) {
        drop(queue);
    } else {
        stir(queue);
    }
}

void queue_table::drop(message_queue& queue)
{
    BOOST_ASSERT(queue.consumers.empty() && queue.unacked == 0);
    while (!queue.ready.empty()) {
        release(queue.ready.pop_front().what);
    }
    for (const std::string& topic : queue.topics) {
        const auto it = topics_.find(topic);
        std::erase(it->second, &queue);
        if (it->second.empty()) {
            topics_.erase(it);
        }
    }
    if (queue.stirred) {
        std::erase(stirred_, &queue);
    }
    queues_.erase(queues_.find(queue.name));
}

} // namespace embedded
