#include "tests/load/missing_log.hpp"

#include <boost/assert.hpp>

#include <chrono>

namespace load {

missing_log::missing_log(std::uint32_t clients)
{
    for (auto& kind : sent_) {
        kind.resize(clients);
    }
}

void missing_log::on_sent(stream_id stream, net::time_point now)
{
    if (auto& clients = sent_[index(stream.kind)]; !clients.empty()) {
        clients[stream.publisher].push_back(now);
    }
}

std::string missing_log::lines(const std::vector<missing_copy>& missing) const
{
    std::string out;
    for (const missing_copy& one : missing) {
        const auto& times = sent_[index(one.stream.kind)][one.stream.publisher];
        BOOST_ASSERT(one.sequence <= times.size());
        const std::chrono::nanoseconds at = times[one.sequence - 1].time_since_epoch();
        out += std::string{R"({"stream":")"} + letter(one.stream.kind) + R"(","publisher":)" +
               std::to_string(one.stream.publisher) + R"(,"number":)" +
               std::to_string(one.sequence) + R"(,"subscriber":)" + std::to_string(one.subscriber) +
               R"(,"confirmed":)" + (one.confirmed ? "true" : "false") + R"(,"sent_ns":)" +
               std::to_string(at.count()) + "}\n";
    }
    return out;
}

} // namespace load
