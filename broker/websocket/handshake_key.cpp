#include "broker/websocket/handshake_key.hpp"

#include <boost/uuid/detail/sha1.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>

namespace websocket {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::span<const unsigned char> bytes)
{
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < count ? bytes[at + i] : 0u);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= count ? alphabet[group >> (18 - 6 * i) & 0x3F] : '=';
        }
    }
    return text;
}

template <std::size_t Words>
std::string base64_of_words(const std::array<std::uint32_t, Words>& words)
{
    std::array<unsigned char, 4 * Words> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>(words[i / 4] >> (24 - 8 * (i % 4)) & 0xFF);
    }
    return base64(bytes);
}

} // namespace

std::string new_handshake_key()
{
    std::random_device system;
    return base64_of_words(std::array<std::uint32_t, 4>{system(), system(), system(), system()});
}

bool is_handshake_key(std::string_view text) noexcept
{
    return text.size() == 24 && text.substr(22) == "==" && text.find_first_not_of(alphabet) == 22;
}

std::string accept_value(std::string_view key)
{
    constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(key.data(), key.size());
    hash.process_bytes(guid.data(), guid.size());
    boost::uuids::detail::sha1::digest_type digest; // five words, the first one first
    hash.get_digest(digest);
    std::array<std::uint32_t, 5> words;
    std::copy(std::begin(digest), std::end(digest), words.begin());
    return base64_of_words(words);
}

} // namespace websocket
