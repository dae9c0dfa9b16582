#include "control/protocol/counted_sessions.hpp"

#include <algorithm>

namespace control {

void counted_sessions::add(counted_cause why, const std::string& session)
{
    auto& names = all_[static_cast<std::size_t>(why)];
    if (names.size() < most && std::ranges::find(names, session) == names.end()) {
        names.push_back(session);
    }
}

void counted_sessions::add(const counted_sessions& more)
{
    for (std::size_t why = 0; why < all_.size(); ++why) {
        for (const std::string& session : more.all_[why]) {
            add(static_cast<counted_cause>(why), session);
        }
    }
}

std::string counted_sessions::sentence(counted_cause why) const
{
    const auto& names = of(why);
    if (names.empty()) {
        return {};
    }
    std::string text = names.size() == 1 ? ": session " : ": sessions ";
    for (std::size_t i = 0; i < std::min(names.size(), said_most); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > said_most) {
        text += " and ";
        text += names.size() == most ? "at least " : "";
        text += std::to_string(names.size() - said_most) + " more";
    }
    return text;
}

} // namespace control
