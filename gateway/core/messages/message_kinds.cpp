#include "gateway/core/messages/message_kinds.hpp"

#include <algorithm>

namespace gateway {

void message_kinds::restart(bool binary) noexcept
{
    flips_.reset();
    first_binary_ = binary;
}

void message_kinds::append(std::size_t size, bool binary)
{
    if (size == 0) {
        restart(binary);
        return;
    }
    const bool last_binary = first_binary_ != (flips_ != nullptr && flips_->size() % 2 == 1);
    if (binary == last_binary) {
        return;
    }
    if (flips_ == nullptr) {
        flips_ = std::make_unique<std::vector<std::size_t>>();
    }
    flips_->push_back(size);
}

void message_kinds::drop(std::size_t front_bytes)
{
    if (flips_ == nullptr) {
        return;
    }
    const auto kept = std::ranges::upper_bound(*flips_, front_bytes);
    first_binary_ ^= (kept - flips_->begin()) % 2 == 1;
    flips_->erase(flips_->begin(), kept);
    for (std::size_t& at : *flips_) {
        at -= front_bytes;
    }
    if (flips_->empty()) {
        flips_.reset();
    }
}

bool message_kinds::any_binary_of_both(std::size_t from, std::size_t to) const noexcept
{
    // The first change after `from`. Stretches take turns, so its index says the kind of the bytes
    // before it.
    const auto next = std::ranges::upper_bound(*flips_, from);
    const bool binary = first_binary_ != ((next - flips_->begin()) % 2 == 1);
    return binary || (next != flips_->end() && *next < to);
}

} // namespace gateway
