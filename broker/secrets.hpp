#pragma once

// Secrets that only this process knows, and what is derived from them: names of queues, seals of
// markers, and the ids by which clients acknowledge. switch.md K1, K2, K4.
//
// Each of the three has a key of its own, so a client learns nothing about the other two from its
// ack ids. A derived value is SipHash-2-4 of a text (Aumasson and Bernstein, "SipHash: a fast
// short-input PRF", 2012). Without the key it looks random.

#include <cstdint>
#include <string>
#include <string_view>

namespace broker {

// 128 random bits.
struct secret_key {
    std::uint64_t first = 0, second = 0;
};

struct secrets {
    secret_key names; // of queues of the gateway's own
    secret_key marks; // markers
    secret_key acks;  // ids of deliveries, towards clients
};
// From the system's generator. One draw a process: its shards share them.
secrets draw_secrets();

// 64 bits of a text.
std::uint64_t keyed_digest(const secret_key& key, std::string_view text) noexcept;
// 128 bits of a text as 32 hexadecimal digits.
std::string keyed_digits(const secret_key& key, std::string_view text);
// Whether two texts are equal, in a time that does not say where they differ.
bool equal_secrets(std::string_view one, std::string_view other) noexcept;

} // namespace broker
