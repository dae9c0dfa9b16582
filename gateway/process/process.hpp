#pragma once

// The process teal-gateway: shards on their threads, the control side on the main thread, signals,
// start and stop.
//
// Threading:  run() runs on the main thread, which is the control thread.

#include "gateway/settings/config.hpp"

namespace gateway {

// Exit status: 0 stopped as asked, 1 failed while running, 2 could not start (what and where is on
// stderr).
int run_gateway(config settings);

} // namespace gateway
