#include "gateway/transports/transport.hpp"

namespace gateway {

transport::~transport() = default;

} // namespace gateway
