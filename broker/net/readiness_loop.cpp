#include "broker/net/readiness_loop.hpp"

#include "broker/net/alarm.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <utility>
#include <vector>

namespace net {

namespace {

constexpr std::size_t events_max = 256;
constexpr std::size_t read_buffer_size = 64 * 1024;
// A flush may leave more to do (a callback that appended, a connection that failed): that many
// passes a turn, the rest in the next one.
constexpr int flush_passes_max = 4;
// A timer that waited for so long waited for more than a turn: this thread did not run.
constexpr duration late_after = std::chrono::milliseconds{50};

boost::system::error_code last_error() noexcept
{
    return {errno, boost::system::system_category()};
}

int checked(int descriptor, const char* what)
{
    if (descriptor < 0) {
        throw boost::system::system_error(last_error(), what);
    }
    return descriptor;
}

using dirty_list = boost::intrusive::list<flushable, boost::intrusive::constant_time_size<false>>;

} // namespace

struct readiness_loop::state final : arm_watcher {
    enum class phase : std::uint8_t {
        outside, // between turns
        events,  // handlers and timers run; the end of the turn is still to come
        ending,  // turn handler and flush
    };

    explicit state(boost::asio::io_context& context_);
    ~state();

    void wait();
    void post_turn();
    void turn();
    void dispatch_events();
    void dispatch_calls();
    bool is_late();
    void flush_dirty();
    void on_armed(time_point deadline) override;

