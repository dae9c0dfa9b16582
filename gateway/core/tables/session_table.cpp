// The table "Session" of docs/switch.md, one function per column.

#include "gateway/core/tables/session_table.hpp"

namespace gateway {

namespace {

using state = session_state;
using doing = session_doing;

constexpr session_step illegal{};

constexpr session_step stay(doing what = doing::nothing) noexcept
{
    return {session_result::stays, {}, what};
}

constexpr session_step move_to(state to, doing what = doing::nothing) noexcept
{
    return {session_result::moves, to, what};
}

constexpr session_step end(doing what = doing::nothing) noexcept
{
    return {session_result::ends, {}, what};
}

session_step on_client_frame(state in, const session_facts& facts) noexcept
{
    switch (in) {
    case state::waiting: // S7
    case state::connecting:
        return facts.not_connect    ? end(doing::says_error)
               : !facts.first_frame ? stay(doing::carries_frame)
               : in == state::waiting ? stay(doing::reads_frame_for_later)
                                      : stay(doing::reads_frame);
    case state::active:
        return facts.disconnect ? move_to(state::closing) : stay(doing::interprets_frame);
    case state::quiescing:
    case state::held:
    case state::rebinding: return stay(doing::carries_frame);
    case state::closing: return stay(doing::ignores_frame);
    }
    return illegal;
}

session_step on_hold(state in) noexcept
{
    switch (in) {
    case state::waiting: return stay(doing::counts_as_held);
    case state::connecting: return move_to(state::waiting, doing::drops_attempt); // S7
    case state::active: return move_to(state::quiescing);
    case state::rebinding: // S5: it never waits for its bind in the hold
        return move_to(state::quiescing, doing::stops_attempt);
    case state::closing: return stay(doing::settles);
    case state::quiescing:
    case state::held: return illegal;
    }
    return illegal;
}

session_step on_look(state in, const session_facts& facts) noexcept
{
    return in == state::quiescing && facts.can_be_held ? move_to(state::held) : stay();
}

// S6: on a standby that is ready, else rebinding on the new color.
session_step on_commit(state in, const session_facts& facts) noexcept
{
    switch (in) {
    case state::waiting: return move_to(state::connecting, doing::to_new_color);
    case state::held:
        return facts.close_wanted    ? end()
               : facts.standby_ready ? move_to(state::active, doing::to_new_color)
                                     : move_to(state::rebinding, doing::to_new_color_late);
    case state::closing: return stay(doing::ends_once_answered);
    case state::connecting:
    case state::active:
    case state::quiescing:
    case state::rebinding: return illegal;
    }
    return illegal;
}

// S6: on links that are alive and have the journal.
session_step on_abort(state in, const session_facts& facts) noexcept
{
    switch (in) {
    case state::waiting: return move_to(state::connecting, doing::to_old_color);
    case state::connecting: return stay();
    case state::active: return stay(doing::releases_standby);
    case state::quiescing:
    case state::held:
        return facts.close_wanted    ? end()
               : facts.live_complete ? move_to(state::active, doing::to_old_color)
                                     : move_to(state::rebinding, doing::to_old_color);
    case state::rebinding: return stay(doing::tries_on);
    case state::closing: return stay(doing::ends_once_answered);
    }
    return illegal;
}

session_step on_link_lost(state in, const session_facts& facts) noexcept
{
    switch (in) {
    case state::waiting: return stay();
    case state::connecting:
        return facts.refused ? end(doing::says_brokers_error) : stay(doing::tries_again);
    case state::active:
        return facts.of_standby ? stay(doing::mends_standby)
                                : move_to(state::rebinding, doing::on_same_color);
    case state::quiescing:
        return facts.of_standby ? stay(doing::mends_standby) : stay(doing::doubts_unproven);
    case state::held:
        return facts.of_live     ? stay(doing::remembers_loss)
               : facts.said_held ? stay(doing::says_unheld) // C6: the coordinator judges
                                 : move_to(state::quiescing, doing::mends_standby);
    case state::rebinding:
        return facts.of_standby ? stay(doing::mends_standby) : stay(doing::tries_again);
    case state::closing: return stay(doing::doubts_owed);
    }
    return illegal;
}

} // namespace

session_step
next_step(session_state in, session_event what, const session_facts& facts) noexcept
{
    switch (what) {
    case session_event::client_frame: return on_client_frame(in, facts);
    case session_event::hold: return on_hold(in);
    case session_event::looked_at: return on_look(in, facts);
    case session_event::commit: return on_commit(in, facts);
    case session_event::abort: return on_abort(in, facts);
    case session_event::link_lost: return on_link_lost(in, facts);
    }
    return illegal;
}

} // namespace gateway
