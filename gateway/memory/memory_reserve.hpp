#pragma once

// Keeps a reserve for the moment when the system gives no more memory. operator new then takes this
// reserve, once, and the shards are told to close the peers that hold most. So std::bad_alloc does
// not end the process while there is still a peer to close.
//
// Threading:  any thread.

namespace gateway {

class memory_reserve {
public:
    // Takes the reserve and becomes the process's new-handler. Call once.
    static void set_up();
    // Whether the reserve was used since the last call. If so, the shards must hold less.
    static bool was_used() noexcept;
    // Takes it anew where it was used and there is memory again.
    static void fill_up() noexcept;
};

} // namespace gateway
