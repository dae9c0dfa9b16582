#pragma once

// Numbers of a shard's things as types of their own, and the ids that the gateway says in frames in
// place of the other side's.
//
//   id            in frames     form              stands for
//   receipt       to brokers    r<N>              the frame that waits for it; N grows per link, in
//                                                 order of writing (owed_answers)
//   subscription  to brokers    s<N>              a wire subscription; N is never reused on a shard
//   ack           to clients    <digest>-<N>-<S>  an entry of the session's ledger (ack_ids)

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace broker {

// Number of a link, never reused in a process's life; 0 is none.
enum class link_id : std::uint64_t { none = 0 };
// A wire subscription's number; 0 is none.
enum class wire_id : std::uint64_t { none = 0 };
// A client's session as the links know it; 0 is the gateway itself.
enum class session_id : std::uint64_t { none = 0 };

// A delivery's number in its session, from 1 on; 0 is none.
using delivery_number = std::uint64_t;

std::string to_wire(wire_id id); // "s12"
std::optional<wire_id> parse_wire_id(std::string_view text) noexcept;
std::optional<std::uint64_t> parse_receipt(std::string_view wire_receipt) noexcept; // "r12"

// The number that the whole text is; nullopt: it is none, or too large.
std::optional<std::uint64_t> parse_number(std::string_view text, int base) noexcept;

} // namespace broker
