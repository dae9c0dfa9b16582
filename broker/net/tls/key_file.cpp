#include "broker/net/tls/key_file.hpp"

#include "broker/net/tls/failures.hpp"
#include "broker/net/tls/private_file.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

namespace tls {

namespace {

struct free_bio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*)
{
    return -1;
}

} // namespace

void free_key::operator()(evp_pkey_st* key) const noexcept
{
    EVP_PKEY_free(key);
}

boost::system::result<key_ptr, std::string> read_key(const std::string& path)
{
    const auto held = read_private(path, "a private key");
    if (!held) {
        return held.error();
    }
    const std::string_view pem = (*held)->view();
    const std::unique_ptr<BIO, free_bio> text{
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    key_ptr key{PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr)};
    if (key == nullptr) {
        const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
        const std::string why = last_error_text();
        return path + (encrypted ? " holds a key that is encrypted, which nobody here can open"
                                 : " holds no private key: " + why);
    }
    return key;
}

} // namespace tls
