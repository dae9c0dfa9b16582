#pragma once

// The JSON shapes of contract.md "Admin API" for what members report about themselves.

#include "control/api/health.hpp"
#include "control/service/control_service.hpp"

#include <boost/json/object.hpp>

namespace control {

boost::json::object to_json(const session_counts& counts);
boost::json::object to_json(const session_snapshot& session);
boost::json::object pools_json(const member_snapshot& total);
boost::json::object status_json(
    const gateway_snapshot& all, const stored_state& state, const switch_record* running,
    const std::string& version, const health& how);

} // namespace control
