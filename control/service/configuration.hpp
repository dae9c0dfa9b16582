#pragma once

// What the API asks the process about its configuration: to load it again, and to show it. As plain
// values; the keys are the file's.
//
// Threading:  control thread.

#include "control/protocol/switch_messages.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace control {

struct config_change {
    std::string key, from, to; // empty: it is not there
    std::string applies;       // when it counts, in words
    bool needs_restart = false;
};

enum class reload_result : std::uint8_t {
    applied,     // all but what needs a restart
    unchanged,   // no key differs; files that the configuration names were read again
    would_apply, // asked for the difference only
    waits,       // for the end of switch `waits_for` (S16); the newest such file counts
    refused,     // as a whole: `errors`; the running configuration stays
};
std::string_view to_string(reload_result result) noexcept;

struct reload_answer {
    reload_result result = reload_result::applied;
    std::vector<config_change> changes;
    std::vector<std::string> errors, warnings;
    switch_number waits_for = 0;
};

struct configuration_hooks {
    using answered = std::function<void(reload_answer)>;
    // `only_tell`: nothing is changed.
    std::function<void(bool only_tell, answered)> reload;
    // What runs, key by key, without secrets.
    std::function<std::vector<std::pair<std::string, std::string>>()> show;
};

} // namespace control
