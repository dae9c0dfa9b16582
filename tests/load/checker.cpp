#include "tests/load/checker.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace load {

std::string_view to_string(fault what) noexcept
{
    switch (what) {
    case fault::lost: return "lost";
    case fault::duplicated: return "duplicated";
    case fault::reordered: return "reordered";
    case fault::misrouted: return "misrouted";
    case fault::receipt_unasked: return "receipt unasked";
    }
    return "";
}

std::string to_string(const violation& v)
{
    return std::string{to_string(v.what)} + ": publisher " + std::to_string(v.stream.publisher) +
           ", stream " + letter(v.stream.kind) + ", number " + std::to_string(v.sequence) +
           ", subscription of client " + std::to_string(v.subscriber);
}

checker::checker(const workload& plan, confirmation by, queue_order order)
    : plan_(plan), confirmed_by_(by), queue_order_(order), gone_(plan.clients(), false)
{
    for (const stream_kind kind : all_kinds) {
        if (!plan.uses(kind)) {
            continue;
        }
        const std::size_t k = index(kind);
        streams_[k].resize(plan.clients());
        for (std::uint32_t d = 0; d < plan.destinations(kind); ++d) {
            present_[k].push_back(plan.members(kind, d));
        }
        const std::size_t width = plan.width(kind);
        const std::size_t seats = plan.destinations(kind) * width;
        received_[k].resize(kind == stream_kind::queue ? plan.clients() : seats * width);
        if (kind == stream_kind::queue) {
            queue_last_.resize(seats * width);
        }
    }
}

std::size_t checker::pair_index(stream_kind kind, seat subscriber, seat publisher) const noexcept
{
    const std::size_t width = plan_.width(kind);
    return (subscriber.destination * width + subscriber.position) * width + publisher.position;
}

sequence_set& checker::received_set(stream_kind kind, seat subscriber, seat publisher)
{
    // A queue's message goes to one of the subscriptions: it counts whether any of them got it.
    const std::size_t at = kind == stream_kind::queue ? plan_.member(kind, publisher)
                                                      : pair_index(kind, subscriber, publisher);
    return received_[index(kind)][at];
}

std::uint64_t checker::copies_owed(stream_id stream) const noexcept
{
    const seat from = plan_.seat_of(stream.publisher, stream.kind);
    const std::uint32_t there = present_[index(stream.kind)][from.destination];
    return stream.kind == stream_kind::queue ? std::min(there, 1U) : there;
}

std::uint32_t checker::on_sent(stream_id stream)
{
    BOOST_ASSERT(plan_.uses(stream.kind) && !gone_[stream.publisher]);
    outstanding_ += copies_owed(stream);
    ++counts_.sent;
    return ++of(stream).sent;
}

void checker::on_receipt(stream_id stream, std::uint32_t sequence)
{
    BOOST_ASSERT(plan_.uses(stream.kind) && stream.publisher < plan_.clients());
    publisher_state& state = of(stream);
    if (sequence == 0 || sequence > state.sent ||
        state.confirmed.insert(sequence) == sequence_set::arrival::again) {
        note(counts_, {fault::receipt_unasked, stream, sequence, stream.publisher});
    }
}

void checker::on_flushed(std::uint32_t client)
{
    // With receipts asked for, only they confirm: a broker may read a SEND and still refuse it.
    if (confirmed_by_ == confirmation::receipts) {
        return;
    }
    for (const stream_kind kind : all_kinds) {
        if (plan_.uses(kind)) {
            publisher_state& state = of({client, kind});
            state.confirmed.insert_up_to(state.sent);
        }
    }
}

bool checker::known(
    std::uint32_t subscriber, stream_kind subscription, const message_number& number) const
{
    return plan_.uses(subscription) && number.kind == subscription &&
           number.publisher < plan_.clients() &&
           plan_.seat_of(number.publisher, subscription).destination ==
               plan_.seat_of(subscriber, subscription).destination &&
           number.sequence != 0 && number.sequence <= of({number.publisher, subscription}).sent;
}

void checker::on_delivery(
    std::uint32_t subscriber, stream_kind subscription, const message_number& number,
    redelivered again)
{
    BOOST_ASSERT(subscriber < plan_.clients());
    ++counts_.received;
    counts_.redelivered += again == redelivered::yes;
    const stream_id stream{number.publisher, number.kind};
    if (!known(subscriber, subscription, number)) {
        note(counts_, {fault::misrouted, stream, number.sequence, subscriber});
        return;
    }
    const seat to = plan_.seat_of(subscriber, subscription);
    const seat from = plan_.seat_of(number.publisher, subscription);
    const auto arrival = received_set(subscription, to, from).insert(number.sequence);
    if (arrival == sequence_set::arrival::again) {
        if (again == redelivered::no) {
            note(counts_, {fault::duplicated, stream, number.sequence, subscriber});
        }
        return;
    }
    if (!outstanding_stale_ && may_come(number)) {
        BOOST_ASSERT(outstanding_ > 0);
        --outstanding_;
    }
    if (subscription == stream_kind::queue) {
        check_queue_order(subscriber, number, again);
    } else if (arrival == sequence_set::arrival::late && again == redelivered::no) {
        note(counts_, {fault::reordered, stream, number.sequence, subscriber});
    }
}

