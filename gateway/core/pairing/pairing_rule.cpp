#include "gateway/core/pairing/pairing_rule.hpp"

#include "broker/own_headers.hpp"

#include <bit>
#include <initializer_list>

namespace gateway {

namespace {

// SipHash with one round a word and three at the end. Bytes come in any number of parts.
class digest {
public:
    explicit digest(const std::array<std::uint64_t, 2>& secret) noexcept
        : v_{secret[0] ^ 0x736f6d6570736575ULL, secret[1] ^ 0x646f72616e646f6dULL,
             secret[0] ^ 0x6c7967656e657261ULL, secret[1] ^ 0x7465646279746573ULL}
    {
    }
    void add(std::string_view bytes) noexcept
    {
        for (const char byte : bytes) {
            word_ |= std::uint64_t{static_cast<unsigned char>(byte)} << (8 * (length_ % 8));
            if (++length_ % 8 == 0) {
                take(word_);
                word_ = 0;
            }
        }
    }
    // A part and where it ends, so that "ab","c" and "a","bc" differ.
    void add_part(std::string_view bytes) noexcept
    {
        add(bytes);
        const std::uint64_t size = bytes.size();
        for (unsigned shift = 0; shift < 64; shift += 8) {
            const char byte = static_cast<char>(size >> shift & 0xff);
            add({&byte, 1});
        }
    }
    std::uint64_t end() noexcept
    {
        take(word_ | length_ << 56);
        v_[2] ^= 0xff;
        for (int i = 0; i < 3; ++i) {
            round();
        }
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    void take(std::uint64_t word) noexcept
    {
        v_[3] ^= word;
        round();
        v_[0] ^= word;
    }
    void round() noexcept
    {
        auto& [a, b, c, d] = v_;
        a += b;
        c += d;
        b = std::rotl(b, 13) ^ a;
        d = std::rotl(d, 16) ^ c;
        a = std::rotl(a, 32);
        c += b;
        a += d;
        b = std::rotl(b, 17) ^ c;
        d = std::rotl(d, 21) ^ a;
        c = std::rotl(c, 32);
    }

    std::array<std::uint64_t, 4> v_;
    std::uint64_t word_ = 0, length_ = 0;
};

} // namespace

std::uint64_t
keyed_digest(const std::array<std::uint64_t, 2>& secret, std::string_view bytes) noexcept
{
    digest d{secret};
    d.add(bytes);
    return d.end();
}

std::optional<twin_key> pairing_rule::key_of(const stomp::frame_view& message) const noexcept
{
    digest d{secret};
    d.add_part(message.find("destination").value_or(""));
    if (by == dedup_by::header) {
        const auto value = message.find(header);
        if (!value) {
            return std::nullopt;
        }
        d.add_part(*value);
        return twin_key{.content = static_cast<pairing_key>(d.end())};
    }
    // The headers that describe the body come from the sender. Whether its length is said depends
    // on the broker.
    for (const auto& h : message.headers) {
        if (h.name.starts_with("content-") && h.name != "content-length") {
            d.add_part(h.name);
            d.add_part(h.value);
        }
    }
    d.add_part(message.body);
    twin_key key{.content = static_cast<pairing_key>(d.end())};
    if (by == dedup_by::automatic) {
        add_ids(message, key);
    }
    return key;
}

// P5, P6: the key includes the content, so that a repeated or copied id does not match another
// MESSAGE.
void pairing_rule::add_ids(const stomp::frame_view& message, twin_key& key) const noexcept
{
    const auto with_content = [&](std::initializer_list<std::string_view> values) {
        digest d{secret};
        const auto content = static_cast<std::uint64_t>(key.content);
        for (unsigned shift = 0; shift < 64; shift += 8) {
            const char byte = static_cast<char>(content >> shift & 0xff);
            d.add({&byte, 1});
        }
        for (const auto value : values) {
            d.add_part(value);
        }
        return d.end() | 1; // 0 says that there is none
    };
    const auto ours = message.find(broker::id_header).value_or("");
    const auto theirs = message.find("amqp-message-id").value_or("");
    if (!ours.empty() || !theirs.empty()) {
        key.id = with_content({"id", ours, theirs});
    }
    if (const auto own = message.find("message-id").value_or(""); !own.empty()) {
        key.broker_id = with_content({"broker", own});
    }
}

} // namespace gateway
