#include "broker/broker_error.hpp"

#include <string_view>

namespace broker {

namespace {

std::string text_of(const stomp::frame_view& frame)
{
    std::string text{frame.find("message").value_or("ERROR")};
    // RabbitMQ puts what matters into the body; one line of it is enough for a log or a report.
    const auto line = frame.body.substr(0, frame.body.find_first_of("\r\n"));
    if (!line.empty() && line != text) {
        text += ": ";
        text += line.substr(0, error_text_max);
    }
    return text;
}

} // namespace

broker_error read_error(const stomp::frame_view& frame)
{
    broker_error error;
    const bool whole = frame.body.size() <= error_bytes_max;
    for (const auto& h : frame.headers) {
        if (h.name != "receipt-id" && h.name != "subscription" &&
            (whole || h.name != "content-length") &&
            error.head.size() + h.name.size() + h.value.size() <= error_bytes_max) {
            error.head.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    error.body = frame.body.substr(0, error_bytes_max);
    error.text = text_of(frame);
    return error;
}

bool of_the_broker(const broker_error& error)
{
    constexpr std::string_view closed = "server_initiated_close";
    if (error.body.find("CONNECTION_FORCED") != error.body.npos) {
        return true;
    }
    const auto at = error.body.find(closed);
    if (at == error.body.npos) {
        return false;
    }
    const auto code = error.body.find_first_not_of(", \t\r\n", at + closed.size());
    return code != error.body.npos && error.body.compare(code, 3, "320") == 0;
}

// E5.
bool says_nothing(const broker_error& error)
{
    constexpr std::string_view words = "Processing error";
    return error.text == words || error.text == std::string{words} + ": " + std::string{words};
}

} // namespace broker
