#pragma once

// tealctl's exit statuses (contract.md "tealctl"). Scripts depend on them.

namespace cli {

enum exit_status : int {  // an int on purpose: it is what main() returns
    exit_done = 0,        // done, every guarantee held
    exit_failed = 1,      // failed, all sessions on the old color
    exit_usage = 2,       // bad command line
    exit_unreachable = 3, // gateway not reachable
    exit_refused = 4,     // stale epoch, another switch, preflight
    exit_timeout = 5,     // switch still running
    exit_counted = 6,     // done, but something is counted
    exit_forbidden = 7,   // not allowed
    exit_detached = 130,  // interrupted while waiting
};

// Of `status --check`, as monitoring plugins have them; a wrong command line is `unknown`, too.
enum check_status : int {
    check_ok = 0,
    check_degraded = 1, // warning
    check_down = 2,     // critical
    check_unknown = 3,  // not reachable, not understood, not allowed
};

} // namespace cli
