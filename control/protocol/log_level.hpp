#pragma once

// How much a line of the log matters.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace control {

enum class log_level : std::uint8_t { debug, info, warning, error };

inline constexpr std::array<std::string_view, 4> log_level_names{
    "debug", "info", "warning", "error"};

constexpr std::string_view to_string(log_level level) noexcept
{
    return log_level_names[static_cast<std::size_t>(level)];
}

} // namespace control
