#include "broker/net/tls/failures.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>

namespace tls {

namespace {

constexpr std::size_t names_bytes_max = 200; // of a certificate's names in a sentence

struct free_names {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

// What a peer chose to put into its certificate goes to the log: one line, and not a long one.
std::string shown(std::string_view text)
{
    std::string clean;
    for (const char c : text.substr(0, names_bytes_max)) {
        clean += c >= ' ' && c <= '~' ? c : '?';
    }
    return clean;
}

std::string address_text(const ASN1_OCTET_STRING& bytes)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ASN1_STRING_length(&bytes) == 4 ? AF_INET : AF_INET6;
    const bool fits = ASN1_STRING_length(&bytes) == 4 || ASN1_STRING_length(&bytes) == 16;
    return fits && ::inet_ntop(family, ASN1_STRING_get0_data(&bytes), text.data(), text.size())
               ? text.data()
               : "?";
}

std::string time_text(const ASN1_TIME* at)
{
    std::tm parts{};
    if (at == nullptr || ASN1_TIME_to_tm(at, &parts) != 1) {
        return "a time that is malformed";
    }
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text.data();
}

std::string_view side(bool from_server)
{
    return from_server ? "the server" : "the client";
}

// What the other side said in an alert.
std::string alert_sentence(int reason, bool from_server)
{
    const std::string who{side(from_server)};
    switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return who + " does not know the authority of our certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return who + " says that our certificate expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return who + " says that our certificate is revoked";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: return who + " refuses our certificate";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return who + " demands a certificate of ours";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return who + " speaks no TLS version that is allowed here";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME: return who + " does not know the name that was asked for";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return who + " refuses the handshake: no common cipher, or it demands a certificate";
    default: {
        const char* const name = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
        return who + " broke off: " + (name != nullptr ? name : "an unknown alert");
    }
    }
}

} // namespace

std::string last_error_text()
{
    const unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    if (error == 0) {
        return "no reason was given";
    }
    if (ERR_SYSTEM_ERROR(error)) {
        std::array<char, 256> text{};
        ERR_error_string_n(error, text.data(), text.size());
        return text.data();
    }
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "error " + std::to_string(error);
}

std::string failure_sentence(bool from_server)
{
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (reason >= SSL_AD_REASON_OFFSET) {
        ERR_clear_error();
        return alert_sentence(reason, from_server);
    }
    const std::string who{side(from_server)};
    std::string sentence;
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
        // What came is no TLS record; a version that is too old has a reason of its own.
        sentence = who + " does not speak TLS";
        break;
    case SSL_R_HTTP_REQUEST: sentence = who + " sent plain HTTP"; break;
    case SSL_R_HTTPS_PROXY_REQUEST: sentence = who + " sent plain STOMP"; break; // CONNECT is both
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        sentence = who + " speaks only versions of TLS that are too old (min_version)";
        break;
    case SSL_R_NO_SHARED_CIPHER: sentence = who + " has no cipher that is allowed here"; break;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: sentence = who + " has no certificate"; break;
    case SSL_R_RECORD_TOO_SMALL: sentence = who + " sent too many empty records"; break;
    default: return last_error_text();
    }
    ERR_clear_error();
    return sentence;
}

std::string names_of(const x509_st& certificate)
{
    const std::unique_ptr<GENERAL_NAMES, free_names> names{static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr))};
    std::string all;
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        const std::string_view between = all.empty() ? "" : ", ";
        if (name->type == GEN_DNS) {
            const auto* const text =
                reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
            const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
            all.append(between).append(std::string_view{text, size});
        } else if (name->type == GEN_IPADD) {
            all.append(between).append(address_text(*name->d.iPAddress));
        }
    }
    return all.empty() ? "no name" : shown(all);
}

std::string subject_of(const x509_st& certificate)
{
    std::array<char, 256> line{};
    X509_NAME_oneline(
        X509_get_subject_name(&certificate), line.data(), static_cast<int>(line.size()));
    return shown(line.data());
}

std::string
refusal_sentence(x509_store_ctx_st& check, const std::string& whose, const std::string& wanted)
{
    const int error = X509_STORE_CTX_get_error(&check);
    const X509* const at = X509_STORE_CTX_get_current_cert(&check);
    const std::string which = X509_STORE_CTX_get_error_depth(&check) == 0 || at == nullptr
                                  ? whose
                                  : "the certificate of the authority " + subject_of(*at);
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return which + " expired" +
               (at != nullptr ? " on " + time_text(X509_get0_notAfter(at)) : std::string{});
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return which + " is not valid before " +
               (at != nullptr ? time_text(X509_get0_notBefore(at)) : std::string{"later"});
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return which + " is not for " + wanted + " but for " +
               (at != nullptr ? names_of(*at) : std::string{"others"});
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return which + (at != nullptr ? " (" + subject_of(*at) + ")" : std::string{}) +
               " comes from an authority that is not known here";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return which + (at != nullptr ? " (" + subject_of(*at) + ")" : std::string{}) +
               " is its own authority, which is not known here";
    case X509_V_ERR_CERT_REVOKED: return which + " is revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return "there is no list of revoked certificates of the authority of " + which;
    case X509_V_ERR_CRL_HAS_EXPIRED: return "the list of revoked certificates has expired";
    case X509_V_ERR_CRL_NOT_YET_VALID: return "the list of revoked certificates is not valid yet";
    default: return which + " is refused: " + X509_verify_cert_error_string(error);
    }
}

} // namespace tls
