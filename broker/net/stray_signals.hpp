#pragma once

// Signals that would end a process and that nobody means so: a wrong number in a script, a timer of
// a library, a pager that went away. Ignored from the start; who wants to say so in its log waits for
// stray_signals().
//
// Left alone: SIGTERM, SIGINT (asked to stop), SIGQUIT (a core is wanted), job control, and what says
// that the program itself is wrong (SIGSEGV, SIGABRT, ...).

#include <vector>

namespace net {

// SIGHUP is the caller's: a daemon reloads, a program of a terminal goes with it.
std::vector<int> stray_signals();
void ignore_stray_signals();

} // namespace net
