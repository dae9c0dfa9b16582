#include "tests/load/run_meter.hpp"

#include <algorithm>
#include <ctime>

namespace load {
namespace {

constexpr std::size_t timeline_seconds_max = 4400; // of the longest run that options.cpp allows

std::chrono::nanoseconds thread_cpu()
{
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

} // namespace

void run_meter::start(net::time_point sending, net::time_point measuring) noexcept
{
    sending_start_ = sending;
    measuring_start_ = measuring;
}

void run_meter::open_window(net::time_point now)
{
    open_ = true;
    measuring_start_ = now;
    cpu_at_start_ = thread_cpu();
    silence_.open(now);
}

void run_meter::close_window(net::time_point now, run_result& into)
{
    silence_.close(now);
    if (open_) {
        into.sending = now - measuring_start_;
        into.cpu_share = std::chrono::duration<double>{thread_cpu() - cpu_at_start_} / into.sending;
    }
    open_ = false;
}

void run_meter::on_sent(net::time_point now, net::time_point due, run_result& into)
{
    if (open_) {
        into.own_lag.add(now - due);
    }
    if (second_of_run* const second = this_second(now, into)) {
        ++second->sent;
    }
}

void run_meter::on_delivery(
    net::time_point now, std::uint32_t client, const message_number& number, run_result& into)
{
    const net::time_point due = sending_start_ + std::chrono::nanoseconds{number.scheduled_ns};
    const net::duration gap = silence_.on_delivery(client, now);
    if (due >= measuring_start_) {
        into.latency.add(now - due);
    }
    if (second_of_run* const second = this_second(now, into)) {
        ++second->received;
        second->latency_max = std::max(second->latency_max, now - due);
        second->silence_max = std::max(second->silence_max, gap);
    }
}

second_of_run* run_meter::this_second(net::time_point now, run_result& into) const
{
    const auto at = std::chrono::duration_cast<std::chrono::seconds>(now - sending_start_).count();
    const auto second = static_cast<std::size_t>(std::max<std::int64_t>(at, 0));
    if (second >= timeline_seconds_max) {
        return nullptr;
    }
    if (into.timeline.size() <= second) {
        into.timeline.resize(second + 1);
    }
    return &into.timeline[second];
}

} // namespace load
