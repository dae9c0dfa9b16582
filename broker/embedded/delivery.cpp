// The half of queue_table that moves messages: out to consumers, settled, back into the queue.

#include "broker/embedded/queue_table.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace embedded {
namespace {

std::optional<std::uint64_t> number(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// The first delivery of that tag or later; tags ascend.
std::size_t position(const ring<delivery>& unacked, std::uint64_t tag) noexcept
{
    std::size_t low = 0;
    std::size_t high = unacked.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (unacked[middle].tag < tag) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

} // namespace

bool queue_table::has_room(subscription& s)
{
    if (s.owner->state != session_state::open) {
        return false;
    }
    if (s.mode != ack_mode::automatic && s.prefetch != 0 && s.open_deliveries >= s.prefetch) {
        return false;
    }
    if (s.owner->sink->unsent() < options_.outbox_bytes_max) {
        return true;
    }
    if (!s.choked) {
        s.choked = true;
        s.owner->choked.push_back(&s);
    }
    return false;
}

subscription* queue_table::next_with_room(message_queue& queue)
{
    const std::size_t count = queue.consumers.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (queue.next_consumer >= count) {
            queue.next_consumer = 0;
        }
        subscription* s = queue.consumers[queue.next_consumer++];
        if (has_room(*s)) {
            return s;
        }
    }
    return nullptr;
}

void queue_table::deliver(subscription& s, queued item, net::time_point now)
{
    const std::uint64_t tag = ++s.last_tag;
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), tag).ptr;
    const std::string_view tag_text{digits.data(), static_cast<std::size_t>(end - digits.data())};
    head_.assign(s.head).append(tag_text);
    if (s.mode != ack_mode::automatic && s.owner->version == stomp::version::v12) {
        const std::string_view stem = std::string_view{s.head}.substr(s.head.rfind(':') + 1);
        head_.append("\nack:").append(stem).append(tag_text);
    }
    head_.append(item.redelivered ? "\nredelivered:true\n" : "\n");
    s.owner->sink->write(head_, wire_for(item.what, s.owner->version));
    s.owner->beat.on_sent(now);
    ++of(item.what.own).delivered;
    if (s.mode == ack_mode::automatic) {
        release(item.what);
        return;
    }
    ++s.open_deliveries;
    ++s.queue->unacked;
    s.unacked.push_back({std::move(item), tag});
}

std::optional<ack_id> queue_table::parse_ack_id(std::string_view text) const noexcept
{
    const std::string_view nonce = options_.nonce;
    if (text.size() <= nonce.size() || text.substr(0, nonce.size()) != nonce ||
        text[nonce.size()] != '-') {
        return std::nullopt;
    }
    text.remove_prefix(nonce.size() + 1);
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto of_subscription = number(text.substr(0, dash));
    const auto tag = number(text.substr(dash + 1));
    if (!of_subscription || !tag) {
        return std::nullopt;
    }
    return ack_id{*of_subscription, *tag};
}

settled queue_table::can_settle(const session& by, const ack_id& id) noexcept
{
    const auto it = subscriptions_.find(id.subscription);
    if (it == subscriptions_.end()) {
        return id.subscription <= last_subscription_ ? settled::gone : settled::unknown;
    }
    const subscription& s = *it->second;
    if (s.owner != &by || id.tag == 0 || id.tag > s.last_tag) {
        return settled::unknown;
    }
    if (s.mode == ack_mode::automatic) {
        return settled::gone; // needless, but harmless: it was settled when it was written
    }
    const std::size_t at = position(s.unacked, id.tag);
    const bool open = at < s.unacked.size() && s.unacked[at].tag == id.tag && s.unacked[at].open();
    return open ? settled::done : settled::unknown;
}

settled queue_table::settle(const session& by, const ack_id& id, settlement how)
{
    const settled possible = can_settle(by, id);
    if (possible != settled::done) {
        return possible;
    }
    subscription& s = *subscriptions_.find(id.subscription)->second;
    returning_.clear();
    const std::size_t last = position(s.unacked, id.tag);
    // STOMP 1.2, "SUBSCRIBE ack Header": `client` is cumulative within the subscription.
    for (std::size_t i = s.mode == ack_mode::cumulative ? 0 : last; i <= last; ++i) {
        if (s.unacked[i].open()) {
            settle_one(s.unacked[i], s, how);
        }
    }
    requeue(*s.queue, returning_);
    tidy(s);
    stir(*s.queue);
    return settled::done;
}

void queue_table::settle_one(delivery& d, subscription& s, settlement how)
{
    --s.open_deliveries;
    --s.queue->unacked;
    switch (how) {
    case settlement::requeue:
        returning_.push_back(std::move(d.item));
        d.item = {};
        return;
    case settlement::accept: ++of(d.item.what.own).acked; break;
    case settlement::drop: ++stats_.dropped; break;
    }
    release(d.item.what);
    d.item = {};
}

void queue_table::requeue(message_queue& queue, std::vector<queued>& items)
{
    // From the last to the first, so that each finds its place at the front or near it.
    std::ranges::sort(items, std::ranges::greater{}, &queued::place);
    for (queued& item : items) {
        std::size_t at = 0;
        while (at < queue.ready.size() && queue.ready[at].place < item.place) {
            ++at;
        }
        item.redelivered = true;
        queue.ready.insert(at, std::move(item));
        ++stats_.redelivered;
    }
    items.clear();
}

void queue_table::tidy(subscription& s)
{
    while (!s.unacked.empty() && !s.unacked.front().open()) {
        s.unacked.pop_front();
    }
    // If a consumer never settles its first delivery, the holes after it must not pile up.
    if (s.unacked.size() > 2 * s.open_deliveries + 64) {
        s.unacked.retain([](const delivery& d) { return d.open(); });
    }
}

void queue_table::stir(message_queue& queue)
{
    if (!queue.stirred) {
        queue.stirred = true;
        stirred_.push_back(&queue);
    }
}

void queue_table::pump_stirred(net::time_point now)
{
    for (message_queue* queue : stirred_) {
        queue->stirred = false;
        pump(*queue, now);
    }
    stirred_.clear();
}

void queue_table::pump(message_queue& queue, net::time_point now)
{
    while (!queue.ready.empty()) {
        subscription* s = next_with_room(queue);
        if (s == nullptr) {
            return;
        }
        deliver(*s, queue.ready.pop_front(), now);
    }
}

} // namespace embedded
