#pragma once

// What a configuration says about TLS, as plain values. Files are paths; they are read by
// server_context and client_context, again at each reload.

#include <cstdint>
#include <string>
#include <vector>

namespace tls {

enum class version : std::uint8_t { v12, v13 };

struct certificate_files {
    std::string certificate; // PEM: the certificate, then those between it and its authority
    std::string key;         // PEM, not encrypted; empty: it is in `certificate`
    const std::string& key_file() const noexcept { return key.empty() ? certificate : key; }
    bool operator==(const certificate_files&) const = default;
};

struct protocol_settings {
    version min_version = version::v12;
    std::string ciphers; // of TLS 1.2, as `openssl ciphers` takes them; empty: forward secret AEADs
    std::string ciphersuites; // of TLS 1.3; empty: OpenSSL's
    bool operator==(const protocol_settings&) const = default;
};

enum class client_certificate : std::uint8_t {
    none,     // it is not asked for
    optional, // a client may have none; one that it has must be good
    require,
};

struct server_settings {
    std::vector<certificate_files>
        certificates; // the first for clients that ask for no name of theirs
    client_certificate clients = client_certificate::none;
    std::string client_ca, client_crl; // PEM; client_crl may be empty: nothing is revoked
    protocol_settings protocol;
    bool operator==(const server_settings&) const = default;
};

struct client_settings {
    std::string ca;          // PEM; empty: the authorities that this system trusts
    certificate_files own;   // empty: none
    std::string server_name; // empty: the host of the endpoint
    bool verify = true;
    protocol_settings protocol;
    bool operator==(const client_settings&) const = default;
};

} // namespace tls
