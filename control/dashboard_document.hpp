#pragma once

// dashboard.html beside this file, as it is served.

#include <string_view>

namespace control {

extern const std::string_view dashboard_document;

} // namespace control
