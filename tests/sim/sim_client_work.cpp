// Clients that work: one job at a time (T4), and readers of a stream (T1).

#include "tests/sim/sim_client.hpp"

#include <algorithm>
#include <charconv>

namespace sim {

// Draws from a part of its own, so that a world without it stays the same.
std::string sim_client::draw_work(own_subscription& made)
{
    using mode = own_subscription::mode;
    if (is("1.0") || !made.named) {
        return {};
    }
    const bool has_stream = std::ranges::any_of(
        subscriptions_, [](const own_subscription& one) { return one.stream; });
    if (habits_.streams && !has_stream && work_random_.chance(35)) {
        made.destination = "/queue/stream";
        made.broadcast = false;
        made.stream = true;
        made.ack = mode::individual;
        made.from_first = work_random_.chance(60);
        return std::string{"x-queue-type:stream\nprefetch-count:3\n"} +
               (made.from_first ? "x-stream-offset:first\n" : "x-stream-offset:next\n");
    }
    if (habits_.workers && !made.broadcast && work_random_.chance(70)) {
        made.one_job = true;
        made.ack = mode::individual;
        return "prefetch-count:1\n";
    }
    return {};
}

void sim_client::judge_work(own_subscription& of, const stomp::frame_view& message)
{
    const std::string whose = "client " + std::to_string(number_) + " on " + of.destination;
    // Where a mistake of its own ended its link, the job that it has comes again (T4).
    if (of.one_job && ++of.jobs > 1 && habits_.one_job_only && !at_fault_) {
        checker_.violation("two jobs: " + whose + " asked for one at a time");
    }
    if (!of.stream) {
        return;
    }
    const auto text = message.find("x-stream-offset").value_or("");
    std::uint64_t offset = 0;
    std::from_chars(text.data(), text.data() + text.size(), offset);
    const auto expected = of.offset       ? *of.offset + 1
                          : of.from_first ? 0
                                          : offset; // `next` begins anywhere
    if (offset != expected) {
        checker_.violation(
            "stream: " + whose + " got offset " + std::to_string(offset) + " where " +
            std::to_string(expected) + " was next");
    }
    if (!of.offset && of.begins_by && offset > *of.begins_by && !at_fault_) {
        checker_.on_stream_missed(number_);
    }
    of.offset = offset;
}

void sim_client::note_settled(const std::string& subscription)
{
    for (own_subscription& one : subscriptions_) {
        if (one.one_job && one.id == subscription && one.jobs > 0) {
            --one.jobs;
        }
    }
}

// At rest: who reads it has read it to its end.
void sim_client::check_streams()
{
    for (const own_subscription& one : subscriptions_) {
        const bool began = one.offset || (one.from_first && checker_.stream_size() > 0);
        if (one.stream && began && one.offset.value_or(~std::uint64_t{0}) + 1 != checker_.stream_size()) {
            checker_.violation(
                "stream: client " + std::to_string(number_) + " has read up to " +
                (one.offset ? std::to_string(*one.offset) : "nothing") + " of " +
                std::to_string(checker_.stream_size()));
        }
    }
}

} // namespace sim
