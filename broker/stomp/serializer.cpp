#include "broker/stomp/serializer.hpp"

#include <array>
#include <charconv>

namespace stomp {

serializer& serializer::begin(command c)
{
    buffer_.clear();
    buffer_ += to_string(c);
    buffer_ += '\n';
    return *this;
}

serializer& serializer::raw(std::string_view name, std::string_view value)
{
    buffer_ += name;
    buffer_ += ':';
    buffer_ += value;
    buffer_ += '\n';
    return *this;
}

serializer& serializer::text(std::string_view name, std::string_view value, version v)
{
    return raw(escape(name, v), escape(value, v));
}

serializer& serializer::number(std::string_view name, std::uint64_t value)
{
    std::array<char, 20> digits; // enough for 2^64 - 1
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return raw(name, {digits.data(), written.ptr});
}

std::string_view serializer::end(std::string_view body)
{
    buffer_ += '\n';
    buffer_ += body;
    buffer_ += '\0';
    return buffer_;
}

std::string_view serializer::end_head()
{
    buffer_ += '\n';
    return buffer_;
}

bool serializer::repeated(const frame_view& frame, std::size_t index) noexcept
{
    const std::string_view name = frame.headers[index].name;
    for (std::size_t i = 0; i < index; ++i) {
        if (frame.headers[i].name == name) {
            return true;
        }
    }
    return false;
}

std::string to_bytes(const frame& f)
{
    serializer out;
    out.begin(f.command);
    for (const auto& [name, value] : f.headers) {
        out.raw(name, value);
    }
    return std::string{out.end(f.body)};
}

} // namespace stomp
