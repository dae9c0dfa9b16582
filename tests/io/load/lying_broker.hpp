#pragma once

// A broker for topics over plain STOMP that commits one fault on purpose, once.
//
// Threading:  a thread of its own, from the constructor to the destructor.

#include <cstdint>
#include <memory>

namespace load {

enum class lie : std::uint8_t {
    none,
    drop,         // one MESSAGE is not delivered
    repeat,       // one comes twice
    redeliver,    // one comes twice, the second time with redelivered:true
    swap,         // one comes behind its successor
    misroute,     // one goes to a subscription of another destination
    hang_up,      // one client's connection is closed
    mute,         // one SEND gets no RECEIPT, and is not delivered
    second_reply, // one RECEIPT comes twice
    refuse,       // CONNECT is answered by ERROR
};

class lying_broker {
public:
    explicit lying_broker(lie which);
    ~lying_broker();
    std::uint16_t port() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace load
