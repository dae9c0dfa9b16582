#pragma once

// The sockets that one entry of `listeners` asks for: one for each shard. TCP: each its own, so that
// the kernel spreads the clients (SO_REUSEPORT). A unix socket cannot be opened twice: all shards
// accept from the same one.
//
// Threading:  the main thread, while the process starts and stops.

#include "gateway/settings/config.hpp"

#include <cstdint>
#include <ctime>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gateway {

// The file of a unix socket. It is removed once, and only while it is still the one that was made:
// another process may have put its own there.
class socket_file {
public:
    socket_file() = default;
    explicit socket_file(std::string path); // which was just bound
    socket_file(socket_file&& other) noexcept;
    socket_file& operator=(socket_file&& other) noexcept;
    ~socket_file() { remove(); }
    void remove() noexcept;

private:
    std::string path_; // empty: none
    dev_t device_ = 0;
    ino_t number_ = 0; // which the next file may get again
    timespec made_{};
};

struct listening_socket {
    std::vector<int> descriptors; // one for each shard; the caller's
    std::string bound;            // HOST:PORT or unix:PATH, with the port that the system picked
    socket_file file;
    std::string failed; // a sentence, and then there are no descriptors
};
listening_socket open_listening_socket(const listener_config& at, std::size_t shards);

} // namespace gateway
