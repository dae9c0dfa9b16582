#pragma once

// The shards as the control thread sees them: a post takes commands to a shard, and a post brings
// reports and answers back.
//
// Threading:  built on the control thread. Each call runs on the thread that its comment names.
// Lifetime:   outlives the control_service. The shards outlive it.

#include "control/protocol/member_port.hpp"
#include "gateway/process/shard.hpp"

#include <boost/asio/io_context.hpp>

#include <vector>

namespace gateway {

// One shard as a member of switches.
class shard_port final : public control::member_port {
public:
    // `checks`: this member is the one that asks the target's endpoints at a preflight.
    shard_port(shard& of, boost::asio::io_context& control, bool checks)
        : shard_(of), control_(control), checks_(checks)
    {
    }

    void send(control::command what) override;
    void snapshot(std::function<void(control::member_snapshot)> done) override;
    void sessions(std::function<void(std::vector<control::session_snapshot>)> done) override;
    void disconnect(std::string session, std::function<void(bool)> done) override;
    void
    drain_endpoint(control::endpoint_ref which, bool on, std::function<void(bool)> done) override;
    void preflight(color target, std::function<void(control::preflight_answer)> done) override;

private:
    shard& shard_;
    boost::asio::io_context& control_;
    bool checks_;
};

// One shard's numbers for the page of /metrics.
struct shard_numbers {
    shard_counters counters;
    control::member_snapshot state;
};

// Copies of all shards' counters, for the page of /metrics; `totals` gets the endpoints. Blocks for
// at most 200 ms a shard; one that does not answer shows its last copy. Control thread.
std::vector<shard_counters> collect_counters(
    std::vector<std::unique_ptr<shard>>& shards, std::vector<shard_numbers>& last,
    control_counters& totals);

} // namespace gateway
