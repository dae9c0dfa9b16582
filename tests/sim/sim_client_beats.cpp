// Heart-beats of a simulated client: it keeps to what was agreed, or falls silent for good.

#include "tests/sim/sim_client.hpp"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

// What the network may add to an interval, and a held or parked session whose carry is full (its
// clock stands still, design.md section 4).
constexpr net::duration late_max = 250ms, late_in_hold_max = 11s;

} // namespace

std::string sim_client::offer_beats()
{
    offered_ = {};
    terms_ = {};
    if (!beats_.on || is("1.0")) {
        return {};
    }
    const std::vector<std::chrono::milliseconds> periods{0ms, 30ms, 60ms, 150ms};
    offered_ = {beat_random_.one_of(periods), beat_random_.one_of(periods)};
    return "heart-beat:" + stomp::to_string(offered_) + "\n";
}

void sim_client::begin_beats(std::string_view theirs)
{
    const auto offer = stomp::parse_heart_beat(theirs);
    if (!beats_.on || !offer) {
        return;
    }
    terms_ = stomp::negotiate(offered_, *offer);
    const unsigned life = life_;
    if (terms_.send_every.count() > 0) {
        when_.after(terms_.send_every, [this, life] { beat(life); });
    }
    if (terms_.expect_every.count() > 0) {
        when_.after(terms_.expect_every, [this, life] { listen(life); });
    }
}

void sim_client::beat(unsigned life)
{
    if (life != life_ || silent_ || !beats_.on) {
        return;
    }
    wire_->to_gateway->write("\n");
    when_.after(terms_.send_every, [this, life] { beat(life); });
}

// H15: the gateway beats whatever a switch does.
void sim_client::listen(unsigned life)
{
    if (life != life_ || !beats_.on) {
        return;
    }
    if (wire_->to_other->reading && when_.now() > heard_ + 2 * terms_.expect_every) {
        checker_.violation(
            "client " + std::to_string(number_) +
            " heard nothing of the gateway for twice its heart-beat");
        return;
    }
    when_.after(terms_.expect_every, [this, life] { listen(life); });
}

// From here on it is as good as dead: the gateway has to find that out, in time.
void sim_client::fall_silent()
{
    checker_.note("client " + std::to_string(number_) + " falls silent");
    const unsigned life = life_;
    silent_ = true;
    read_again();
    if (life != life_) {
        return; // it was closed before
    }
    const net::duration late = beats_.may_stand_still ? late_in_hold_max : late_max;
    when_.after(2 * terms_.send_every + late, [this, life] {
        if (life == life_ && beats_.on && shard_->listens_to(number_)) {
            checker_.violation(
                "client " + std::to_string(number_) + " is silent and was not closed");
        }
    });
}

} // namespace sim
