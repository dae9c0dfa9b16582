#include "gateway/process/listener.hpp"

#include "gateway/process/shard.hpp"

namespace gateway {

namespace {

constexpr std::chrono::minutes told_every{1};

} // namespace

listener::listener(shard& owner, int descriptor, std::size_t index)
    : shard_(owner), index_(index), acceptor_(owner.loop(), descriptor, burst, *this)
{
}

void listener::on_accepted(int descriptor)
{
    shard_.accepted(descriptor, index_);
}

void listener::on_accept_failed(boost::system::error_code why)
{
    ++shard_.counters().listener(index_).rests;
    const auto now = shard_.loop().now();
    if (told_ == net::time_point{} || now >= told_ + told_every) {
        told_ = now;
        shard_.say(
            log_level::warning, "no client can be accepted at " +
                                    shard_.settings().listeners[index_].bind.text +
                                    " for now: " + why.message());
    }
}

} // namespace gateway
