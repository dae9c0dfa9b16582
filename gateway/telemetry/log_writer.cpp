#include "gateway/telemetry/log_writer.hpp"

#include "gateway/telemetry/log_queue.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

namespace gateway::log {

namespace {

constexpr auto note_interval = std::chrono::seconds{1};

} // namespace

// Also the thread's, which may outlive the writer.
struct writer::shared {
    explicit shared(settings of_writer)
        : how(of_writer), queue(how.bytes_max, how.audit_bytes_max)
    {
    }

    void run();
    bool write_whole(std::string_view text);
    void write_line(std::string line);
    void write_notes();

    const settings how;
    std::mutex mutex; // guards the queue and the flags
    std::condition_variable wake, idle;
    line_queue queue;
    bool busy = false, stopping = false;
    std::atomic<std::uint64_t> dropped{0}, bytes{0};
    std::uint64_t untold = 0; // of dropped; the thread's
    bool torn = false;        // a line was written in part; the thread's
    std::thread thread;
};

writer::writer(settings how) : shared_(std::make_shared<shared>(how))
{
    // Signals are others' business, and a pipe without a reader is an error and no signal.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    shared_->thread = std::thread([own = shared_] { own->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

writer::~writer()
{
    stop(std::chrono::milliseconds{0});
}

void writer::put(std::string line, bool audit)
{
    {
        const std::lock_guard lock{shared_->mutex};
        audit ? shared_->queue.put_audit(std::move(line)) : shared_->queue.put(std::move(line));
        shared_->bytes.store(shared_->queue.bytes(), std::memory_order_relaxed);
    }
    shared_->wake.notify_one();
}

void writer::flush(std::chrono::milliseconds most)
{
    std::unique_lock lock{shared_->mutex};
    shared_->idle.wait_for(lock, most, [&] { return shared_->queue.empty() && !shared_->busy; });
}

void writer::stop(std::chrono::milliseconds most)
{
    if (!shared_->thread.joinable()) {
        return;
    }
    flush(most);
    bool stuck = false;
    {
        const std::lock_guard lock{shared_->mutex};
        shared_->stopping = true;
        stuck = shared_->busy;
    }
    shared_->wake.notify_one();
    stuck ? shared_->thread.detach() : shared_->thread.join();
}

std::uint64_t writer::dropped() const noexcept
{
    return shared_->dropped.load(std::memory_order_relaxed);
}

std::uint64_t writer::bytes() const noexcept
{
    return shared_->bytes.load(std::memory_order_relaxed);
}

void writer::shared::run()
{
    auto noted = std::chrono::steady_clock::now();
    std::unique_lock lock{mutex};
    while (!stopping) {
        wake.wait_for(lock, note_interval, [&] { return stopping || !queue.empty(); });
        if (stopping) {
            return;
        }
        std::optional<std::string> line = queue.take();
        bytes.store(queue.bytes(), std::memory_order_relaxed);
        const std::uint64_t lost = queue.take_dropped();
        untold += lost;
        dropped.fetch_add(lost, std::memory_order_relaxed);
        const auto now = std::chrono::steady_clock::now();
        const bool notes = how.notes != nullptr && now - noted >= note_interval;
        busy = true;
        lock.unlock();
        if (line) {
            write_line(std::move(*line));
        }
        if (notes) {
            noted = now;
            write_notes();
        }
        lock.lock();
        busy = false;
        if (queue.empty()) {
            idle.notify_all();
        }
    }
}

void writer::shared::write_notes()
{
    const std::string text = how.notes(std::exchange(untold, 0));
    for (std::string_view rest = text; !rest.empty();) {
        const auto one = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        write_line(std::string{one});
    }
}

void writer::shared::write_line(std::string line)
{
    line += '\n';
    if (torn) {
        line.insert(0, "\n");
    }
    torn = false;
    if (!write_whole(line)) {
        dropped.fetch_add(1, std::memory_order_relaxed);
        ++untold;
    }
}

bool writer::shared::write_whole(std::string_view text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(how.descriptor, text.data() + done, text.size() - done);
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) { // whoever gave it to us wanted that
            pollfd waits{.fd = how.descriptor, .events = POLLOUT, .revents = 0};
            ::poll(&waits, 1, -1);
        } else if (errno != EINTR) {
            torn = done > 0;
            return false;
        }
    }
    return true;
}

} // namespace gateway::log
