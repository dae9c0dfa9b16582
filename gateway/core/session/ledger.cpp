#include "gateway/core/session/ledger.hpp"

#include "broker/net/hash_map.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace gateway {

struct delivery_ledger::tables {
    struct ends { // of the list of one subscription
        broker::delivery_number oldest = 0, newest = 0;
    };
    struct awaited { // an `auto` one
        broker::delivery_number number = 0;
        std::uint64_t mark = 0;
    };

    broker::numbered_ring<delivery> open;
    net::hash_map<std::uint32_t, ends> subscriptions;
    net::hash_map<broker::wire_id, std::size_t> wires;
    std::vector<std::pair<broker::link_id, std::size_t>> links; // few
    broker::per_color<std::size_t> colors{};
    // In order, from automatic_first on; those that were dropped meanwhile stay to their turn.
    std::vector<awaited> automatic;
    std::size_t automatic_first = 0;
    std::size_t automatic_open = 0;
    held_bytes<held_kind::deliveries> held;

    explicit tables(memory_budget* budget) noexcept : held(budget) {}
    static std::size_t weight(const delivery& d) noexcept
    {
        return sizeof d + d.broker_ack.size();
    }
    // The first of `automatic`, if the client has it.
    std::optional<broker::delivery_number> next_written(std::uint64_t written)
    {
        if (automatic_first == automatic.size() || automatic[automatic_first].mark > written) {
            return std::nullopt;
        }
        const auto number = automatic[automatic_first++].number;
        if (automatic_first == automatic.size()) {
            automatic.clear();
            automatic_first = 0;
        } else if (automatic_first >= 64 && automatic_first * 2 >= automatic.size()) {
            automatic.erase(
                automatic.begin(), automatic.begin() + static_cast<std::ptrdiff_t>(automatic_first));
            automatic_first = 0;
        }
        return number;
    }
    std::size_t& of_link(broker::link_id id)
    {
        const auto at = std::ranges::find(links, id, &std::pair<broker::link_id, std::size_t>::first);
        return at == links.end() ? links.emplace_back(id, 0).second : at->second;
    }
};

delivery_ledger::delivery_ledger() noexcept = default;
delivery_ledger::~delivery_ledger() = default;
delivery_ledger::delivery_ledger(delivery_ledger&&) noexcept = default;
delivery_ledger& delivery_ledger::operator=(delivery_ledger&&) noexcept = default;

delivery_ledger::tables& delivery_ledger::made(memory_budget* budget)
{
    if (!tables_) {
        tables_ = std::make_unique<tables>(budget);
    }
    return *tables_;
}

broker::delivery_number delivery_ledger::add(delivery d, memory_budget* budget)
{
    tables& t = made(budget);
    const broker::delivery_number number = t.open.last() + 1;
    auto& ends = t.subscriptions[d.subscription];
    d.number = number;
    d.before = ends.newest;
    d.behind = 0;
    if (delivery* const newest = t.open.find(ends.newest)) {
        newest->behind = number;
    } else {
        ends.oldest = number;
    }
    ends.newest = number;
    ++t.wires[d.wire];
    ++t.of_link(d.link);
    ++t.colors[d.color];
    t.held.add(tables::weight(d));
    t.open.push(std::move(d));
    return number;
}

void delivery_ledger::mark_last(std::uint64_t mark)
{
    tables& t = *tables_;
    delivery* const last = t.open.find(t.open.last());
    BOOST_ASSERT(last != nullptr && last->written_mark == 0 && mark != 0);
    last->written_mark = mark;
    t.automatic.push_back({last->number, mark});
    ++t.automatic_open;
}

const delivery* delivery_ledger::find(broker::delivery_number number) const noexcept
{
    return tables_ ? tables_->open.find(number) : nullptr;
}

// It was taken out of the ring.
void delivery_ledger::unlink(const delivery& d)
{
    tables& t = *tables_;
    const auto ends = t.subscriptions.find(d.subscription);
    if (delivery* const before = t.open.find(d.before)) {
        before->behind = d.behind;
    } else {
        ends->second.oldest = d.behind;
    }
    if (delivery* const behind = t.open.find(d.behind)) {
        behind->before = d.before;
    } else {
        ends->second.newest = d.before;
    }
    if (ends->second.oldest == 0) {
        t.subscriptions.erase(ends);
    }
    if (const auto wire = t.wires.find(d.wire); --wire->second == 0) {
        t.wires.erase(wire);
    }
    if (--t.of_link(d.link) == 0) {
        std::erase_if(t.links, [](const auto& one) { return one.second == 0; });
    }
    --t.colors[d.color];
    t.automatic_open -= d.written_mark != 0;
    t.held.take(tables::weight(d));
}

std::optional<delivery> delivery_ledger::take(broker::delivery_number number)
{
    auto taken = tables_ ? tables_->open.take(number) : std::nullopt;
    if (taken) {
        unlink(*taken);
    }
    return taken;
}

// H2, H3: the earlier ones of its subscription, whatever link or color brought them, and no others.
std::vector<delivery>
delivery_ledger::take_up_to(std::uint32_t subscription, broker::delivery_number number)
{
    std::vector<delivery> taken;
    while (tables_) {
        const auto ends = tables_->subscriptions.find(subscription);
        if (ends == tables_->subscriptions.end() || ends->second.oldest > number) {
            break;
        }
        taken.push_back(std::move(*take(ends->second.oldest)));
    }
    return taken;
}

std::vector<delivery> delivery_ledger::take_written(std::uint64_t written)
{
    std::vector<delivery> taken;
    while (tables_) {
        const auto next = tables_->next_written(written);
        if (!next) {
            break;
        }
        if (auto one = take(*next)) {
            taken.push_back(std::move(*one));
        }
    }
    return taken;
}

std::size_t delivery_ledger::drop_link(broker::link_id link)
{
    std::vector<broker::delivery_number> dropped;
    if (count(link) > 0) {
        tables_->open.for_each([&](broker::delivery_number number, const delivery& d) {
            if (d.link == link) {
                dropped.push_back(number);
            }
        });
    }
    for (const auto number : dropped) {
        take(number);
    }
    return dropped.size();
}

std::size_t delivery_ledger::drop_subscription(std::uint32_t subscription)
{
    return take_up_to(subscription, ~broker::delivery_number{0}).size();
}

std::size_t delivery_ledger::size() const noexcept
{
    return tables_ ? tables_->open.size() : 0;
}

std::size_t delivery_ledger::count(broker::color of) const noexcept
{
    return tables_ ? tables_->colors[of] : 0;
}

std::size_t delivery_ledger::count(broker::link_id of) const noexcept
{
    if (!tables_) {
        return 0;
    }
    const auto& links = tables_->links;
    const auto at = std::ranges::find(links, of, &std::pair<broker::link_id, std::size_t>::first);
    return at == links.end() ? 0 : at->second;
}

bool delivery_ledger::has(broker::wire_id of) const noexcept
{
    return tables_ && tables_->wires.contains(of);
}

bool delivery_ledger::awaits_write() const noexcept
{
    return tables_ && tables_->automatic_open > 0;
}

std::size_t delivery_ledger::bytes() const noexcept
{
    return tables_ ? tables_->held.bytes() : 0;
}

std::size_t delivery_ledger::recount() const noexcept
{
    std::size_t bytes = 0;
    if (tables_) {
        tables_->open.for_each(
            [&](broker::delivery_number, const delivery& d) { bytes += tables::weight(d); });
    }
    return bytes;
}

std::size_t delivery_ledger::places() const noexcept
{
    return tables_ ? tables_->open.places() + tables_->automatic.size() : 0;
}

} // namespace gateway
