#include "broker/net/tls/stream.hpp"

#include "broker/net/readiness_loop.hpp"
#include "broker/net/tls/failures.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>

namespace tls {

// What OpenSSL reads and writes: the socket, behind the bytes that were read of it before.
struct stream::socket {
    int descriptor = -1;
    net::syscall_counts* counts = nullptr;
    std::string early;
    std::size_t early_used = 0;
    bool ended = false; // recv() said 0
    int error = 0;      // the first that was no EAGAIN

    int read(char* into, std::size_t size, BIO* bio)
    {
        if (early_used < early.size()) {
            const std::size_t count = std::min(size, early.size() - early_used);
            std::memcpy(into, early.data() + early_used, count);
            early_used += count;
            if (early_used == early.size()) {
                std::string{}.swap(early); // `= {}` would keep the room
                early_used = 0;
            }
            return static_cast<int>(count);
        }
        ++counts->recv;
        const ssize_t count = ::recv(descriptor, into, size, 0);
        if (count < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                BIO_set_retry_read(bio);
            } else {
                error = error != 0 ? error : errno;
            }
            return -1;
        }
        ended = ended || count == 0;
        return static_cast<int>(count);
    }
    int write(const char* from, std::size_t size, BIO* bio)
    {
        ++counts->send;
        const ssize_t count = ::send(descriptor, from, size, MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                BIO_set_retry_write(bio);
            } else {
                error = error != 0 ? error : errno;
            }
            return -1;
        }
        return static_cast<int>(count);
    }

    static BIO_METHOD* method();
};

namespace {

bool is_address(const std::string& name)
{
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

} // namespace

BIO_METHOD* stream::socket::method()
{
    struct free_method {
        void operator()(BIO_METHOD* m) const noexcept { BIO_meth_free(m); }
    };
    static const std::unique_ptr<BIO_METHOD, free_method> made = [] {
        BIO_METHOD* const m =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "teal socket");
        BIO_meth_set_read(m, [](BIO* bio, char* into, int size) {
            BIO_clear_retry_flags(bio);
            return static_cast<socket*>(BIO_get_data(bio))
                ->read(into, static_cast<std::size_t>(size), bio);
        });
        BIO_meth_set_write(m, [](BIO* bio, const char* from, int size) {
            BIO_clear_retry_flags(bio);
            return static_cast<socket*>(BIO_get_data(bio))
                ->write(from, static_cast<std::size_t>(size), bio);
        });
        BIO_meth_set_ctrl(m, [](BIO* bio, int command, long, void*) -> long {
            switch (command) {
            case BIO_CTRL_FLUSH: return 1;
            case BIO_CTRL_EOF: return static_cast<socket*>(BIO_get_data(bio))->ended ? 1 : 0;
            default: return 0;
            }
        });
        return std::unique_ptr<BIO_METHOD, free_method>{m};
    }();
    return made.get();
}

void stream::free_ssl::operator()(ssl_st* ssl) const noexcept
{
    SSL_free(ssl);
}

stream::stream(ssl_st* ssl, bool is_server)
    : socket_(std::make_unique<socket>()), ssl_(ssl), is_server_(is_server)
{
    if (ssl == nullptr) {
        throw std::bad_alloc{};
    }
    SSL_set_app_data(ssl, this);
}

stream::~stream() = default;

std::unique_ptr<stream> stream::accept(std::shared_ptr<const server_context> from)
{
    std::unique_ptr<stream> made{new stream{SSL_new(from->native()), true}};
    SSL_set_accept_state(made->ssl_.get());
    made->context_ = std::move(from);
    return made;
}

