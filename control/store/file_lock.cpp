#include "control/store/file_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace control {

namespace {

std::string holder_of(int file)
{
    std::array<char, 24> text{};
    const ssize_t got = ::pread(file, text.data(), text.size(), 0);
    std::string_view digits(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    return digits.empty() ? "" : ", pid " + std::string(digits);
}

} // namespace

descriptor::~descriptor()
{
    if (number_ >= 0) {
        ::close(number_);
    }
}

std::variant<file_lock, std::string> file_lock::take(const std::string& path)
{
    descriptor file(::open(
        path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644));
    struct stat what{};
    if (!file.open() || ::fstat(file.number(), &what) != 0) {
        return path + " cannot be opened: " + std::strerror(errno);
    }
    if (!S_ISREG(what.st_mode)) {
        return path + " is not a regular file";
    }
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? "another gateway runs on it" + holder_of(file.number()) + " (it holds " + path +
                         ")"
                   : path + " cannot be locked: " + std::strerror(errno);
    }
    // For a second process that starts. A full disk keeps no process from starting.
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.number(), 0) == 0) {
        [[maybe_unused]] const auto written = ::pwrite(file.number(), pid.data(), pid.size(), 0);
    }
    return file_lock(std::move(file));
}

} // namespace control
