#pragma once

// Immutable bytes shared by many outboxes: one MESSAGE that goes to many clients is encoded once.
//
// Threading:  belongs to one loop's thread; the reference count is a plain integer.
// Lifetime:   freed with its last payload_ref.

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace net {

class payload;
using payload_ref = boost::intrusive_ptr<const payload>;

class payload {
public:
    // One allocation: the header and the bytes. `parts` are joined in order.
    static payload_ref make(std::initializer_list<std::string_view> parts);

    std::string_view bytes() const noexcept;
    std::size_t size() const noexcept { return size_; }

    // Of all payloads of this thread that somebody refers to.
    static std::size_t bytes_alive() noexcept { return alive_; }

    // Whether all bytes are valid UTF-8; computed at most once.
    bool is_utf8() const noexcept;

    friend void intrusive_ptr_add_ref(const payload* p) noexcept { ++p->references_; }
    friend void intrusive_ptr_release(const payload* p) noexcept;

private:
    enum class utf8_state : std::uint8_t { unknown, valid, invalid };

    explicit payload(std::size_t size) noexcept : size_(size) {}

    static thread_local std::size_t alive_;
    mutable std::uint32_t references_ = 0;
    mutable utf8_state utf8_ = utf8_state::unknown;
    std::size_t size_;
};

} // namespace net
