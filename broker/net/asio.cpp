// Compiles Boost.Asio's sources once for all targets.
#include <boost/asio/impl/src.hpp>
