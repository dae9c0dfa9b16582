#include "broker/net/tls/context.hpp"

#include "broker/net/tls/failures.hpp"
#include "broker/net/tls/key_file.hpp"
#include "broker/net/tls/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string_view>

namespace tls {

namespace {

struct free_ctx {
    void operator()(SSL_CTX* ctx) const noexcept { SSL_CTX_free(ctx); }
};
using context_ptr = std::unique_ptr<SSL_CTX, free_ctx>;
using sentence = std::optional<std::string>; // nullopt: nothing is wrong

// Forward secret and authenticated encryption only; what else TLS 1.2 has fell to some attack.
constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* server_groups = "X25519:P-256:P-384";
constexpr long ticket_seconds = 2 * 3600;
constexpr unsigned char http_protocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::string about(const std::string& file, const std::string& what)
{
    return file + " " + what;
}

// ---- OpenSSL's callbacks

void on_message(int outgoing, int, int content, const void*, std::size_t, SSL* ssl, void*)
{
    if (auto* const at = static_cast<stream*>(SSL_get_app_data(ssl))) {
        at->note_message(outgoing != 0, content);
    }
}

int on_certificate(int good, X509_STORE_CTX* check)
{
    if (good == 0) {
        auto* const ssl = static_cast<SSL*>(
            X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
        if (auto* const at =
                ssl != nullptr ? static_cast<stream*>(SSL_get_app_data(ssl)) : nullptr) {
            at->note_refused(*check);
        }
    }
    return good;
}

// A peer that names protocols, and none that is spoken here, is told so (RFC 7301, 3.2).
int on_protocols(
    SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
    unsigned offered_size, void*)
{
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(
            &found, chosen_size, http_protocol, sizeof(http_protocol), offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

// ---- what servers and clients have in common

sentence set_protocol(SSL_CTX* ctx, const protocol_settings& p)
{
    SSL_CTX_set_min_proto_version(
        ctx, p.min_version == version::v13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_options(
        ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_ENCRYPT_THEN_MAC);
    SSL_CTX_set_mode(
        ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Else one read would go on through any number of KeyUpdates.
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(ctx, 1); // a record's head and its rest come with one recv()
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_msg_callback(ctx, on_message);
    if (SSL_CTX_set_cipher_list(ctx, p.ciphers.empty() ? default_ciphers : p.ciphers.c_str()) !=
        1) {
        return "ciphers: " + last_error_text();
    }
    if (!p.ciphersuites.empty() && SSL_CTX_set_ciphersuites(ctx, p.ciphersuites.c_str()) != 1) {
        return "ciphersuites: " + last_error_text();
    }
    return std::nullopt;
}

sentence set_certificate(SSL_CTX* ctx, const certificate_files& files)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, files.certificate.c_str()) != 1) {
        return about(
            files.certificate, "holds no certificate that can be used: " + last_error_text());
    }
    auto key = read_key(files.key_file());
    if (!key) {
        return key.error();
    }
    if (SSL_CTX_use_PrivateKey(ctx, key->get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        ERR_clear_error();
        return about(files.key_file(), "is not the key of the certificate in " + files.certificate);
    }
    return std::nullopt;
}

std::time_t end_of(const X509* certificate)
{
    std::tm parts{};
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? ::timegm(&parts) : 0;
}

expiry expiry_of(SSL_CTX* ctx, const std::string& file)
{
    expiry first{.file = file, .at = end_of(SSL_CTX_get0_certificate(ctx))};
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
        first.at = std::min(first.at, end_of(sk_X509_value(chain, i)));
    }
    return first;
}

sentence trust(SSL_CTX* ctx, const std::string& file)
{
    if (SSL_CTX_load_verify_locations(ctx, file.c_str(), nullptr) != 1) {
        return about(file, "holds no authority's certificate: " + last_error_text());
    }
    // An authority that another one has signed may be all that is trusted.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    return std::nullopt;
}

sentence set_revocations(SSL_CTX* ctx, const std::string& file)
{
    X509_LOOKUP* const lookup =
        X509_STORE_add_lookup(SSL_CTX_get_cert_store(ctx), X509_LOOKUP_file());
    if (lookup == nullptr || X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM) < 1) {
        return about(file, "holds no list of revoked certificates: " + last_error_text());
    }
    X509_VERIFY_PARAM_set_flags(
        SSL_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return std::nullopt;
}

sentence set_clients(SSL_CTX* ctx, const server_settings& s)
{
    if (s.clients == client_certificate::none) {
        SSL_CTX_set_num_tickets(ctx, 1);
        SSL_CTX_set_timeout(ctx, ticket_seconds);
        return std::nullopt;
    }
    // A resumed session would pass by what was revoked since.
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    if (auto wrong = trust(ctx, s.client_ca)) {
        return wrong;
    }
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(s.client_ca.c_str()));
    if (!s.client_crl.empty()) {
        if (auto wrong = set_revocations(ctx, s.client_crl)) {
            return wrong;
        }
    }
    SSL_CTX_set_verify(
        ctx,
        SSL_VERIFY_PEER |
            (s.clients == client_certificate::require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        on_certificate);
    return std::nullopt;
}

std::string lower(std::string_view text)
{
    std::string made{text};
    std::ranges::transform(
        made, made.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return made;
}

} // namespace

// ---- servers

struct server_context::state {
    std::vector<context_ptr> contexts; // one for each certificate, alike but for that
    std::map<std::string, SSL_CTX*, std::less<>> names; // of the certificates, "*.example.com" too
    std::vector<expiry> expiries;

    SSL_CTX* of(std::string_view name) const
    {
        if (const auto at = names.find(name); at != names.end()) {
            return at->second;
        }
        const std::size_t dot = name.find('.');
        if (dot == std::string_view::npos) {
            return nullptr;
        }
        const auto at = names.find("*" + std::string{name.substr(dot)});
        return at == names.end() ? nullptr : at->second;
    }

    void learn_names(SSL_CTX* ctx)
    {
        auto* const found = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
            SSL_CTX_get0_certificate(ctx), NID_subject_alt_name, nullptr, nullptr));
        for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found); ++i) {
            const GENERAL_NAME* const name = sk_GENERAL_NAME_value(found, i);
            if (name->type == GEN_DNS) {
                const auto* const text =
                    reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
                const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
                names.try_emplace(lower({text, size}), ctx); // the first that has it
            }
        }
        GENERAL_NAMES_free(found);
    }

