#pragma once

// What is left when the system gives no more memory: operator new then takes a reserve of this
// process, once, and the shards are told to close who holds most. So `std::bad_alloc` is no way for
// the process to end while there is anybody to go.
//
// Threading: any thread.

namespace gateway {

class memory_reserve {
public:
    // Takes the reserve and becomes the process's new-handler. Call once.
    static void set_up();
    // Whether the reserve was used since this was asked last: what is held has to get less.
    static bool was_used() noexcept;
    // Takes it anew where it was used and there is memory again.
    static void fill_up() noexcept;
};

} // namespace gateway
