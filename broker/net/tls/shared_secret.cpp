#include "broker/net/tls/shared_secret.hpp"

#include "broker/net/tls/private_file.hpp"

#include <boost/assert.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

namespace tls {

namespace {

constexpr std::size_t nonce_bytes = 16;

// RFC 4648, 5, without padding.
std::string base64url(std::string_view bytes)
{
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned held = 0, bits = 0;
    for (const char c : bytes) {
        held = held << 8 | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6; bits -= 6) {
            text += digits[held >> (bits - 6) & 63];
        }
    }
    if (bits > 0) {
        text += digits[held << (6 - bits) & 63];
    }
    return text;
}

} // namespace

boost::system::result<std::shared_ptr<const shared_secret>, std::string>
shared_secret::open(const std::string& path)
{
    const auto held = read_private(path, "a secret");
    if (!held) {
        return held.error();
    }
    std::string_view bytes = (*held)->view();
    while (bytes.ends_with('\n') || bytes.ends_with('\r')) {
        bytes.remove_suffix(1);
    }
    if (bytes.size() < bytes_min || bytes.size() == private_bytes::most) {
        return path + " must hold a secret of 32 bytes or more (openssl rand -base64 32)";
    }
    return std::make_shared<const shared_secret>(bytes);
}

shared_secret::~shared_secret()
{
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

std::string shared_secret::vouch_for(std::string_view user, std::chrono::seconds time) const
{
    std::array<unsigned char, nonce_bytes> drawn;
    [[maybe_unused]] const bool random =
        RAND_bytes(drawn.data(), static_cast<int>(drawn.size())) == 1;
    BOOST_ASSERT_MSG(random, "no random bytes");
    return vouch_for(user, time, {reinterpret_cast<const char*>(drawn.data()), drawn.size()});
}

std::string shared_secret::vouch_for(
    std::string_view user, std::chrono::seconds time, std::string_view nonce) const
{
    std::string said =
        base64url(user) + "." + std::to_string(time.count()) + "." + base64url(nonce);
    std::array<unsigned char, EVP_MAX_MD_SIZE> proof;
    unsigned size = 0;
    HMAC(
        EVP_sha256(), bytes_.data(), static_cast<int>(bytes_.size()),
        reinterpret_cast<const unsigned char*>(said.data()), said.size(), proof.data(), &size);
    return said + "." + base64url({reinterpret_cast<const char*>(proof.data()), size});
}

} // namespace tls
