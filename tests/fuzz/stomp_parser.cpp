// Proves, for arbitrary bytes, that the STOMP parser gives the same frames, heart-beats and fault
// whole, in two cuts and byte by byte, keeps its bounds, and that each frame survives a round trip;
// for a client's stream, which is judged, and for a broker's, which is not.
//
// Input: one byte version, bounds and peer, two bytes where to cut, then the stream.

#include "broker/stomp/serializer.hpp"
#include "tests/unit/broker/stomp/feed.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using stomp::dialect;
using stomp::outcome;

void require(bool holds, const char* what)
{
    if (!holds) {
        std::fprintf(stderr, "does not hold: %s\n", what);
        std::abort();
    }
}

// Small bounds in every second dialect, so that the fuzzer reaches them.
dialect choose_dialect(std::uint8_t selector)
{
    dialect d;
    d.version = static_cast<stomp::version>(selector % 3);
    if (selector & 0x80) {
        d.bounds = {.frame_bytes = 96, .header_count = 3, .header_line_bytes = 20};
    }
    if (selector & 0x40) {
        d.reads = stomp::peer::broker;
    }
    return d;
}

// What a broker sent is not judged, but it is bounded, and who reads what is forwarded finds its
// end where it was found here.
void check_forwarded(const stomp::frame& f, const dialect& d)
{
    if (f.command == stomp::command::unknown) {
        return;
    }
    const outcome again = stomp::feed_whole(to_bytes(f), d);
    require(!again.fault && again.left == 0, "a delivered frame is accepted again");
    require(again.frames.size() == 1 && again.frames[0] == f, "and is the same");
}

void check_frame(const stomp::frame& f, const dialect& d)
{
    require(f.headers.size() <= d.bounds.header_count, "the number of headers is bounded");
    require(to_bytes(f).size() <= d.bounds.frame_bytes, "the frame is bounded");
    if (d.reads == stomp::peer::broker) {
        check_forwarded(f, d);
        return;
    }
    const bool escaped = f.command != stomp::command::connect &&
                         f.command != stomp::command::stomp &&
                         f.command != stomp::command::connected;
    for (const auto& [name, value] : f.headers) {
        require(!name.empty(), "a header has a name");
        const std::size_t line_bytes = name.size() + 1 + value.size();
        require(line_bytes <= d.bounds.header_line_bytes, "a line is bounded");
        require(
            !escaped || (stomp::unescape(name, d.version) && stomp::unescape(value, d.version)),
            "escapes are defined");
        for (const std::string& text : {name, value}) {
            const auto raw = stomp::escape(text, d.version);
            require(raw.find('\n') == raw.npos, "an escaped text ends no line");
            require(
                d.version == stomp::version::v10 || stomp::unescape(raw, d.version) == text,
                "an escaped text comes back");
        }
    }
    const outcome again = stomp::feed_whole(to_bytes(f), d);
    require(!again.fault && again.left == 0, "a delivered frame is accepted again");
    require(again.frames.size() == 1 && again.frames[0] == f, "and is the same");
}

// A fault leaves over what the driver happened to have read.
bool same(const outcome& a, const outcome& b)
{
    return a.frames == b.frames && a.skipped == b.skipped && a.fault == b.fault &&
           a.eol_bytes == b.eol_bytes && (a.fault || a.left == b.left);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 3) {
        return 0;
    }
    const dialect d = choose_dialect(data[0]);
    const std::string_view stream{reinterpret_cast<const char*>(data + 3), size - 3};
    const outcome whole = stomp::feed_whole(stream, d);
    for (const std::size_t cut : {data[1], data[2]}) {
        const std::size_t at = cut % (stream.size() + 1);
        require(same(stomp::feed_split(stream, at, d), whole), "a cut changes nothing");
    }
    require(same(stomp::feed_in_steps(stream, 1, d), whole), "byte by byte is the same");
    for (const stomp::frame& f : whole.frames) {
        check_frame(f, d);
    }
    return 0;
}
