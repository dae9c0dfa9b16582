#pragma once

// Certificates for tests, made by OpenSSL in a folder of the test's own: PEM files, keys for their
// owner only.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace tls_test {

template <auto free>
struct deleter {
    template <class T>
    void operator()(T* at) const noexcept
    {
        free(at);
    }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, deleter<X509_free>>;

struct identity {
    key_ptr key;
    certificate_ptr certificate;
    std::string certificate_file, key_file;
};

class certificates {
public:
    certificates()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "teal-tls-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;
    ~certificates() { std::filesystem::remove_all(folder); }

    struct wish {
        std::string names;                // "DNS:a.example,IP:127.0.0.1"
        const identity* by = nullptr;     // null: its own authority
        long begins = -3600, ends = 3600; // seconds from now
        bool authority = false;
    };
    identity make(const std::string& name, const wish& w)
    {
        identity made{.key = key_ptr{EVP_EC_gen("P-256")}};
        made.certificate.reset(X509_new());
        X509* const x = made.certificate.get();
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(x), w.begins);
        X509_gmtime_adj(X509_getm_notAfter(x), w.ends);
        X509_set_pubkey(x, made.key.get());
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(x), "CN", MBSTRING_ASC,
            reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509* const issuer = w.by != nullptr ? w.by->certificate.get() : x;
        X509_set_issuer_name(x, X509_get_subject_name(issuer));
        if (w.authority) {
            extend(x, issuer, NID_basic_constraints, "critical,CA:TRUE");
            extend(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
        }
        if (!w.names.empty()) {
            extend(x, issuer, NID_subject_alt_name, w.names.c_str());
        }
        X509_sign(x, (w.by != nullptr ? w.by->key : made.key).get(), EVP_sha256());
        made.certificate_file = folder + "/" + name + ".pem";
        made.key_file = folder + "/" + name + ".key";
        write(made.certificate_file, [&](FILE* to) { PEM_write_X509(to, x); });
        write(made.key_file, [&](FILE* to) {
            PEM_write_PrivateKey(to, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
        return made;
    }
    // The authority's list of what it has revoked.
    std::string revoke(const identity& authority, const std::vector<const identity*>& revoked)
    {
        const std::unique_ptr<X509_CRL, deleter<X509_CRL_free>> list{X509_CRL_new()};
        X509_CRL_set_version(list.get(), 1);
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.certificate.get()));
        const std::unique_ptr<ASN1_TIME, deleter<ASN1_TIME_free>> now{
            X509_gmtime_adj(nullptr, -60)};
        const std::unique_ptr<ASN1_TIME, deleter<ASN1_TIME_free>> next{
            X509_gmtime_adj(nullptr, 3600)};
        X509_CRL_set1_lastUpdate(list.get(), now.get());
        X509_CRL_set1_nextUpdate(list.get(), next.get());
        for (const identity* one : revoked) {
            X509_REVOKED* const entry = X509_REVOKED_new();
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
            X509_REVOKED_set_revocationDate(entry, now.get());
            X509_CRL_add0_revoked(list.get(), entry);
        }
        X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256());
        const std::string file = folder + "/revoked.pem";
        write(file, [&](FILE* to) { PEM_write_X509_CRL(to, list.get()); });
        return file;
    }

    std::string folder;

private:
    static void extend(X509* x, X509* issuer, int which, const char* value)
    {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
        X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, which, value);
        ASSERT_NE(made, nullptr) << value;
        X509_add_ext(x, made, -1);
        X509_EXTENSION_free(made);
    }
    template <class Write>
    static void write(const std::string& path, Write what)
    {
        FILE* const to = std::fopen(path.c_str(), "w");
        ASSERT_NE(to, nullptr) << path;
        what(to);
        std::fclose(to);
        ::chmod(path.c_str(), 0600);
    }

    long serial_ = 0;
};

} // namespace tls_test
