#pragma once

// A configuration as keys and texts: what `tealctl config show` prints, what a reload compares, and when
// the change of a key counts.
//
// Threading:  pure functions.
// Invariants:
// (1) Every key of the configuration is here, so that no change of one goes unnoticed. A test compares
//     the keys with docs/contract.md.
// (2) What may be a secret has its text left out.

#include "gateway/settings/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// When a changed value counts, if the file is loaded again.
enum class applies : std::uint8_t {
    at_once,
    to_new,  // connections, links or subscriptions that are made from then on
    restart, // the running process keeps what it has
};
std::string_view to_string(applies when) noexcept;

struct config_value {
    std::string key;  // "limits.frame", "brokers.blue.endpoints[b1].weight"
    std::string text; // as the file would say it; empty: none
    applies when = applies::restart;
    std::string secret; // what text stands for where it may be a secret: only to be compared
    bool operator==(const config_value&) const = default;
};
// All of them, in the order of docs/contract.md.
std::vector<config_value> values_of(const config& c);

// The keys whose change needs a restart, for who decides by that whether to restart: `listeners` and
// `store` as a whole.
std::vector<std::string> restart_keys();

// One key that two configurations have differently.
struct config_difference {
    std::string key;
    std::string from, to; // empty: it is not there
    applies when = applies::restart;
    bool operator==(const config_difference&) const = default;
};
std::vector<config_difference> differences(const config& running, const config& loaded);

// What the process runs with once `loaded` was read: of each key that needs a restart the running
// value, of all others the loaded one. Endpoints keep their places (control::endpoint_ref): one that is
// gone stays in the list, marked, and new ones follow.
config merged(const config& running, const config& loaded);

} // namespace gateway
