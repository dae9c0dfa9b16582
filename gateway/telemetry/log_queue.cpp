#include "gateway/telemetry/log_queue.hpp"

#include <utility>

namespace gateway::log {

void line_queue::put(std::string line)
{
    entry made{++last_, std::move(line)};
    while (!ordinary_.empty() && bytes_ + made.bytes() > bytes_max_) {
        bytes_ -= ordinary_.front().bytes();
        ordinary_.pop_front();
        ++dropped_;
    }
    if (made.bytes() > bytes_max_) {
        ++dropped_;
        return;
    }
    bytes_ += made.bytes();
    ordinary_.push_back(std::move(made));
}

void line_queue::put_audit(std::string line)
{
    entry made{++last_, std::move(line)};
    if (audit_bytes_ + made.bytes() > audit_bytes_max_) {
        ++dropped_;
        return;
    }
    audit_bytes_ += made.bytes();
    audit_.push_back(std::move(made));
}

std::optional<std::string> line_queue::take()
{
    const bool audit = !audit_.empty() && (ordinary_.empty() ||
                                           audit_.front().number < ordinary_.front().number);
    auto& from = audit ? audit_ : ordinary_;
    if (from.empty()) {
        return std::nullopt;
    }
    (audit ? audit_bytes_ : bytes_) -= from.front().bytes();
    std::string line = std::move(from.front().line);
    from.pop_front();
    return line;
}

std::uint64_t line_queue::take_dropped() noexcept
{
    return std::exchange(dropped_, 0);
}

} // namespace gateway::log
