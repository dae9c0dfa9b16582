#pragma once

// Texts that only the gateway sends to brokers and that nobody else can guess.
//
//   private_names   names of queues: one for each broadcast subscription, one for barriers, one for
//                   each link that needs its own (B1). Each has 128 random bits (switch.md K1).
//   mark_seal       the seal of a marker. It proves that this shard wrote the marker, and for which
//                   wire subscription, before the marker may join a seam, pass a fence or end a
//                   trial (K2).
//
// Whoever can log in to RabbitMQ can read a queue whose name is known, and can write to one whose
// name can be guessed.

#include "broker/color.hpp"
#include "broker/ids.hpp"
#include "broker/secrets.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace broker {

// Every name begins with it; clients may not say one that does (K3).
inline constexpr std::string_view private_prefix = "stomp-subscription-teal-";

class private_names {
public:
    private_names(const secret_key& key, std::uint32_t shard);

    std::string of_wire(wire_id id) const; // never the same twice, as wire ids are not
    std::string of_link(link_id id) const;
    // Where barriers and trials go: a queue that nobody makes. The process's.
    const std::string& barrier() const noexcept { return barrier_; }

private:
    std::string name(char kind, std::uint64_t number) const;

    secret_key key_;
    std::uint32_t shard_;
    std::string barrier_;
};

class mark_seal {
public:
    mark_seal(const secret_key& key, std::uint32_t shard) noexcept : key_(key), shard_(shard) {}

    std::string seal(std::string_view mark) const; // "s7/2+5" -> "s7/2+5;<32 digits>"
    // The mark; nullopt: this shard did not write it.
    std::optional<std::string_view> open(std::string_view sealed) const;

private:
    std::string digits_of(std::string_view mark) const;

    secret_key key_;
    std::uint32_t shard_;
};

// Whether a text holds a name of such a queue, and the text without what is secret of it: for what
// a broker says to a client.
bool has_private_name(std::string_view text) noexcept;
std::string without_private_names(std::string_view text);

} // namespace broker
