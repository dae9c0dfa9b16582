#include "broker/stomp/error.hpp"

#include <string>

namespace stomp {
namespace {

// Each sentence is fit for the `message` header of an ERROR frame: one line, nothing to escape.
const char* sentence(errc e) noexcept
{
    switch (e) {
    case errc::unknown_command: return "Unknown command";
    case errc::bad_header: return "Malformed header line";
    case errc::bad_escape: return "Undefined escape sequence in a header";
    case errc::bad_content_length: return "Malformed or contradictory content-length";
    case errc::missing_nul: return "No NUL where content-length says that the frame ends";
    case errc::unexpected_body: return "This command must not have a body";
    case errc::frame_too_large: return "Frame too large";
    case errc::too_many_headers: return "Too many headers";
    case errc::header_line_too_long: return "Header line too long";
    case errc::stray_bytes: return "Stray bytes between frames";
    }
    return "Malformed frame";
}

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "stomp"; }
    std::string message(int value) const override { return sentence(static_cast<errc>(value)); }
};

} // namespace

const boost::system::error_category& error_category() noexcept
{
    static const category instance;
    return instance;
}

} // namespace stomp
