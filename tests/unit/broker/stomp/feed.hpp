#pragma once

// Feeds a byte stream to a parser in pieces, as a driver does, and keeps what came out. For the
// unit tests and the fuzz target.

#include "broker/stomp/parser.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace stomp {

struct outcome {
    std::vector<frame> frames;
    std::vector<frame> skipped; // heads of a broker's frames that are too large
    std::optional<errc> fault;
    std::size_t eol_bytes = 0; // heart-beats between the frames
    std::size_t left = 0;      // unparsed at the end

    bool operator==(const outcome&) const = default;
};

struct dialect {
    stomp::version version = stomp::version::v12;
    limits bounds{};
    peer reads = peer::client;
};

class feeder {
public:
    explicit feeder(const dialect& d) : parser_{d.reads}, bounds_{d.bounds}
    {
        parser_.set_version(d.version);
    }

    void feed(std::string_view piece)
    {
        pending_ += piece;
        while (!result_.fault && step()) {
        }
        result_.left = pending_.size();
    }
    const outcome& result() const { return result_; }

private:
    // Parses a copy that has exactly the pending bytes, so that a sanitizer sees a read behind them
    // and a view kept from an earlier call.
    bool step()
    {
        const auto copy = std::make_unique<char[]>(pending_.size());
        std::memcpy(copy.get(), pending_.data(), pending_.size());
        const parse_result parsed = parser_.parse({copy.get(), pending_.size()}, bounds_, view_);
        switch (parsed.status) {
        case parse_status::need_more: return false;
        case parse_status::failed: result_.fault = parsed.error; return false;
        case parse_status::heart_beat: result_.eol_bytes += parsed.consumed; break;
        case parse_status::frame: result_.frames.emplace_back(view_); break;
        case parse_status::skipped: result_.skipped.emplace_back(view_); break;
        case parse_status::skipping: break;
        }
        pending_.erase(0, parsed.consumed);
        return true;
    }

    parser parser_;
    limits bounds_;
    frame_view view_;
    std::string pending_;
    outcome result_;
};

inline outcome feed_whole(std::string_view bytes, const dialect& d = {})
{
    feeder f{d};
    f.feed(bytes);
    return f.result();
}

// In pieces of `step` bytes.
inline outcome feed_in_steps(std::string_view bytes, std::size_t step, const dialect& d = {})
{
    feeder f{d};
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        f.feed(bytes.substr(at, step));
    }
    return f.result();
}

inline outcome feed_split(std::string_view bytes, std::size_t at, const dialect& d = {})
{
    feeder f{d};
    f.feed(bytes.substr(0, at));
    f.feed(bytes.substr(at));
    return f.result();
}

inline std::ostream& operator<<(std::ostream& out, const frame& f)
{
    out << to_string(f.command);
    for (const auto& [name, value] : f.headers) {
        out << " [" << name << ':' << value << ']';
    }
    return out << " body of " << f.body.size() << ": " << f.body;
}

inline std::ostream& operator<<(std::ostream& out, const outcome& o)
{
    for (const frame& f : o.frames) {
        out << f << '\n';
    }
    for (const frame& f : o.skipped) {
        out << "skipped " << f << '\n';
    }
    out << "fault " << (o.fault ? make_error_code(*o.fault).message() : "none");
    return out << ", EOL bytes " << o.eol_bytes << ", left " << o.left << '\n';
}

// Whose '\0' are bytes too.
template <std::size_t N>
std::string bytes(const char (&literal)[N])
{
    return std::string{literal, N - 1};
}

} // namespace stomp
