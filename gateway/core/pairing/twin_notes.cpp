#include "gateway/core/pairing/twin_notes.hpp"

#include <utility>

namespace gateway {

void twin_notes::add(const twin_key& key)
{
    auto& [older, younger] = generations_;
    if (younger.count >= half_) {
        overflowed_ |= older.count != 0;
        older = std::exchange(younger, {});
    }
    younger.by_content[key.content].push_back(key);
    ++younger.count;
}

void twin_notes::generation::erase(const twin_key& of, const twin_key* place)
{
    const auto at = by_content.find(of.content);
    at->second.erase(at->second.begin() + (place - at->second.data()));
    --count;
    if (at->second.empty()) {
        by_content.erase(at);
    }
}

void twin_notes::clear() noexcept
{
    generations_ = {};
}

} // namespace gateway
