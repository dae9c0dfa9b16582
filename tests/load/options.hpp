#pragma once

// The command line of teal-load (contract.md, "teal-broker, teal-load").

#include "tests/load/fleet.hpp"

#include <boost/system/result.hpp>

#include <string>

namespace load {

struct load_options {
    fleet_options fleet; // without the resolved address
    net::address address;
    std::string json_file;    // empty: none
    std::string missing_file; // the same
};

struct usage_exit {
    int status = 2; // 0 for --help and --version
    std::string text;
};

boost::system::result<load_options, usage_exit> parse_options(int argc, const char* const* argv);

// ws://HOST:PORT[/PATH] or stomp://HOST:PORT; the error is a sentence.
struct load_url {
    dial_target target;
    net::address address;
};
boost::system::result<load_url, std::string> parse_url(const std::string& url);

} // namespace load
