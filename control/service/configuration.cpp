// The configuration is loaded again, or shown: who asked, and that it waits for the end of a switch.
// docs/switch.md S16, docs/outside.md A13.

#include "control/service/control_service.hpp"

#include <boost/asio/post.hpp>

namespace control {

std::string_view to_string(reload_result result) noexcept
{
    switch (result) {
    case reload_result::applied: return "applied";
    case reload_result::unchanged: return "unchanged";
    case reload_result::would_apply: return "would_apply";
    case reload_result::waits: return "waits";
    case reload_result::refused: return "refused";
    }
    return "";
}

void control_service::reload_configuration(
    const std::string& who, bool only_tell, configuration_hooks::answered done)
{
    if (!configuration_.reload) {
        done({reload_result::refused, {}, {"this process has no configuration"}, {}, 0});
        return;
    }
    configuration_.reload(
        only_tell,
        [this, alive = alive_, who, only_tell, done = std::move(done)](reload_answer answer) {
            if (*alive && !only_tell) {
                log_.audit(
                    {{"who", who},
                     {"what", "reload"},
                     {"epoch", state().epoch},
                     {"changes", answer.changes.size()},
                     {"errors", answer.errors.size()},
                     {"result", to_string(answer.result)}});
            }
            done(std::move(answer));
        });
}

// S16: a switch keeps what it began with.
switch_number control_service::switch_under_way() const noexcept
{
    return pending_ ? pending_->id : running() != nullptr ? running()->id : 0;
}

void control_service::when_steady(std::function<void()> then)
{
    if (switch_under_way() == 0) {
        then();
    } else {
        steady_waiters_.push_back(std::move(then));
    }
}

// From a post of its own: whoever waits may ask for the next switch.
void control_service::tell_steady()
{
    if (steady_waiters_.empty()) {
        return;
    }
    boost::asio::post(context_, [this, alive = alive_] {
        if (!*alive || switch_under_way() != 0) {
            return; // the next end of one comes back here
        }
        for (auto& then : std::exchange(steady_waiters_, {})) {
            when_steady(std::move(then));
        }
    });
}

} // namespace control
