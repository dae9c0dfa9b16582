#include "gateway/core/messages/reserved_words.hpp"

#include "broker/own_headers.hpp"
#include "broker/private_names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace gateway {

namespace {

constexpr std::array<std::string_view, 3> naming_headers{"destination", "x-queue-name", "reply-to"};

int hex_digit(char c) noexcept
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// RabbitMQ decodes each part of a destination once.
std::string percent_decoded(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            plain += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

bool is_padding(char c) noexcept
{
    return c == '/' || c == '.' || static_cast<unsigned char>(c) <= ' ';
}

// `text` in small letters. Commas separate composite destinations (ActiveMQ), two colons separate
// an address and its queue (Artemis).
bool last_part_is_reserved(std::string_view text)
{
    while (!text.empty()) {
        std::string_view one = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        while (!one.empty() && is_padding(one.back())) {
            one.remove_suffix(1);
        }
        if (const auto slash = one.rfind('/'); slash != one.npos) {
            one.remove_prefix(slash + 1);
        }
        if (const auto colons = one.rfind("::"); colons != one.npos) {
            one.remove_prefix(colons + 2);
        }
        while (!one.empty() && is_padding(one.front())) {
            one.remove_prefix(1);
        }
        if (one.starts_with(broker::private_prefix)) {
            return true;
        }
    }
    return false;
}

std::string in_small_letters(std::string text)
{
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

} // namespace

bool names_reserved_queue(std::string_view raw)
{
    // Most names are shorter, and most of the others have neither capitals nor anything encoded.
    if (raw.size() < broker::private_prefix.size()) {
        return false;
    }
    const std::string plain = stomp::unescape(raw, stomp::version::v12).value_or(std::string{raw});
    const std::string small = in_small_letters(plain);
    if (last_part_is_reserved(small)) {
        return true;
    }
    return plain.find('%') != plain.npos &&
           last_part_is_reserved(in_small_letters(percent_decoded(plain)));
}

std::optional<std::string_view> reserved_word(const stomp::frame_view& frame)
{
    for (const auto& h : frame.headers) {
        if (broker::is_own_header(h.name)) {
            return "a header of that name is the gateway's own";
        }
        if (std::ranges::find(naming_headers, h.name) != naming_headers.end() &&
            names_reserved_queue(h.value)) {
            return "names that begin with stomp-subscription-teal- are the gateway's own";
        }
    }
    return std::nullopt;
}

} // namespace gateway
