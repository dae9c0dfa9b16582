#pragma once

// A secret that the gateway shares with an application: it says who a client is, and proves that
// nobody else said it. docs/switch.md S19, docs/spring.md.
//
// Threading:  immutable.
// Lifetime:   shared; a reload makes another one.

#include <boost/system/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace tls {

class shared_secret {
public:
    static constexpr std::size_t bytes_min = 32;

    // The file's bytes but for line ends behind them. The error is a sentence that names the file:
    // others can read or change it, or it is too short to be a secret.
    static boost::system::result<std::shared_ptr<const shared_secret>, std::string>
    open(const std::string& path);

    explicit shared_secret(std::string_view bytes) : bytes_(bytes) {}
    shared_secret(const shared_secret&) = delete;
    shared_secret& operator=(const shared_secret&) = delete;
    ~shared_secret();

    // USER.TIME.NONCE.PROOF: base64url without padding, but TIME, in seconds since 1970. PROOF is the
    // HMAC-SHA256 of the text in front of its dot.
    std::string vouch_for(std::string_view user, std::chrono::seconds time) const;
    std::string
    vouch_for(std::string_view user, std::chrono::seconds time, std::string_view nonce) const;

private:
    std::string bytes_;
};

} // namespace tls
