#pragma once

// openapi.json beside this file, as it is served.

#include <string_view>

namespace control {

extern const std::string_view openapi_document;

} // namespace control
