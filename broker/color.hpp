#pragma once

// The two colors, blue and green. Each is a pool of brokers, and one of them is live.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace broker {

enum class color : std::uint8_t { blue, green };

constexpr color other(color c) noexcept
{
    return c == color::blue ? color::green : color::blue;
}
constexpr std::string_view to_string(color c) noexcept
{
    return c == color::blue ? "blue" : "green";
}
constexpr std::optional<color> color_from(std::string_view name) noexcept
{
    return name == "blue"    ? std::optional{color::blue}
           : name == "green" ? std::optional{color::green}
                             : std::nullopt;
}
inline constexpr std::array<color, 2> colors{color::blue, color::green};

// One value a color.
template <class T>
struct per_color {
    T blue{}, green{};
    constexpr T& operator[](color c) noexcept { return c == color::blue ? blue : green; }
    constexpr const T& operator[](color c) const noexcept
    {
        return c == color::blue ? blue : green;
    }
};

} // namespace broker
