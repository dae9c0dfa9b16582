#pragma once

// An ERROR as the broker said it: what of it is kept, and its one line for a log or a report.

#include "broker/stomp/frame.hpp"

#include <cstddef>
#include <string>

namespace broker {

struct broker_error {
    std::string head; // raw header lines but receipt-id and subscription, each with its LF
    std::string body;
    std::string text; // one line for a log or a report
};

inline constexpr std::size_t error_bytes_max = 16 * 1024; // kept of a head, and of a body
inline constexpr std::size_t error_text_max = 200;        // of the body's first line

broker_error read_error(const stomp::frame_view& frame);

// The broker ends the connection for a reason of its own (AMQP 0-9-1, 320 connection-forced): it is
// being stopped, or an operator closed it. That is nobody's frame.
bool of_the_broker(const broker_error& error);
// RabbitMQ's "Processing error" and no more. It answers any frame with it whose channel has died
// meanwhile, also where the reason was an operator's, and says that reason behind it, or never.
bool says_nothing(const broker_error& error);

} // namespace broker
