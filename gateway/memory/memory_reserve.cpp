#include "gateway/memory/memory_reserve.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace gateway {

namespace {

constexpr std::size_t reserve_bytes = 8 * 1024 * 1024;

std::atomic<void*> reserve{nullptr};
std::atomic<bool> used{false};

void on_no_memory()
{
    void* const taken = reserve.exchange(nullptr);
    if (taken == nullptr) {
        throw std::bad_alloc{}; // who reads a peer's bytes closes that peer
    }
    std::free(taken);
    used.store(true);
}

} // namespace

void memory_reserve::set_up()
{
    fill_up();
    std::set_new_handler(on_no_memory);
}

bool memory_reserve::was_used() noexcept
{
    return used.load(std::memory_order_relaxed) && used.exchange(false);
}

void memory_reserve::fill_up() noexcept
{
    if (reserve.load() == nullptr) {
        // malloc, which calls no handler; never touched, so it is address space and nothing else.
        void* made = std::malloc(reserve_bytes);
        void* none = nullptr;
        if (made != nullptr && !reserve.compare_exchange_strong(none, made)) {
            std::free(made);
        }
    }
}

} // namespace gateway