    boost::asio::io_context& context;
    boost::asio::posix::stream_descriptor
        ready;                     // the epoll set; readable when any handler's descriptor is
    net::alarm alarm;              // in the epoll set too
    time_point now = clock::now(); // of this turn
    timer_wheel wheel{now, this};
    duration worst_lag{};
    turn_handler* at_turn_end = nullptr;
    dirty_list dirty;
    syscall_counts syscalls;
    std::array<epoll_event, events_max> events{};
    std::size_t event_count = 0;
    std::size_t event_next = 0; // the first that was not handed out yet
    std::vector<ready_handler*> calls; // of the next turn; null: forgotten
    std::vector<ready_handler*> calling; // of this one
    std::size_t registered = 0; // descriptors in the epoll set
    // A sweep calls epoll_wait until nothing is left, or until every descriptor had its turn: the
    // kernel puts a descriptor that it hands out at the end of its list.
    std::size_t sweep_events = 0;
    time_point sweep_began = now;
    time_point swept = now; // what was ready then has been handed out
    duration paused = clock::paused(); // of the process, as the last turn knew it
    std::vector<char> read_buffer = std::vector<char>(read_buffer_size);
    phase at = phase::outside;
    bool waiting = false; // an async_wait is under way
    bool posted = false;  // a turn is in the io_context's queue
    bool more = false;    // this turn leaves work that no descriptor will announce
    bool stopped = false;
    // Completions that are queued already cannot be taken back; they find null here once the loop
    // is gone. Shared because the io_context may outlive the loop and the other way round.
    std::shared_ptr<state*> self = std::make_shared<state*>(this);
};

readiness_loop::state::state(boost::asio::io_context& context_)
    : context(context_), ready(context_, checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      alarm(
          checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create"))
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr; // no handler: every turn fires the timers anyway
    checked(
        ::epoll_ctl(ready.native_handle(), EPOLL_CTL_ADD, alarm.descriptor(), &event), "epoll_ctl");
}

readiness_loop::state::~state()
{
    *self = nullptr;
}

// The reactor's epoll set holds ours, edge-triggered; each async_wait re-registers it
// (EPOLL_CTL_MOD), which looks at its readiness again. So nothing is lost between epoll_wait and
// here.
void readiness_loop::state::wait()
{
    if (waiting || stopped) {
        return;
    }
    waiting = true;
    ++syscalls.epoll_ctl;
    ready.async_wait(
        boost::asio::posix::stream_descriptor::wait_read,
        [anchor = self](const boost::system::error_code& error) {
            if (state* const loop = *anchor; loop != nullptr) {
                loop->waiting = false;
                ++loop->syscalls.epoll_wait; // the reactor's own
                if (!error && !loop->stopped) {
                    loop->turn();
                }
            }
        });
}

void readiness_loop::state::post_turn()
{
    if (posted || stopped) {
        return;
    }
    posted = true;
    boost::asio::post(context, [anchor = self] {
        if (state* const loop = *anchor; loop != nullptr) {
            loop->posted = false;
            if (!loop->stopped) {
                loop->turn();
            }
        }
    });
}

void readiness_loop::state::turn()
{
    BOOST_ASSERT_MSG(at == phase::outside, "a handler ran the io_context");
    at = phase::events;
    more = false;
    dispatch_events();
    if (is_late()) {
        flush_dirty(); // a socket that takes bytes again: its client is not stalled
    }
    wheel.advance(swept);
    at = phase::ending;
    if (at_turn_end != nullptr) {
        at_turn_end->on_turn_end(now);
    }
    flush_dirty();
    alarm.move_to(wheel.next(), now);
    at = phase::outside;
    if (more || !calls.empty()) {
        post_turn(); // behind what other threads posted meanwhile
    } else {
        wait();
    }
}

// C11. This thread did not run for a while, or the whole process did not, which `now` does not show.
bool readiness_loop::state::is_late()
{
    const time_point next = wheel.next();
    const bool stood_still = std::exchange(paused, clock::paused()) != clock::paused();
    return stood_still || (next <= swept && swept - next >= late_after);
}

void readiness_loop::state::dispatch_events()
{
    ++syscalls.epoll_wait;
    const time_point before = now;
    now = clock::now(); // first: whatever came before this time is among the events
    const int count =
        ::epoll_wait(ready.native_handle(), events.data(), static_cast<int>(events_max), 0);
    worst_lag = std::max(worst_lag, now - std::max(before, std::min(wheel.next(), now)));
    event_count =
        count > 0 ? static_cast<std::size_t>(count) : 0; // EINTR: level-triggered, comes again
    more = event_count == events_max;
    if (sweep_events == 0) {
        sweep_began = now;
    }
    sweep_events += event_count;
    if (!more || sweep_events >= registered) {
        sweep_events = 0;
        swept = sweep_began;
    }
    for (event_next = 0; event_next < event_count;) {
        const epoll_event event = events[event_next++];
        if (event.data.ptr != nullptr) {
            static_cast<ready_handler*>(event.data.ptr)->on_ready(event.events);
        }
    }
    event_count = 0;
    dispatch_calls();
}

void readiness_loop::state::dispatch_calls()
{
    calling.swap(calls);
    for (std::size_t i = 0; i < calling.size(); ++i) {
        if (ready_handler* const handler = std::exchange(calling[i], nullptr)) {
            handler->on_ready(0);
        }
    }
    calling.clear();
}

void readiness_loop::state::flush_dirty()
{
    for (int pass = 0; pass < flush_passes_max && !dirty.empty(); ++pass) {
        dirty_list batch;
        batch.splice(batch.end(), dirty);
        while (!batch.empty()) {
            flushable& next = batch.front();
            batch.pop_front();
            next.flush(); // may destroy any flushable: those unlink themselves
        }
    }
    more = more || !dirty.empty();
}

void readiness_loop::state::on_armed(time_point deadline)
{
    if (at == phase::outside && deadline < alarm.at()) {
        post_turn();
    }
}

readiness_loop::readiness_loop(boost::asio::io_context& context)
    : state_(std::make_unique<state>(context))
{
    state_->wait();
}

readiness_loop::~readiness_loop() = default;

boost::system::error_code
readiness_loop::add(int descriptor, std::uint32_t epoll_events, ready_handler& handler)
{
    epoll_event event{};
    event.events = epoll_events;
    event.data.ptr = &handler;
    ++state_->syscalls.epoll_ctl;
    if (::epoll_ctl(state_->ready.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return last_error();
    }
    ++state_->registered;
    return {};
}

void readiness_loop::modify(int descriptor, std::uint32_t epoll_events, ready_handler& handler)
{
    epoll_event event{};
    event.events = epoll_events;
    event.data.ptr = &handler;
    ++state_->syscalls.epoll_ctl;
    const int failed =
        ::epoll_ctl(state_->ready.native_handle(), EPOLL_CTL_MOD, descriptor, &event);
    BOOST_ASSERT_MSG(failed == 0, "descriptor was not added");
    static_cast<void>(failed);
}

void readiness_loop::remove(int descriptor, ready_handler& handler)
{
    ++state_->syscalls.epoll_ctl;
    if (::epoll_ctl(state_->ready.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr) == 0) {
        --state_->registered;
    }
    for (std::size_t i = state_->event_next; i < state_->event_count; ++i) {
        if (state_->events[i].data.ptr == &handler) {
            state_->events[i].data.ptr = nullptr;
        }
    }
}

void readiness_loop::call_again(ready_handler& handler)
{
    state_->calls.push_back(&handler);
    if (state_->at == state::phase::outside) {
        state_->post_turn();
    }
}

void readiness_loop::forget(ready_handler& handler) noexcept
{
    std::ranges::replace(state_->calls, &handler, nullptr);
    std::ranges::replace(state_->calling, &handler, nullptr);
}

void readiness_loop::mark_dirty(flushable& f) noexcept
{
    if (!f.is_linked()) {
        state_->dirty.push_back(f);
        if (state_->at == state::phase::outside) {
            state_->post_turn();
        }
    }
}

void readiness_loop::set_turn_handler(turn_handler* handler) noexcept
{
    state_->at_turn_end = handler;
}

void readiness_loop::request_turn()
{
    if (state_->at == state::phase::outside) {
        state_->post_turn();
    } else if (state_->at == state::phase::ending) {
        state_->more = true;
    }
}

timer_wheel& readiness_loop::timers() noexcept
{
    return state_->wheel;
}

time_point readiness_loop::now() const noexcept
{
    return state_->at == state::phase::outside ? clock::now() : state_->now;
}

std::span<char> readiness_loop::read_buffer() noexcept
{
    return state_->read_buffer;
}

syscall_counts& readiness_loop::syscalls() noexcept
{
    return state_->syscalls;
}

duration readiness_loop::worst_lag() noexcept
{
    return std::exchange(state_->worst_lag, duration{});
}

boost::asio::io_context& readiness_loop::context() noexcept
{
    return state_->context;
}

void readiness_loop::stop()
{
    state_->stopped = true;
    boost::system::error_code ignored; // only a descriptor that was closed refuses
    state_->ready.cancel(ignored);
}

} // namespace net
