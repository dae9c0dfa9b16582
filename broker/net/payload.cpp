#include "broker/net/payload.hpp"

#include "broker/net/utf8.hpp"

#include <cstring>
#include <new>

namespace net {

thread_local constinit std::size_t payload::alive_ = 0;

// Raw memory and placement new: the header and the bytes share one allocation, which no standard
// owner offers.
payload_ref payload::make(std::initializer_list<std::string_view> parts)
{
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    void* const memory = ::operator new(sizeof(payload) + size);
    payload_ref made{::new (memory) payload(size)};
    alive_ += sizeof(payload) + size;
    char* at = static_cast<char*>(memory) + sizeof(payload);
    for (const std::string_view part : parts) {
        if (!part.empty()) { // data() may be null then
            std::memcpy(at, part.data(), part.size());
            at += part.size();
        }
    }
    return made;
}

std::string_view payload::bytes() const noexcept
{
    return {reinterpret_cast<const char*>(this) + sizeof(payload), size_};
}

bool payload::is_utf8() const noexcept
{
    if (utf8_ == utf8_state::unknown) {
        utf8_ = net::is_utf8(bytes()) ? utf8_state::valid : utf8_state::invalid;
    }
    return utf8_ == utf8_state::valid;
}

void intrusive_ptr_release(const payload* p) noexcept
{
    if (--p->references_ == 0) {
        payload::alive_ -= sizeof(payload) + p->size_;
        p->~payload();
        ::operator delete(const_cast<payload*>(p));
    }
}

} // namespace net
