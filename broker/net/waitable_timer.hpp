#pragma once

// Asio's timer on the clock of the data path: it does not expire by a pause of this process.

#include "broker/net/time.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

namespace net {

using waitable_timer = boost::asio::basic_waitable_timer<clock>;

} // namespace net
