#pragma once

// Completion scripts for bash, zsh and fish. They are static text, because CLI11 2.1 makes none. A
// test compares them with the commands.

#include <optional>
#include <string_view>

namespace cli {

// nullopt: no script for that shell.
std::optional<std::string_view> completion_for(std::string_view shell) noexcept;

} // namespace cli
