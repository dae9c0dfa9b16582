// Feeds the PROXY protocol's parser anything, in every split that doubles, and checks what must hold
// for every input: a header lies within its bytes and its bound, however it comes it is the same one,
// and what it names is an address in its one form.

#include "broker/net/address_range.hpp"
#include "gateway/listening/proxy_header.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using outcome = gateway::proxy_header::outcome;

void require(bool holds)
{
    if (!holds)
        std::abort();
}

void check(std::string_view bytes, gateway::proxy_versions taken)
{
    const auto whole = gateway::parse_proxy_header(bytes, taken);
    require(whole.why.empty() == (whole.came != outcome::failed));
    require(whole.came != outcome::unfinished || bytes.size() < gateway::proxy_header_bytes_max);
    if (whole.came == outcome::whole) {
        require(whole.size >= 15 && whole.size <= bytes.size());
        require(whole.size <= gateway::proxy_header_bytes_max);
        if (!whole.source.empty()) {
            const auto host = whole.source.substr(0, whole.source.rfind(':'));
            const bool v6 = host.starts_with('[');
            const auto range = net::parse_address_range(v6 ? host.substr(1, host.size() - 2) : host);
            require(range && range->contains(whole.source));
        }
    }
    for (std::size_t size = 0; size < bytes.size(); size = size * 2 + 1) {
        const auto part = gateway::parse_proxy_header(bytes.substr(0, size), taken);
        if (part.came == outcome::failed)
            require(whole.came == outcome::failed);
        else if (part.came == outcome::whole)
            require(whole.came == outcome::whole && whole.size == part.size && whole.source == part.source);
        else
            require(whole.came != outcome::whole || size < whole.size);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    for (const auto taken :
         {gateway::proxy_versions::v1, gateway::proxy_versions::v2, gateway::proxy_versions::any})
        check(bytes, taken);
    return 0;
}
