#pragma once

// The simulator's randomness: one generator for each part of the world, all drawn from the seed, so
// that what one client does never changes what another one draws (a trace stays readable when a
// script is shortened).

#include "broker/net/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sim {

class random_source {
public:
    random_source(std::uint64_t seed, std::uint64_t part) noexcept
        : state_(seed * 0x9e3779b97f4a7c15U ^ (part + 1) * 0xd1b54a32d192ed03U)
    {
        next();
        next();
    }

    // splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    std::uint64_t next() noexcept
    {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept
    {
        return low + below(high - low + 1);
    }
    bool chance(unsigned percent) noexcept { return below(100) < percent; }
    net::duration microseconds(std::uint64_t low, std::uint64_t high) noexcept
    {
        return std::chrono::microseconds{static_cast<std::int64_t>(between(low, high))};
    }
    net::duration milliseconds(std::uint64_t low, std::uint64_t high) noexcept
    {
        return microseconds(low * 1000, high * 1000);
    }
    template <class T>
    const T& one_of(const std::vector<T>& of) noexcept
    {
        return of[static_cast<std::size_t>(below(of.size()))];
    }

private:
    std::uint64_t state_;
};

} // namespace sim
