#pragma once

// The body of POST /v1/switches, checked field by field. An unknown field is refused, and the
// answer names it.

#include "control/protocol/switch_request.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace control {

struct bad_field {
    unsigned status = 400; // 422: valid, but not built yet
    std::string_view title;
    std::string detail;
    std::string field;
};
std::variant<switch_request, bad_field> switch_request_from(std::string_view body);

} // namespace control
