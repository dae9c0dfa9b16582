#pragma once

// tealctl's command line: which commands and options there are, and what they say together.

#include "control/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace cli {

struct command_line {
    std::string endpoint = "http://127.0.0.1:8081";
    std::string token_file, cacert, cert, key;
    std::string format = "table";
    bool quiet = false, no_color = false;
    switch_options change;
    bool no_wait = false;
    std::string timeout = "5m", watch_timeout;
    std::uint64_t id = 0, limit = 100;
    std::string sort, session, file, shell, drained, verb, pace = "100/s";
    session_filter which;
    bool self = false, drain_wait = false, force = false, all = false;
    bool check = false;        // status --check
    bool asked_health = false; // the gateway was asked
};

// Every command and option, whose values go to `line`.
void define(CLI::App& app, command_line& line);
// "100/s"; nullopt: not one.
std::optional<unsigned> rate_from(const std::string& text);
// What CLI11 cannot tell of a command; a sentence, or nothing.
std::string contradiction(const std::string& name, const command_line& line);

} // namespace cli
