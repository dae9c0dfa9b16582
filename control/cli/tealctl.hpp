#pragma once

// tealctl without its main(): a command line goes in, text and an exit status come out.

#include <ostream>
#include <string>
#include <vector>

namespace cli {

struct terminal {
    std::ostream& out;
    std::ostream& err;
    bool out_is_terminal = false, err_is_terminal = false, in_is_terminal = false;
};
int run(const std::vector<std::string>& arguments, terminal where);
// Every command's name; the completion scripts are tested against it.
std::vector<std::string> command_names();

} // namespace cli
