#pragma once

// Memory that was freed goes back to the system, and not only to the allocator: what a crowd held
// is nobody's when it has gone. Two things of glibc's keep it otherwise. malloc_trim() frees the
// holes of every heap, but the end of none but the main one, and each shard's thread has a heap of
// its own. free() gives the end of a heap back above a threshold, which grows by itself with every
// large block that was freed, and not at all where the end grew while fastbins were consolidated
// (malloc.c: mtrim, heap_trim; 1.4 of 8 MB stayed behind 1000 peers who had gone).
//
// Threading: set_up, begin_release and end_release belong to one thread.

namespace gateway {

class freed_memory {
public:
    // Fixes the thresholds that grow by themselves otherwise. Call once, before there are threads.
    static void set_up() noexcept;
    // From here to end_release() a heap's end goes back whatever its size.
    static void begin_release() noexcept;
    // The end of the heap of the thread that calls.
    static void release_end_of_heap() noexcept;
    // The holes of all heaps: a walk over what is free, for a quiet moment.
    static void end_release() noexcept;
};

} // namespace gateway
