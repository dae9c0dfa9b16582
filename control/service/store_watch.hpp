#pragma once

// Tries again and again whether the store takes writes, so that an operator hears of it before a switch
// does.
//
// Threading:  built, told and destroyed on the thread of its io_context. Each trial runs in a thread
//             of its own, because a disk may keep it for long.
// Lifetime:   a trial that never ends is left behind with what it refers to.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace control {

class store_watch {
public:
    static constexpr auto interval = std::chrono::seconds{10};

    // `try_once` says what is wrong, or nothing. `told` hears that, each time.
    store_watch(
        boost::asio::io_context& context, std::function<std::string()> try_once,
        std::function<void(std::string)> told, std::chrono::milliseconds every = interval);
    ~store_watch();
    store_watch(const store_watch&) = delete;
    store_watch& operator=(const store_watch&) = delete;

private:
    struct shared;
    void wait();
    void begin_trial();

    boost::asio::steady_timer timer_;
    std::chrono::milliseconds every_;
    std::shared_ptr<shared> shared_;
};

} // namespace control
