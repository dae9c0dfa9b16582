// The configuration was loaded again: a shard's driver takes what it may. docs/outside.md A13.

#include "gateway/process/shard.hpp"

#include <utility>

namespace gateway {

void shard::reload(reloaded loaded)
{
    settings_ = std::move(loaded.settings);
    where_ = std::move(loaded.where);
    secure_ = std::move(loaded.secure);
    buffered_max_ = loaded.buffered_max;
    const auto& limits = settings_.limits;
    for (std::size_t i = 0; i < settings_.listeners.size(); ++i) { // the same ones, in their order
        policies_[i].allowed_origins = settings_.listeners[i].allowed_origins;
        policies_[i].forward_headers = settings_.listeners[i].forward_headers;
        policies_[i].head_bytes_max = limits.http_head;
        policies_[i].tells_place = settings_.brokers.tells_place();
    }
    gate_.set_limits(
        {.share_percent = limits.tls_handshake_share,
         .per_address = limits.tls_handshakes_per_address});
    hub_->set_limits(
        limits.http_head, limits.frame_before_connect, limits.handshake_timeout,
        2 * limits.client_stall);
    router_.reload(std::move(loaded.core), loop_.now());
}

} // namespace gateway
