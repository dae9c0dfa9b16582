#include "gateway/core/pairing/overlap_notes.hpp"

namespace gateway {

bool overlap_notes::is_twin(overlap_side from, std::string_view body)
{
    const int step = from == overlap_side::old_color ? 1 : -1;
    const digest128 key = digest_of(secret_, body);
    const auto at = bodies_.find(key);
    if (at == bodies_.end()) {
        if (bodies_.size() < most) {
            bodies_.emplace(key, step);
        }
        return false;
    }
    const bool twin = at->second * step < 0;
    at->second += step;
    if (at->second == 0) {
        bodies_.erase(at);
    }
    return twin;
}

} // namespace gateway
