#include "gateway/core/pairing/digest_memory.hpp"

#include "gateway/core/pairing/pairing_rule.hpp"

namespace gateway {

digest128
digest_of(const std::array<std::uint64_t, 2>& secret, std::string_view bytes) noexcept
{
    return {
        keyed_digest(secret, bytes),
        keyed_digest({secret[0] ^ 0x746965642d746565ULL, ~secret[1]}, bytes)};
}

} // namespace gateway
