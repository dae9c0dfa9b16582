// The line a second on stderr, for people who wait.

#include "tests/load/fleet.hpp"

#include <cinttypes>
#include <cstdio>

namespace load {

void fleet::print_progress(net::duration elapsed) const
{
    const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed).count();
    if (phase_ == phase::connecting) {
        std::fprintf(
            stderr, "teal-load: %" PRId64 " s, %u of %u clients subscribed\n", seconds, subscribed_,
            plan_.clients());
        return;
    }
    std::fprintf(
        stderr,
        "teal-load: %" PRId64 " s, sent %" PRIu64 ", received %" PRIu64 ", disconnected %" PRIu64
        ", duplicated %" PRIu64 ", reordered %" PRIu64 "%s\n",
        seconds, checker_.sent(), checker_.received(), result_.disconnected,
        checker_.count(fault::duplicated), checker_.count(fault::reordered),
        phase_ == phase::sending ? "" : " (waiting for the rest)");
}

} // namespace load
