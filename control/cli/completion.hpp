#pragma once

// Completion scripts for bash, zsh and fish: static text (CLI11 2.1 makes none); a test holds them
// to the commands.

#include <optional>
#include <string_view>

namespace cli {

// nullopt: no script for that shell.
std::optional<std::string_view> completion_for(std::string_view shell) noexcept;

} // namespace cli
