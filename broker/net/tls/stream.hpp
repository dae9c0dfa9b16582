#pragma once

// One connection's TLS, on OpenSSL's SSL with a socket below it.
//
// Threading:  one loop's thread.
// Lifetime:   owned by its net::connection. It keeps its context until the handshake is done.
// Limits:     KeyUpdates and other messages behind the handshake are counted: key_updates_max, and
//             one more for each MiB that came. Empty records in a row are OpenSSL's own limit (32).
// Memory:     14 kB while idle. Buffers are there only while a record is incomplete in either
//             direction: held() says so.

#include "broker/net/stream_layer.hpp"
#include "broker/net/tls/context.hpp"

#include <memory>
#include <string>

struct ssl_st;
struct x509_store_ctx_st;

namespace tls {

class stream final : public net::stream_layer {
public:
    static constexpr std::size_t key_updates_max = 16;
    // What a handshake costs in memory until it is done, and a record's buffer.
    static constexpr std::size_t handshake_bytes = 36 * 1024, buffer_bytes = 17 * 1024;

    static std::unique_ptr<stream> accept(std::shared_ptr<const server_context> from);
    // `name`: whom the certificate must be for, a host's name or an address; asked for by SNI where
    // it is a name.
    static std::unique_ptr<stream>
    connect(const std::shared_ptr<const client_context>& from, const std::string& name);
    ~stream() override;

    void attach(
        int descriptor, net::syscall_counts& counts, std::span<const char> came_already) override;
    void moved_to(net::syscall_counts& counts) noexcept override;
    outcome handshake() override;
    progress read(std::span<char> into) override;
    progress write(std::span<const char> from) override;
    outcome finish() override;
    bool holds_unread() const noexcept override;
    std::size_t held() const noexcept override;
    std::string failure() const override { return failure_; }

    // The version and the cipher that were agreed on, "TLSv1.3 TLS_AES_128_GCM_SHA256".
    std::string agreed() const;

    // ---- by OpenSSL's callbacks
    void note_message(bool outgoing, int content) noexcept;
    // A certificate that is refused; the first reason stays.
    void note_refused(x509_store_ctx_st& check);

private:
    struct socket;
    struct free_ssl {
        void operator()(ssl_st* ssl) const noexcept;
    };
    stream(ssl_st* ssl, bool is_server);
    outcome result_of(int returned);
    bool floods() const noexcept;

    std::unique_ptr<socket> socket_; // outlives ssl_, which reads and writes it
    std::unique_ptr<ssl_st, free_ssl> ssl_;
    std::shared_ptr<const void> context_; // until the handshake is done
    std::string failure_;
    std::string
        wanted_; // a client's: whom the certificate must be for, until the handshake is done
    std::uint64_t bytes_read_ = 0;
    std::uint32_t messages_ = 0; // behind the handshake, of the peer
    bool is_server_;
    bool secured_ = false;
    bool write_open_ = false; // OpenSSL holds a part of a record
    bool over_ = false;       // nothing more may be asked of it
};

} // namespace tls