void checker::check_queue_order(
    std::uint32_t subscriber, const message_number& number, redelivered again)
{
    std::uint32_t& last = queue_last_[pair_index(
        stream_kind::queue, plan_.seat_of(subscriber, stream_kind::queue),
        plan_.seat_of(number.publisher, stream_kind::queue))];
    if (number.sequence > last) {
        last = number.sequence;
    } else if (again == redelivered::no) {
        if (queue_order_ == queue_order::strict) {
            const stream_id stream{number.publisher, number.kind};
            note(counts_, {fault::reordered, stream, number.sequence, subscriber});
        } else {
            ++counts_.queue_reordered;
        }
    }
}

// Whether outstanding() counts this message: of a publisher that is gone only what is confirmed.
bool checker::may_come(const message_number& number) const
{
    return !gone_[number.publisher] ||
           of({number.publisher, number.kind}).confirmed.contains(number.sequence);
}

void checker::on_gone(std::uint32_t client)
{
    if (gone_[client]) {
        return;
    }
    gone_[client] = true;
    outstanding_stale_ = true;
    for (const stream_kind kind : all_kinds) {
        if (plan_.uses(kind)) {
            --present_[index(kind)][plan_.seat_of(client, kind).destination];
        }
    }
}

template <class Visit>
void checker::for_each_owed(stream_id stream, Visit visit) const
{
    const std::vector<sequence_set>& sets = received_[index(stream.kind)];
    const seat from = plan_.seat_of(stream.publisher, stream.kind);
    const std::uint32_t members = plan_.members(stream.kind, from.destination);
    for (std::uint32_t position = 0; position < members; ++position) {
        const seat to{from.destination, position};
        const std::uint32_t subscriber = plan_.member(stream.kind, to);
        if (gone_[subscriber]) {
            continue;
        }
        if (stream.kind == stream_kind::queue) {
            visit(subscriber, sets[stream.publisher]);
            return; // one of them is owed it; the first stands for all
        }
        visit(subscriber, sets[pair_index(stream.kind, to, from)]);
    }
}

std::uint64_t checker::recount() const
{
    std::uint64_t count = 0;
    for (const stream_kind kind : all_kinds) {
        for (std::uint32_t p = 0; p < streams_[index(kind)].size(); ++p) {
            const publisher_state& state = of({p, kind});
            const sequence_set owed = gone_[p] ? state.confirmed : sequence_set::up_to(state.sent);
            for_each_owed({p, kind}, [&](std::uint32_t, const sequence_set& received) {
                count += count_missing(received, owed);
            });
        }
    }
    return count;
}

std::uint64_t checker::outstanding()
{
    if (outstanding_stale_) {
        outstanding_ = recount();
        outstanding_stale_ = false;
    }
    return outstanding_;
}

void checker::note(verdict& into, const violation& v) const
{
    if (into.faults[static_cast<std::size_t>(v.what)]++ < examples_max) {
        into.examples.push_back(v);
    }
}

verdict checker::finish() const
{
    verdict result = counts_;
    for (const stream_kind kind : all_kinds) {
        for (std::uint32_t p = 0; p < streams_[index(kind)].size(); ++p) {
            const publisher_state& state = of({p, kind});
            const std::uint64_t confirmed = state.confirmed.size();
            result.expected += confirmed * copies_owed({p, kind});
            if (confirmed_by_ == confirmation::receipts) {
                result.unconfirmed += state.sent - confirmed;
            }
            for_each_owed({p, kind}, [&](std::uint32_t subscriber, const sequence_set& received) {
                const std::uint32_t last = state.confirmed.highest();
                for (const number_range& gap : received.missing_up_to(last)) {
                    for (std::uint32_t n = gap.first; n <= gap.last; ++n) {
                        if (state.confirmed.contains(n)) {
                            note(result, {fault::lost, {p, kind}, n, subscriber});
                        }
                    }
                }
            });
        }
    }
    return result;
}

std::vector<missing_copy> checker::missing() const
{
    std::vector<missing_copy> all;
    for (const stream_kind kind : all_kinds) {
        for (std::uint32_t p = 0; p < streams_[index(kind)].size(); ++p) {
            const publisher_state& state = of({p, kind});
            for_each_owed({p, kind}, [&](std::uint32_t subscriber, const sequence_set& received) {
                for (const number_range& gap : received.missing_up_to(state.sent)) {
                    for (std::uint32_t n = gap.first; n <= gap.last; ++n) {
                        all.push_back({{p, kind}, n, subscriber, state.confirmed.contains(n)});
                    }
                }
            });
        }
    }
    return all;
}

} // namespace load
