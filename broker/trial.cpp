#include "broker/trial.hpp"

#include <utility>

namespace broker {

// B5: an unknown name changes nothing.
void trial::is(dialect named) noexcept
{
    if (named == dialect::automatic) {
        return;
    }
    rung_ = first_rung(named, false);
    ordered_ = keeps_order(named);
    if (!has_addresses(named)) {
        known_.marker = tried::no;
    }
}

trial::step trial::begin() noexcept
{
    known_.to_address = rung_ == trial_rung::absent_address;
    return rung_ == trial_rung::nothing ? end(barrier_kind::none) : step::wait;
}

trial::step trial::on_routed() noexcept
{
    return end(barrier_kind::routed);
}

// B1: RabbitMQ answers this one ahead of a confirm. The better answer gets its time.
trial::step trial::on_received() noexcept
{
    received_ = true;
    if (rung_ != trial_rung::transaction) {
        return step::wait;
    }
    return end(ordered_ ? barrier_kind::ordered : barrier_kind::received);
}

// B1: a broker may confirm only what some queue takes. B2: no answer is an answer, too.
trial::step trial::on_overdue(bool leaving) noexcept
{
    if (rung_ == trial_rung::absent_queue && received_ && !leaving) {
        rung_ = trial_rung::own_queue;
        known_.own_queue = true;
        return step::try_own_queue;
    }
    const bool declared = std::exchange(known_.own_queue, false); // not confirmed there either
    end(received_ ? barrier_kind::received : barrier_kind::none);
    return declared ? step::leave_own_queue : step::over;
}

trial::step trial::end(barrier_kind found) noexcept
{
    known_.barrier = found;
    return step::over;
}

} // namespace broker
