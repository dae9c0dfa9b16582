#include "gateway/memory/freed_memory.hpp"

#include <cstdlib>
#include <malloc.h>

namespace gateway {

namespace {

// Larger blocks are mapped for themselves and unmapped when they are freed: above this the faults
// are few beside the copying of so many bytes.
constexpr int mapped_from = 4 * 1024 * 1024;
// What the end of a heap may keep while frames come and go.
constexpr int kept_end = 8 * 1024 * 1024;
constexpr int kept_end_at_release = 64 * 1024;
// To free a block of 64 KiB makes free() look at the end of its heap (FASTBIN_CONSOLIDATION_THRESHOLD).
constexpr std::size_t look_bytes = 96 * 1024;

} // namespace

void freed_memory::set_up() noexcept
{
    ::mallopt(M_MMAP_THRESHOLD, mapped_from);
    ::mallopt(M_TRIM_THRESHOLD, kept_end);
}

void freed_memory::begin_release() noexcept
{
    ::mallopt(M_TRIM_THRESHOLD, kept_end_at_release);
}

void freed_memory::release_end_of_heap() noexcept
{
    void* volatile block = std::malloc(look_bytes); // volatile: the pair is not optimized away
    std::free(block);
}

void freed_memory::end_release() noexcept
{
    ::malloc_trim(0);
    ::mallopt(M_TRIM_THRESHOLD, kept_end);
}

} // namespace gateway
