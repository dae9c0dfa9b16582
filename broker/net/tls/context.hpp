#pragma once

// What all TLS streams of one listener, or towards one pool of brokers, have in common: certificates
// and keys, trust, versions and ciphers. Opening one reads the files; nothing is read later.
//
// Threading:  immutable once opened; any thread may make streams of it.
// Lifetime:   shared. A stream keeps the parts that it needs, so that a reload takes nothing away.
// Invariants:
// (1) Certificate and key fit together, or there is no context.
// (2) No renegotiation, no compression, no early data, no session cache; a server gives one ticket,
//     and none where it asks for certificates: a resumed session would pass by a new CRL.

#include "broker/net/tls/settings.hpp"

#include <boost/system/result.hpp>

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;

namespace tls {

// When a certificate, or one of those between it and its authority, expires.
struct expiry {
    std::string file;
    std::time_t at = 0;
};

// What the peers of a context speak within TLS.
enum class inside : bool { stomp, http }; // http: ALPN http/1.1

class server_context {
public:
    // The error is a sentence that names the file.
    static boost::system::result<std::shared_ptr<const server_context>, std::string>
    open(const server_settings& settings, inside what);
    ~server_context();

    ssl_ctx_st* native() const noexcept;
    const std::vector<expiry>& expiries() const noexcept;

    struct state;
    explicit server_context(std::unique_ptr<state> made);

private:
    std::unique_ptr<state> state_;
};

class client_context {
public:
    static boost::system::result<std::shared_ptr<const client_context>, std::string>
    open(const client_settings& settings, inside what);
    ~client_context();

    ssl_ctx_st* native() const noexcept;
    const std::vector<expiry>& expiries() const noexcept;
    bool verifies() const noexcept;

    struct state;
    explicit client_context(std::unique_ptr<state> made);

private:
    std::unique_ptr<state> state_;
};

} // namespace tls
