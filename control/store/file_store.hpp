#pragma once

// Where color and epoch are stored: an interface, and the file of a single gateway (`teal.state`).
//
// Threading:  control thread. The file store writes in the calling thread (0.4 ms with both fsyncs)
//             and calls `done` before it returns. Other stores may call it later.
// Invariants:
// (1) A write is the decision (switch.md "Coordinator"): after `written` a restart finds the new
//     state. After `failed` or `unknown` only read() can tell (C7).
// (2) Only one process writes a file: PATH.lock beside it is locked as long as the store lives.

#include "broker/color.hpp"
#include "control/protocol/switch_messages.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace control {

// S16. One line of JSON in the file: {"epoch":4,"live":"blue","previous":"green","last_switch":7}
struct stored_state {
    epoch_number epoch = 1;
    broker::color live = broker::color::blue;
    std::optional<broker::color> previous; // live before the last committed switch
    switch_number last_switch = 0;         // the last id given out
    bool operator==(const stored_state&) const = default;
};

enum class write_result : std::uint8_t {
    written, // durable
    failed,  // an error was returned; the stored state must be read
    unknown, // no answer in time; the write may still land
};

class store {
public:
    virtual ~store() = default;
    virtual void write(const stored_state& state, std::function<void(write_result)> done) = 0;
    // nullopt: could not be read.
    virtual void read(std::function<void(std::optional<stored_state>)> done) = 0;
    // Where the last write failed, and why; empty: it did not.
    virtual std::string trouble() const { return {}; }
};

struct opened_store {
    std::unique_ptr<store> where;
    stored_state state;
};
// Opens or creates the state file; `initial` counts only where there is none yet. The string is the
// start-up error, and names the file: a state that cannot be read is never guessed, and what is no
// regular file, or is another process's, is left alone.
std::variant<opened_store, std::string>
open_file_store(const std::string& path, broker::color initial);

// Whether a write would succeed: a file beside the state is written and synced, and goes again. A
// sentence that names the file, the step and the error; empty: it would.
//
// Threading: any thread, beside a store that writes.
std::string try_file_store(const std::string& path);

std::string to_line(const stored_state& state);
std::optional<stored_state> stored_state_from(const std::string& line);

} // namespace control
