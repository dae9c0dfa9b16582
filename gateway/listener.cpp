#include "gateway/listener.hpp"

#include "broker/net/socket.hpp"
#include "gateway/shard.hpp"

#include <sys/epoll.h>
#include <unistd.h>

namespace gateway {

listener::listener(shard& owner, int descriptor, std::size_t index)
    : shard_(owner), descriptor_(descriptor), index_(index)
{
    shard_.loop().add(descriptor_, EPOLLIN, *this);
}

listener::~listener()
{
    if (descriptor_ >= 0) {
        shard_.loop().remove(descriptor_, *this);
        ::close(descriptor_);
    }
}

void listener::on_ready(std::uint32_t)
{
    for (int i = 0; i < burst; ++i) {
        const auto accepted = net::accept_one(descriptor_);
        ++shard_.loop().syscalls().accept;
        if (!accepted) {
            return; // would_block; or no descriptor left, which the next turn meets again
        }
        shard_.accepted(*accepted, index_);
    }
}

void listener::close()
{
    if (descriptor_ < 0) {
        return;
    }
    while (const auto accepted = net::accept_one(descriptor_)) {
        shard_.accepted(*accepted, index_);
    }
    shard_.loop().remove(descriptor_, *this);
    ::close(descriptor_);
    descriptor_ = -1;
}

} // namespace gateway
