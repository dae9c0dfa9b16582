#include "gateway/delivery_ledger.hpp"

#include <algorithm>

namespace gateway {

const delivery* delivery_ledger::find(broker::delivery_number number) const noexcept
{
    const auto at = std::ranges::lower_bound(deliveries_, number, {}, &delivery::number);
    return at == deliveries_.end() || at->number != number ? nullptr : &*at;
}

std::optional<delivery> delivery_ledger::take(broker::delivery_number number)
{
    const auto at = std::ranges::lower_bound(deliveries_, number, {}, &delivery::number);
    if (at == deliveries_.end() || at->number != number) {
        return std::nullopt;
    }
    delivery d = std::move(*at);
    deliveries_.erase(at);
    return d;
}

// H2, H3: the earlier ones of its subscription, whatever link or color brought them, and no others.
std::vector<delivery> delivery_ledger::take_up_to(broker::delivery_number number)
{
    std::vector<delivery> taken;
    const auto at = std::ranges::lower_bound(deliveries_, number, {}, &delivery::number);
    if (at == deliveries_.end() || at->number != number) {
        return taken;
    }
    const auto subscription = at->subscription;
    const auto last = at + 1;
    const auto kept = std::stable_partition(deliveries_.begin(), last, [&](const delivery& d) {
        return d.subscription != subscription;
    });
    taken.assign(std::make_move_iterator(kept), std::make_move_iterator(last));
    deliveries_.erase(kept, last);
    return taken;
}

std::vector<delivery> delivery_ledger::take_written(std::uint64_t written)
{
    std::vector<delivery> taken;
    std::erase_if(deliveries_, [&](delivery& d) {
        if (d.written_mark == 0 || d.written_mark > written) {
            return false;
        }
        taken.push_back(std::move(d));
        return true;
    });
    return taken;
}

std::size_t delivery_ledger::drop_link(broker::link_id link)
{
    return std::erase_if(deliveries_, [&](const delivery& d) { return d.link == link; });
}

std::size_t delivery_ledger::drop_subscription(std::uint32_t subscription)
{
    return std::erase_if(
        deliveries_, [&](const delivery& d) { return d.subscription == subscription; });
}

std::size_t delivery_ledger::count(broker::color of) const noexcept
{
    return static_cast<std::size_t>(std::ranges::count(deliveries_, of, &delivery::color));
}

std::size_t delivery_ledger::count(broker::link_id of) const noexcept
{
    return static_cast<std::size_t>(std::ranges::count(deliveries_, of, &delivery::link));
}

bool delivery_ledger::has(broker::wire_id of) const noexcept
{
    return std::ranges::any_of(deliveries_, [&](const delivery& d) { return d.wire == of; });
}

bool delivery_ledger::awaits_write() const noexcept
{
    return std::ranges::any_of(deliveries_, [](const delivery& d) { return d.written_mark != 0; });
}

} // namespace gateway
