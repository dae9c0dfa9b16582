#pragma once

// One shard's part of a listener.
//
// Threading:  one shard's thread.

#include "broker/net/acceptor.hpp"

#include <cstddef>

namespace gateway {

class shard;

class listener final : private net::accept_handler {
public:
    static constexpr int burst = 64; // connections a turn

    // Takes ownership of a listening descriptor.
    listener(shard& owner, int descriptor, std::size_t index);

    boost::system::error_code failed() const noexcept { return acceptor_.failed(); }
    void close() { acceptor_.close(); } // connections that wait already are accepted

private:
    void on_accepted(int descriptor) override;
    void on_accept_failed(boost::system::error_code why) override;

    shard& shard_;
    std::size_t index_;
    net::time_point told_{}; // when it was logged last that nobody can be accepted
    net::acceptor acceptor_;
};

} // namespace gateway
