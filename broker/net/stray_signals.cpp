#include "broker/net/stray_signals.hpp"

#include <csignal>

namespace net {

std::vector<int> stray_signals()
{
    // SIGXFSZ: a write beyond the limit of a file's size then fails, and is told.
    std::vector<int> all{SIGUSR1, SIGUSR2, SIGALRM,   SIGPIPE, SIGVTALRM,
                         SIGPROF, SIGIO,   SIGSTKFLT, SIGPWR,  SIGXFSZ};
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
        all.push_back(number);
    }
    return all;
}

void ignore_stray_signals()
{
    for (const int number : stray_signals()) {
        std::signal(number, SIG_IGN);
    }
}

} // namespace net
