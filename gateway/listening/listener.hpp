#pragma once

// One shard's part of a listener.
//
// Threading:  one shard's thread.

#include "broker/net/acceptor.hpp"

#include <cstddef>

namespace gateway {

// Who takes the connections.
class listener_owner {
public:
    virtual void accepted(int descriptor, std::size_t listener) = 0; // takes ownership
    // Nothing is accepted for a moment. `tell`: it was not said within the last minute.
    virtual void accept_failed(std::size_t listener, boost::system::error_code why, bool tell) = 0;

protected:
    ~listener_owner() = default;
};

class listener final : private net::accept_handler {
public:
    static constexpr int burst = 64; // connections a turn

    // Takes ownership of a listening descriptor. `index`: of the configuration's listeners.
    listener(net::readiness_loop& loop, int descriptor, std::size_t index, listener_owner& owner);

    boost::system::error_code failed() const noexcept { return acceptor_.failed(); }
    void close() { acceptor_.close(); } // connections that wait already are accepted

private:
    void on_accepted(int descriptor) override { owner_.accepted(descriptor, index_); }
    void on_accept_failed(boost::system::error_code why) override;

    net::readiness_loop& loop_;
    listener_owner& owner_;
    std::size_t index_;
    net::time_point told_{}; // when it was said last that nobody can be accepted
    net::acceptor acceptor_;
};

} // namespace gateway
