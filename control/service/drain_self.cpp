// This gateway's own way out: who asked for it. docs/outside.md A12.

#include "control/service/control_service.hpp"

namespace control {

std::string_view to_string(way_out_stage stage) noexcept
{
    switch (stage) {
    case way_out_stage::serving: return "serving";
    case way_out_stage::lame_duck: return "lame_duck";
    case way_out_stage::leaving: return "leaving";
    case way_out_stage::drained: return "drained";
    }
    return "";
}

void control_service::drain_self(const std::string& who)
{
    const auto before = way_out();
    if (way_out_.begin) {
        way_out_.begin();
    }
    const auto after = way_out();
    log_.audit(
        {{"who", who},
         {"what", "drain_self"},
         {"from", to_string(before.stage)},
         {"to", to_string(after.stage)},
         {"epoch", state().epoch},
         {"clients", before.clients},
         {"result", "accepted"}});
}

} // namespace control
