#include "broker/net/tls/key_file.hpp"

#include "broker/net/tls/failures.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tls {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

struct free_bio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*)
{
    return -1;
}

struct descriptor {
    explicit descriptor(int number_) : number(number_) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor()
    {
        if (number >= 0) {
            ::close(number);
        }
    }
    int number;
};

// The file's bytes, wiped when they are not needed any more.
struct secret_bytes {
    ~secret_bytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
    std::array<char, file_bytes_max> bytes;
    std::size_t size = 0;
};

} // namespace

void free_key::operator()(evp_pkey_st* key) const noexcept
{
    EVP_PKEY_free(key);
}

boost::system::result<key_ptr, std::string> read_key(const std::string& path)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat found{};
    if (file.number < 0 || ::fstat(file.number, &found) != 0) {
        return path + " cannot be read: " + std::strerror(errno);
    }
    if ((found.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        return path + " holds a private key, and others can read or change it (chmod o= " + path +
               ")";
    }
    const auto held = std::make_unique<secret_bytes>();
    for (ssize_t count = 1; count > 0 && held->size < held->bytes.size();) {
        count =
            ::read(file.number, held->bytes.data() + held->size, held->bytes.size() - held->size);
        if (count < 0) {
            return path + " cannot be read: " + std::strerror(errno);
        }
        held->size += static_cast<std::size_t>(count);
    }
    const std::unique_ptr<BIO, free_bio> text{
        BIO_new_mem_buf(held->bytes.data(), static_cast<int>(held->size))};
    key_ptr key{PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr)};
    if (key == nullptr) {
        const bool encrypted = std::string_view{held->bytes.data(), held->size}.find("ENCRYPTED") !=
                               std::string_view::npos;
        const std::string why = last_error_text();
        return path + (encrypted ? " holds a key that is encrypted, which nobody here can open"
                                 : " holds no private key: " + why);
    }
    return key;
}

} // namespace tls
