#include "broker/net/tls/private_file.hpp"

#include <openssl/crypto.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tls {

namespace {

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

} // namespace

private_bytes::~private_bytes()
{
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

boost::system::result<std::unique_ptr<const private_bytes>, std::string>
read_private(const std::string& path, std::string_view what)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat found{};
    if (file.number < 0 || ::fstat(file.number, &found) != 0) {
        return path + " cannot be read: " + std::strerror(errno);
    }
    if ((found.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        return path + " holds " + std::string{what} +
               ", and others can read or change it (chmod o= " + path + ")";
    }
    auto held = std::make_unique<private_bytes>();
    for (ssize_t count = 1; count > 0 && held->size < held->bytes.size();) {
        count =
            ::read(file.number, held->bytes.data() + held->size, held->bytes.size() - held->size);
        if (count < 0) {
            return path + " cannot be read: " + std::strerror(errno);
        }
        held->size += static_cast<std::size_t>(count);
    }
    return std::unique_ptr<const private_bytes>{std::move(held)};
}

} // namespace tls
