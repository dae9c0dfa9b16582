#pragma once

// Signals that would end the process although nobody intended that: a wrong number in a script, a
// timer of a library, a pager that has exited. They are ignored from the start of the process. A
// program that wants to log them waits for stray_signals().
//
// Not ignored: SIGTERM and SIGINT (a request to stop), SIGQUIT (a request for a core file), job
// control, and signals that report a fault of the program itself (SIGSEGV, SIGABRT, ...).

#include <vector>

namespace net {

// SIGHUP is the caller's: a daemon reloads, a program of a terminal goes with it.
std::vector<int> stray_signals();
void ignore_stray_signals();

} // namespace net
