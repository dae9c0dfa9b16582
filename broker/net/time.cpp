#include "broker/net/time.hpp"

#include <boost/assert.hpp>

#include <atomic>
#include <cstdint>

namespace net {

namespace {

using std::chrono::steady_clock;

// The clock is read by all threads: it is noted no more often than this, so that they do not fight
// for a cache line.
constexpr duration noted_every = std::chrono::milliseconds{5};

// Of the steady clock, in its ticks. Lock-free: the fast path of now() is three loads.
std::atomic<std::int64_t> last_noted{0}; // when any thread last read it; 0: no pulse
std::atomic<std::int64_t> all_pauses{0};
std::mutex pause_mutex;

std::int64_t ticks(duration d) noexcept
{
    return static_cast<std::int64_t>(d.count());
}

std::int64_t steady_ticks() noexcept
{
    return ticks(steady_clock::now().time_since_epoch());
}

// C11. Nobody read the clock for longer than the pulse's period allows: the process did not run. What
// was paused is there before `last_noted` says that somebody looked (see now()).
void note_pause() noexcept
{
    const std::lock_guard lock{pause_mutex};
    const std::int64_t seen = last_noted.load(std::memory_order_acquire);
    const std::int64_t real = steady_ticks();
    if (seen == 0 || real - seen < ticks(pulse::pause_min)) {
        return; // another thread was first
    }
    all_pauses.fetch_add(real - seen - ticks(pulse::period), std::memory_order_release);
    last_noted.store(real, std::memory_order_release);
}

} // namespace

// A thread may be stopped between any two lines. If it is stopped before `real` was read, the gap
// shows, or another thread has noted it and `before` is old. If it is stopped afterwards, `real` is
// of the time before the pause, and so is the answer. If the pause was noted meanwhile, it asks
// again.
clock::time_point clock::now() noexcept
{
    while (true) {
        const std::int64_t before = all_pauses.load(std::memory_order_acquire);
        const std::int64_t real = steady_ticks();
        std::int64_t seen = last_noted.load(std::memory_order_acquire);
        if (seen != 0 && real - seen >= ticks(pulse::pause_min)) {
            note_pause();
            continue;
        }
        if (seen != 0 && real - seen >= ticks(noted_every)) {
            // Fails where another thread noted a time: that one is as good, and mine may be old.
            last_noted.compare_exchange_strong(seen, real, std::memory_order_acq_rel);
        }
        if (all_pauses.load(std::memory_order_acquire) == before) {
            return time_point{duration{real - before}};
        }
    }
}

duration clock::paused() noexcept
{
    return duration{all_pauses.load(std::memory_order_acquire)};
}

pulse::pulse(std::function<void(duration)> on_pause) : on_pause_(std::move(on_pause))
{
    BOOST_ASSERT_MSG(last_noted.load() == 0, "two pulses in one process");
    last_noted.store(steady_ticks(), std::memory_order_release);
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

pulse::~pulse()
{
    thread_.request_stop();
    thread_.join();
    last_noted.store(0, std::memory_order_release);
}

void pulse::run(const std::stop_token& stop)
{
    duration known = clock::paused();
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        stopping_.wait_for(lock, stop, period, [] { return false; });
        clock::now();
        const duration paused = clock::paused();
        if (paused != known && on_pause_) {
            on_pause_(paused - known);
        }
        known = paused;
    }
}

} // namespace net
