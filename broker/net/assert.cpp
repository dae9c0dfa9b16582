// What a failed BOOST_ASSERT does in every build, release included: says where, and stops the
// process. An invariant that does not hold could route one user's frames to another, which is worse
// than cut connections.

#include <boost/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace boost {

void assertion_failed(char const* expression, char const* function, char const* file, long line)
{
    std::fprintf(stderr, "%s:%ld: assertion failed in %s: %s\n", file, line, function, expression);
    std::abort();
}

void assertion_failed_msg(
    char const* expression, char const* message, char const* function, char const* file, long line)
{
    std::fprintf(
        stderr, "%s:%ld: assertion failed in %s: %s (%s)\n", file, line, function, message,
        expression);
    std::abort();
}

} // namespace boost
