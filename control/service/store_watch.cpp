#include "control/service/store_watch.hpp"

#include <boost/asio/post.hpp>

#include <csignal>
#include <mutex>
#include <thread>
#include <utility>

namespace control {

struct store_watch::shared {
    std::function<std::string()> try_once;
    std::function<void(std::string)> told;
    bool trying = false; // the io_context's thread
    std::mutex mutex;    // guards context
    boost::asio::io_context* context = nullptr; // null: the watch is gone
};

store_watch::store_watch(
    boost::asio::io_context& context, std::function<std::string()> try_once,
    std::function<void(std::string)> told, std::chrono::milliseconds every)
    : timer_(context), every_(every), shared_(std::make_shared<shared>())
{
    shared_->try_once = std::move(try_once);
    shared_->told = std::move(told);
    shared_->context = &context;
    wait();
}

store_watch::~store_watch()
{
    const std::lock_guard lock{shared_->mutex};
    shared_->context = nullptr;
}

void store_watch::wait()
{
    timer_.expires_after(every_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (shared_->trying) {
            shared_->told("a write has taken longer than " + std::to_string(every_.count()) + " ms");
        } else {
            begin_trial();
        }
        wait();
    });
}

void store_watch::begin_trial()
{
    shared_->trying = true;
    sigset_t all, before; // signals are the main thread's
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([own = shared_] {
        std::string trouble = own->try_once();
        const std::lock_guard lock{own->mutex};
        if (own->context != nullptr) {
            boost::asio::post(*own->context, [own, trouble = std::move(trouble)]() mutable {
                own->trying = false;
                const bool gone = [&] {
                    const std::lock_guard still{own->mutex};
                    return own->context == nullptr;
                }();
                if (!gone) {
                    own->told(std::move(trouble));
                }
            });
        }
    }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace control
