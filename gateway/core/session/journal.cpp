#include "gateway/core/session/journal.hpp"

#include <algorithm>
#include <array>

namespace gateway {

namespace {

// design.md section 1: a header that names, keeps, bounds or ages the queue makes a subscription
// stored.
constexpr std::array<std::string_view, 11> storing_headers{
    "x-queue-name",
    "x-queue-type",
    "x-expires",
    "x-message-ttl",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-age",
    "x-dead-letter-exchange",
    "x-stream-offset",
    "durable-subscription-name",
    "activemq.subscriptionName"};
// H12, design.md section 5: these need a link of the session's own.
constexpr std::array<std::string_view, 3> private_headers{"exclusive", "auto-delete", "no-local"};

bool is_true(const stomp::frame_view& frame, std::string_view name)
{
    return frame.find(name) == std::string_view{"true"};
}

} // namespace

bool matches(std::string_view pattern, std::string_view destination) noexcept
{
    if (pattern.ends_with("/**")) {
        return destination.starts_with(pattern.substr(0, pattern.size() - 2)) ||
               destination == pattern.substr(0, pattern.size() - 3);
    }
    while (!pattern.empty() && !destination.empty()) {
        if (pattern.front() == '*') {
            destination.remove_prefix(std::min(destination.find('/'), destination.size()));
            pattern.remove_prefix(1);
        } else if (pattern.front() == destination.front()) {
            pattern.remove_prefix(1);
            destination.remove_prefix(1);
        } else {
            return false;
        }
    }
    return destination.empty() && (pattern.empty() || pattern == "*");
}

boost::system::result<subscription, std::string>
read_subscribe(const stomp::frame_view& frame, stomp::version version, const journal_rules& rules)
{
    subscription s;
    const auto destination = frame.find("destination");
    if (!destination || destination->empty()) {
        return std::string{"SUBSCRIBE without a destination"};
    }
    const auto id = frame.find("id");
    if (id) {
        s.client_id = *id;
    } else if (version == stomp::version::v10) {
        s.client_id = *destination;
        s.named = false;
    } else {
        return std::string{"SUBSCRIBE without an id"};
    }
    const auto ack = frame.find("ack").value_or("auto");
    if (ack == "client") {
        s.mode = ack_mode::client;
    } else if (ack == "client-individual") {
        s.mode = ack_mode::client_individual;
    } else if (ack != "auto") {
        return "SUBSCRIBE with an unknown ack mode: " + std::string{ack};
    }
    if (const auto receipt = frame.find("receipt")) {
        s.receipt = std::make_unique<std::string>(*receipt);
    }
    s.durable = is_true(frame, "durable") || is_true(frame, "persistent");
    const bool to_many = !s.durable && std::ranges::any_of(*rules.broadcast, [&](const auto& p) {
        return matches(p, *destination);
    });
    s.broadcast = to_many &&
                  std::ranges::none_of(storing_headers, [&](auto name) { return frame.has(name); });
    s.overlaps = may_overlap(*destination, s.broadcast, rules.at, rules.shared_backplane);
    if (s.overlaps) { // an application stores nothing, whatever the headers say
        s.broadcast = true;
        s.durable = false;
    }
    const bool lasts =
        frame.has("durable-subscription-name") || frame.has("activemq.subscriptionName");
    s.fleeting = !s.broadcast && ((to_many && !lasts) || is_true(frame, "exclusive") ||
                                  is_true(frame, "auto-delete"));
    s.shareable = s.broadcast && !s.overlaps && s.mode == ack_mode::automatic &&
                  std::ranges::none_of(private_headers, [&](auto name) { return frame.has(name); });
    if (!s.broadcast) {
        const auto most = frame.find("prefetch-count");
        s.prefetch = most && *most != "0"; // 0: no limit
        s.stream = read_stream(frame);
        s.fleeting &= s.stream == nullptr; // a stream is neither exclusive nor auto-delete
    }
    std::string head;
    for (std::size_t i = 0; i < frame.headers.size(); ++i) {
        const auto& h = frame.headers[i];
        const bool repeat = std::any_of(
            frame.headers.begin(), frame.headers.begin() + static_cast<std::ptrdiff_t>(i),
            [&](const auto& earlier) { return earlier.name == h.name; });
        if (!repeat && h.name != "id" && h.name != "ack" && h.name != "receipt" &&
            h.name != "content-length") {
            head.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    if (!s.broadcast && rules.prefetch != 0 && !frame.has("prefetch-count")) {
        head.append("prefetch-count:").append(std::to_string(rules.prefetch)).append("\n");
    }
    s.head = net::payload::make({head});
    return s;
}

subscription& session_journal::add(subscription s)
{
    s.number = ++last_;
    subscriptions_.push_back(std::make_unique<subscription>(std::move(s)));
    return *subscriptions_.back();
}

subscription* session_journal::find(std::string_view client_id) noexcept
{
    const auto at = std::ranges::find_if(
        subscriptions_, [&](const auto& s) { return s->client_id == client_id; });
    return at == subscriptions_.end() ? nullptr : at->get();
}

subscription* session_journal::at(std::uint32_t number) noexcept
{
    const auto at =
        std::ranges::find_if(subscriptions_, [&](const auto& s) { return s->number == number; });
    return at == subscriptions_.end() ? nullptr : at->get();
}

std::size_t session_journal::bytes() const noexcept
{
    std::size_t all = 0;
    for (const auto& s : subscriptions_) {
        all += weight(*s);
    }
    return all;
}

void session_journal::remove(std::uint32_t number)
{
    const auto gone =
        std::ranges::find_if(subscriptions_, [&](const auto& s) { return s->number == number; });
    if (gone != subscriptions_.end()) {
        subscriptions_.erase(gone);
    }
}

} // namespace gateway