    static int on_name(SSL* ssl, int*, void* self)
    {
        const char* const asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (asked == nullptr) {
            return SSL_TLSEXT_ERR_NOACK;
        }
        if (SSL_CTX* const ctx = static_cast<const state*>(self)->of(lower(asked))) {
            SSL_set_SSL_CTX(ssl, ctx);
        }
        return SSL_TLSEXT_ERR_OK;
    }
};

server_context::server_context(std::unique_ptr<state> made) : state_(std::move(made)) {}
server_context::~server_context() = default;

ssl_ctx_st* server_context::native() const noexcept
{
    return state_->contexts.front().get();
}

const std::vector<expiry>& server_context::expiries() const noexcept
{
    return state_->expiries;
}

boost::system::result<std::shared_ptr<const server_context>, std::string>
server_context::open(const server_settings& s, inside what)
{
    ERR_clear_error();
    auto made = std::make_unique<state>();
    for (const auto& files : s.certificates) {
        context_ptr ctx{SSL_CTX_new(TLS_server_method())};
        if (ctx == nullptr) {
            return "OpenSSL: " + last_error_text();
        }
        auto wrong = set_protocol(ctx.get(), s.protocol);
        wrong = wrong ? wrong : set_certificate(ctx.get(), files);
        wrong = wrong ? wrong : set_clients(ctx.get(), s);
        if (wrong) {
            return *std::move(wrong);
        }
        SSL_CTX_set_options(ctx.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
        SSL_CTX_set1_groups_list(ctx.get(), server_groups);
        SSL_CTX_set_max_early_data(ctx.get(), 0);
        SSL_CTX_set_session_id_context(
            ctx.get(), reinterpret_cast<const unsigned char*>("teal"), 4);
        if (what == inside::http) {
            SSL_CTX_set_alpn_select_cb(ctx.get(), on_protocols, nullptr);
        }
        SSL_CTX_set_tlsext_servername_callback(ctx.get(), state::on_name);
        SSL_CTX_set_tlsext_servername_arg(ctx.get(), made.get());
        made->expiries.push_back(expiry_of(ctx.get(), files.certificate));
        made->learn_names(ctx.get());
        made->contexts.push_back(std::move(ctx));
    }
    return std::make_shared<const server_context>(std::move(made));
}

// ---- clients

struct client_context::state {
    context_ptr context;
    std::vector<expiry> expiries;
    bool verifies = true;
};

client_context::client_context(std::unique_ptr<state> made) : state_(std::move(made)) {}
client_context::~client_context() = default;

ssl_ctx_st* client_context::native() const noexcept
{
    return state_->context.get();
}

const std::vector<expiry>& client_context::expiries() const noexcept
{
    return state_->expiries;
}

bool client_context::verifies() const noexcept
{
    return state_->verifies;
}

boost::system::result<std::shared_ptr<const client_context>, std::string>
client_context::open(const client_settings& s, inside what)
{
    ERR_clear_error();
    auto made = std::make_unique<state>();
    made->verifies = s.verify;
    made->context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* const ctx = made->context.get();
    if (ctx == nullptr) {
        return "OpenSSL: " + last_error_text();
    }
    auto wrong = set_protocol(ctx, s.protocol);
    if (!wrong && !s.ca.empty()) {
        wrong = trust(ctx, s.ca);
    } else if (!wrong) {
        SSL_CTX_set_default_verify_paths(ctx);
    }
    if (!wrong && !s.own.certificate.empty()) {
        wrong = set_certificate(ctx, s.own);
        if (!wrong) {
            made->expiries.push_back(expiry_of(ctx, s.own.certificate));
        }
    }
    if (wrong) {
        return *std::move(wrong);
    }
    SSL_CTX_set_verify(
        ctx, s.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, s.verify ? on_certificate : nullptr);
    if (what == inside::http) {
        SSL_CTX_set_alpn_protos(ctx, http_protocol, sizeof(http_protocol));
    }
    return std::make_shared<const client_context>(std::move(made));
}

} // namespace tls
