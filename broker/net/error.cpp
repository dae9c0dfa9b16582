#include "broker/net/error.hpp"

#include <string>

namespace net {

namespace {

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "teal.net"; }
    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
        case errc::address_without_port:
            return "address has no port; write host:port, [v6]:port or unix:PATH";
        case errc::address_without_host:
            return "address has no host; 0.0.0.0 or [::] means all interfaces";
        case errc::bad_port: return "port is not a number from 0 to 65535";
        case errc::bad_brackets: return "brackets of an IPv6 address do not match; write [v6]:port";
        case errc::bare_ipv6: return "IPv6 address needs brackets; write [v6]:port";
        case errc::bad_path: return "path of a unix socket is empty or longer than 107 bytes";
        }
        return "unknown";
    }
};

} // namespace

const boost::system::error_category& error_category() noexcept
{
    static const category instance;
    return instance;
}

boost::system::error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), error_category()};
}

} // namespace net
