#include "control/cli/tealctl.hpp"

#include <iostream>
#include <unistd.h>

int main(int argc, char** argv)
{
    return cli::run(
        {argv + 1, argv + argc}, {std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1,
                                  ::isatty(STDERR_FILENO) == 1, ::isatty(STDIN_FILENO) == 1});
}
