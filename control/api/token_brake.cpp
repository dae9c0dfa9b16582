#include "control/api/token_brake.hpp"

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>

namespace control {

net::duration token_brake::record::wait() const noexcept
{
    if (failures <= free_failures) {
        return {};
    }
    const auto doubled = std::min<std::uint64_t>(failures - free_failures - 1, 10);
    return std::min<net::duration>(first_wait * (1 << doubled), last_wait);
}

std::optional<net::duration>
token_brake::pause_before(const std::string& address, net::time_point now)
{
    const auto found = known_.find(address);
    if (found == known_.end() || now >= found->second.next) {
        return net::duration{};
    }
    auto& one = found->second;
    const auto wait = one.next - now;
    if (wait > wait_max) {
        return std::nullopt;
    }
    one.next += std::max<net::duration>(one.wait(), first_wait); // who comes next waits for this one
    return wait;
}

std::optional<std::uint64_t>
token_brake::failed(const std::string& address, net::time_point now)
{
    std::erase_if(known_, [now](const auto& e) { return now - e.second.last > forgotten_after; });
    if (known_.size() >= addresses_max && !known_.contains(address)) {
        known_.erase(std::ranges::min_element(
            known_, {}, [](const auto& entry) { return entry.second.last; }));
    }
    auto& one = known_[address];
    ++one.failures;
    ++one.untold;
    one.last = now;
    one.next = std::max(one.next, now + one.wait());
    if ((one.told && now - *one.told < line_every) || !line_fits(now)) {
        return std::nullopt;
    }
    one.told = now;
    return std::exchange(one.untold, 0);
}

bool token_brake::line_fits(net::time_point now)
{
    if (now - lines_since_ >= line_every) {
        lines_since_ = now;
        lines_ = 0;
    }
    return ++lines_ <= lines_max;
}

std::string address_of_peer(std::string_view peer)
{
    if (peer.starts_with("unix")) {
        return std::string(peer);
    }
    if (!peer.starts_with('[')) {
        return std::string(peer.substr(0, peer.rfind(':')));
    }
    const auto host = peer.substr(1, std::min(peer.find(']'), peer.size()) - 1);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address_v6(std::string(host), error);
    if (error) {
        return std::string(host);
    }
    if (address.is_v4_mapped()) {
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address).to_string();
    }
    auto bytes = address.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

} // namespace control
