#include "broker/net/standard_descriptors.hpp"

#include <cerrno>
#include <fcntl.h>
#include <initializer_list>
#include <unistd.h>

namespace net {

void open_standard_descriptors() noexcept
{
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(number, F_GETFD) < 0 && errno == EBADF) {
            (void)::open("/dev/null", O_RDWR); // gets the lowest number that is free: this one
        }
    }
}

} // namespace net
