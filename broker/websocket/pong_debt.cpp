#include "broker/websocket/pong_debt.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace websocket {

void pong_debt::on_ping(std::span<const char> payload, role from, net::connection& to)
{
    if (to.closing()) {
        return;
    }
    if (!owed_ && to.flowing() && to.out().size() < at_once_max) {
        append_pong(to.out(), from, payload);
        to.touch();
        return;
    }
    if (!owed_) {
        owed_ = std::make_unique<owed>();
        owed_->behind = to.out().appended();
    }
    BOOST_ASSERT(payload.size() <= owed_->payload.size()); // the decoder's rule
    std::copy(payload.begin(), payload.end(), owed_->payload.begin());
    owed_->size = static_cast<std::uint8_t>(payload.size());
}

void pong_debt::on_written(role from, net::connection& to)
{
    if (!owed_ || to.out().written() < owed_->behind) {
        return;
    }
    if (!to.closing()) {
        append_pong(to.out(), from, {owed_->payload.data(), owed_->size});
        to.touch();
    }
    owed_.reset();
}

} // namespace websocket
