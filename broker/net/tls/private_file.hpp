#pragma once

// A file with a secret in it.

#include <boost/system/result.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tls {

// The file's bytes, wiped when they are not needed any more.
struct private_bytes {
    static constexpr std::size_t most = 64 * 1024;

    private_bytes() = default;
    private_bytes(const private_bytes&) = delete;
    private_bytes& operator=(const private_bytes&) = delete;
    ~private_bytes();
    std::string_view view() const noexcept { return {bytes.data(), size}; }

    std::array<char, most> bytes;
    std::size_t size = 0;
};

// The error is a sentence that names the file and `what` is in it ("a private key"). One that others
// can read or change is refused: what is in it must be taken for known.
boost::system::result<std::unique_ptr<const private_bytes>, std::string>
read_private(const std::string& path, std::string_view what);

} // namespace tls