std::unique_ptr<stream>
stream::connect(const std::shared_ptr<const client_context>& from, const std::string& name)
{
    std::unique_ptr<stream> made{new stream{SSL_new(from->native()), false}};
    SSL* const ssl = made->ssl_.get();
    SSL_set_connect_state(ssl);
    const bool by_address = is_address(name);
    if (!by_address) {
        SSL_set_tlsext_host_name(ssl, name.c_str()); // RFC 6066, 3: never an address
    }
    if (from->verifies()) {
        made->wanted_ = name;
        X509_VERIFY_PARAM* const check = SSL_get0_param(ssl);
        X509_VERIFY_PARAM_set_hostflags(
            check, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int set = by_address ? X509_VERIFY_PARAM_set1_ip_asc(check, name.c_str())
                                   : X509_VERIFY_PARAM_set1_host(check, name.c_str(), name.size());
        if (set != 1) {
            throw std::bad_alloc{};
        }
    }
    return made;
}

void stream::attach(int descriptor, net::syscall_counts& counts, std::span<const char> came_already)
{
    socket_->descriptor = descriptor;
    socket_->counts = &counts;
    socket_->early.assign(came_already.begin(), came_already.end());
    BIO* const bio = BIO_new(socket::method());
    if (bio == nullptr) {
        throw std::bad_alloc{};
    }
    BIO_set_data(bio, socket_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

void stream::moved_to(net::syscall_counts& counts) noexcept
{
    socket_->counts = &counts;
}

net::stream_layer::outcome stream::result_of(int returned)
{
    switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_NONE: return outcome::done;
    case SSL_ERROR_WANT_READ: return outcome::wants_read;
    case SSL_ERROR_WANT_WRITE: return outcome::wants_write;
    case SSL_ERROR_ZERO_RETURN: return outcome::ended;
    default: break;
    }
    over_ = true; // SSL_get_error(3): no further operation
    if (!failure_.empty()) {
        ERR_clear_error();
        return outcome::failed;
    }
    if (socket_->error != 0) {
        ERR_clear_error();
        failure_ = std::strerror(socket_->error);
        return outcome::failed;
    }
    if (socket_->ended) {
        ERR_clear_error();
        failure_ = secured_ ? "TLS was cut off: the connection ended without a close_notify"
                            : "the connection ended within the TLS handshake";
        return outcome::cut;
    }
    failure_ = (secured_ ? "TLS: " : "TLS handshake: ") + failure_sentence(!is_server_);
    return outcome::failed;
}

net::stream_layer::outcome stream::handshake()
{
    if (over_) {
        return outcome::failed;
    }
    ERR_clear_error();
    const auto came = result_of(SSL_do_handshake(ssl_.get()));
    if (came == outcome::done) {
        secured_ = true;
        messages_ = 0;
        context_.reset();
        std::string{}.swap(wanted_); // `= {}` would keep the room
    }
    return came;
}

net::stream_layer::progress stream::read(std::span<char> into)
{
    if (over_) {
        return {outcome::failed, 0};
    }
    ERR_clear_error();
    std::size_t count = 0;
    const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    bytes_read_ += returned == 1 ? count : 0;
    if (floods()) {
        over_ = true;
        failure_ = "TLS: too many KeyUpdates";
        return {outcome::failed, 0};
    }
    return returned == 1 ? progress{outcome::done, count} : progress{result_of(returned), 0};
}

net::stream_layer::progress stream::write(std::span<const char> from)
{
    if (over_) {
        return {outcome::failed, 0};
    }
    ERR_clear_error();
    std::size_t count = 0;
    const int returned = SSL_write_ex(ssl_.get(), from.data(), from.size(), &count);
    if (returned == 1) {
        write_open_ = false;
        return {outcome::done, count};
    }
    const auto came = result_of(returned);
    write_open_ = came == outcome::wants_write;
    return {came, 0};
}

net::stream_layer::outcome stream::finish()
{
    if (over_ || !secured_) {
        return outcome::done;
    }
    ERR_clear_error();
    const int returned = SSL_shutdown(ssl_.get());
    return returned >= 0 ? outcome::done : result_of(returned); // 0: the peer's is still to come
}

bool stream::holds_unread() const noexcept
{
    return !over_ &&
           (socket_->early_used < socket_->early.size() || SSL_has_pending(ssl_.get()) == 1);
}

std::size_t stream::held() const noexcept
{
    if (!secured_) {
        return handshake_bytes + socket_->early.size();
    }
    return (SSL_has_pending(ssl_.get()) == 1 ? buffer_bytes : 0) + (write_open_ ? buffer_bytes : 0);
}

std::string stream::agreed() const
{
    return std::string{SSL_get_version(ssl_.get())} + " " + SSL_get_cipher_name(ssl_.get());
}

void stream::note_message(bool outgoing, int content) noexcept
{
    if (secured_ && !outgoing && content == SSL3_RT_HANDSHAKE) {
        ++messages_;
    }
}

bool stream::floods() const noexcept
{
    constexpr std::uint64_t bytes_each = 1024 * 1024;
    return messages_ > key_updates_max + bytes_read_ / bytes_each;
}

void stream::note_refused(x509_store_ctx_st& check)
{
    if (failure_.empty()) {
        failure_ = "TLS handshake: " +
                   refusal_sentence(
                       check, is_server_ ? "the client's certificate" : "the certificate", wanted_);
    }
}

} // namespace tls
