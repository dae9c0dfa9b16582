#pragma once

// A peer that only wants us to hold its bytes: half a frame, frames behind a CONNECT that is not
// answered yet, transactions that it never commits. Or our links: logins that no broker knows, one
// after the other, and a crowd of one login that says another CONNECT header each time (D1, D3). It
// comes back whenever it is sent away. Nothing it says reaches others, so no checker hears of it;
// honest clients must notice nothing.

#include "broker/stomp/parser.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/shard_driver.hpp"

#include <string>
#include <vector>

namespace sim {

class flooder {
public:
    flooder(
        unsigned number, scheduler& when, network& net, std::vector<shard_driver*> shards,
        std::uint64_t seed, bool in_crowd);
    ~flooder();

    void begin();
    void finish(); // for good

private:
    enum class way : std::uint8_t {
        half_a_frame, // CONNECT without its end
        pile,         // frames behind CONNECT, without waiting for the answer
        transactions,
        stranger, // a login that is refused
        crowd,    // an identity of its own, with a subscription
    };

    void connect();
    void pour(unsigned life);
    void leave();
    std::string send(std::size_t transaction, std::size_t bytes) const;

    unsigned number_;
    scheduler& when_;
    network& network_;
    std::vector<shard_driver*> shards_;
    random_source random_;
    connection_ref wire_;
    unsigned life_ = 0;
    way way_ = way::half_a_frame;
    bool over_ = false, in_crowd_;
};

} // namespace sim
