#include "tests/load/workload.hpp"

#include <algorithm>

namespace load {
namespace {

// How many of n messages `percent` of them have come up: it grows by one at each picked one.
// The offset differs between clients, so that they do not all pick the same n.
std::uint64_t picked_before(std::uint64_t n, std::uint32_t percent, std::uint64_t offset) noexcept
{
    return (n * percent + offset % 100) / 100;
}

constexpr std::uint32_t divide_up(std::uint32_t a, std::uint32_t b) noexcept
{
    return (a + b - 1) / b;
}

} // namespace

workload::workload(workload_shape shape) : shape_(std::move(shape))
{
    shape_.queues = std::min(shape_.queues, shape_.clients);
    if (shape_.topics != topic_mix::shared) {
        width_[index(stream_kind::own)] = 1;
    }
    if (shape_.topics != topic_mix::own) {
        width_[index(stream_kind::common)] = std::min(common_members, shape_.clients);
    }
    if (shape_.queues != 0) {
        width_[index(stream_kind::queue)] = divide_up(shape_.clients, shape_.queues);
    }
}

seat workload::seat_of(std::uint32_t client, stream_kind kind) const noexcept
{
    switch (kind) {
    case stream_kind::own: return {client, 0};
    case stream_kind::common: return {client / common_members, client % common_members};
    case stream_kind::queue: return {client % shape_.queues, client / shape_.queues};
    }
    return {};
}

std::uint32_t workload::destinations(stream_kind kind) const noexcept
{
    if (!uses(kind)) {
        return 0;
    }
    switch (kind) {
    case stream_kind::own: return shape_.clients;
    case stream_kind::common: return divide_up(shape_.clients, common_members);
    case stream_kind::queue: return shape_.queues;
    }
    return 0;
}

std::uint32_t workload::members(stream_kind kind, std::uint32_t destination) const noexcept
{
    switch (kind) {
    case stream_kind::own: return 1;
    case stream_kind::common:
        return std::min(common_members, shape_.clients - destination * common_members);
    case stream_kind::queue: return divide_up(shape_.clients - destination, shape_.queues);
    }
    return 0;
}

std::uint32_t workload::member(stream_kind kind, seat at) const noexcept
{
    switch (kind) {
    case stream_kind::own: return at.destination;
    case stream_kind::common: return at.destination * common_members + at.position;
    case stream_kind::queue: return at.position * shape_.queues + at.destination;
    }
    return 0;
}

std::string workload::destination_name(std::uint32_t client, stream_kind kind) const
{
    const std::string number = std::to_string(seat_of(client, kind).destination);
    switch (kind) {
    case stream_kind::own: return "/topic/load." + shape_.run + "." + number;
    case stream_kind::common: return "/topic/load." + shape_.run + ".common." + number;
    case stream_kind::queue: return "/queue/load." + shape_.run + "." + number;
    }
    return {};
}

stream_kind workload::kind_of(std::uint32_t client, std::uint64_t n) const noexcept
{
    const std::uint32_t percent = shape_.queues == 0 ? 0 : shape_.queue_percent;
    const std::uint64_t queued = picked_before(n, percent, client * 37ULL);
    if (picked_before(n + 1, percent, client * 37ULL) != queued) {
        return stream_kind::queue;
    }
    switch (shape_.topics) {
    case topic_mix::own: return stream_kind::own;
    case topic_mix::shared: return stream_kind::common;
    // Counted without those to the queue: they could take every tenth message away.
    case topic_mix::mixed:
        return (n - queued + client) % 10 == 0 ? stream_kind::common : stream_kind::own;
    }
    return stream_kind::own;
}

bool workload::in_transaction(std::uint32_t client, std::uint64_t n) const noexcept
{
    const std::uint64_t offset = client * 53ULL;
    return picked_before(n + 1, shape_.transaction_percent, offset) !=
           picked_before(n, shape_.transaction_percent, offset);
}

} // namespace load
