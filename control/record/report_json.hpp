#pragma once

// A switch's record in the shape of contract.md "Admin API". Scripts read these names, and the
// fields keep their order.

#include "control/record/switch_record.hpp"

#include <boost/json/object.hpp>

namespace control {

boost::json::object to_json(const switch_record& record, net::time_point now);
// The data of a `progress` event: phase and sessions only.
boost::json::object progress_json(const switch_record& record);
std::string rfc3339(std::chrono::system_clock::time_point when);

} // namespace control
