#pragma once

// SIGSTOP to this very process, and SIGCONT after a while: what a frozen container or a live
// migration is to it.

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

namespace test_support {

inline void stop_process_for(std::chrono::milliseconds length)
{
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) { // async-signal-safe calls only: the parent's other threads are not here
        ::kill(parent, SIGSTOP);
        const timespec rest{
            length.count() / 1000, static_cast<long>(length.count() % 1000) * 1'000'000};
        ::nanosleep(&rest, nullptr);
        ::kill(parent, SIGCONT);
        ::_exit(0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

} // namespace test_support
