#include "control/protocol/counted_sessions.hpp"

#include <algorithm>

namespace control {

void session_names::add(const std::string& session)
{
    if (all_.size() < most && std::ranges::find(all_, session) == all_.end()) {
        all_.push_back(session);
    }
}

void session_names::add(const session_names& more)
{
    for (const std::string& session : more.all_) {
        add(session);
    }
}

std::string session_names::sentence() const
{
    if (all_.empty()) {
        return {};
    }
    std::string text = all_.size() == 1 ? ": session " : ": sessions ";
    for (std::size_t i = 0; i < std::min(all_.size(), said_most); ++i) {
        text += (i == 0 ? "" : ", ") + all_[i];
    }
    if (all_.size() > said_most) {
        text += " and ";
        text += all_.size() == most ? "at least " : "";
        text += std::to_string(all_.size() - said_most) + " more";
    }
    return text;
}

void counted_sessions::add(const counted_sessions& more)
{
    for (std::size_t why = 0; why < all_.size(); ++why) {
        all_[why].add(more.all_[why]);
    }
}

void add_counted(std::vector<counted_sentence>& all, const counted_sentence& one)
{
    const auto same = std::ranges::find(all, one.text, &counted_sentence::text);
    if (same == all.end()) {
        all.push_back(one);
    } else {
        same->whose.add(one.whose);
    }
}

} // namespace control
