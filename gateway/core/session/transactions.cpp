#include "gateway/core/session/transactions.hpp"

#include <algorithm>

namespace gateway {

std::string_view to_string(transaction_fault fault) noexcept
{
    switch (fault) {
    case transaction_fault::none: return "";
    case transaction_fault::open_already: return "the transaction is open already";
    case transaction_fault::unknown: return "no such transaction";
    case transaction_fault::too_many: return "too many open transactions (limits.transactions)";
    case transaction_fault::too_large:
        return "the transactions are too large (limits.transaction_bytes, 1024 frames)";
    }
    return "";
}

std::size_t weight(const stomp::frame& frame) noexcept
{
    std::size_t bytes = sizeof frame + frame.body.size();
    for (const auto& [name, value] : frame.headers) {
        bytes += name.size() + value.size() + sizeof(std::pair<std::string, std::string>);
    }
    return bytes;
}

namespace {

std::size_t weight_of(const transaction& t) noexcept // but its frames
{
    return sizeof t + t.id.size();
}

} // namespace

transaction_fault transaction_buffer::begin(std::string_view id, std::size_t transactions_max)
{
    if (std::ranges::any_of(open_, [&](const auto& t) { return t.id == id; })) {
        return transaction_fault::open_already;
    }
    if (open_.size() >= transactions_max) {
        return transaction_fault::too_many;
    }
    open_.push_back({std::string{id}, {}});
    held_.add(weight_of(open_.back()));
    return transaction_fault::none;
}

transaction_fault transaction_buffer::add(
    std::string_view id, const stomp::frame_view& frame, broker::framing as, std::size_t bytes_max)
{
    const auto at = std::ranges::find_if(open_, [&](const auto& t) { return t.id == id; });
    if (at == open_.end()) {
        return transaction_fault::unknown;
    }
    stomp::frame owned{frame};
    const std::size_t bytes = weight(owned);
    if (bytes_ + bytes > bytes_max || at->frames.size() >= frames_max) {
        return transaction_fault::too_large;
    }
    bytes_ += bytes;
    held_.add(bytes);
    at->frames.push_back({std::move(owned), as});
    return transaction_fault::none;
}

const transaction* transaction_buffer::find(std::string_view id) const noexcept
{
    const auto at = std::ranges::find(open_, id, &transaction::id);
    return at == open_.end() ? nullptr : &*at;
}

std::optional<transaction> transaction_buffer::take(std::string_view id)
{
    const auto at = std::ranges::find_if(open_, [&](const auto& t) { return t.id == id; });
    if (at == open_.end()) {
        return std::nullopt;
    }
    transaction taken = std::move(*at);
    open_.erase(at);
    held_.take(weight_of(taken));
    for (const auto& f : taken.frames) {
        const std::size_t bytes = weight(f.frame);
        bytes_ -= bytes;
        held_.take(bytes);
    }
    return taken;
}

std::size_t transaction_buffer::recount() const noexcept
{
    std::size_t bytes = 0;
    for (const transaction& t : open_) {
        bytes += weight_of(t);
        for (const buffered_frame& f : t.frames) {
            bytes += weight(f.frame);
        }
    }
    return bytes;
}

} // namespace gateway
