#pragma once

// JSON text as this project writes it: fields in the order given, numbers in the usual notation
// (1.9, not 1.9E0), and valid whatever bytes a peer put into a name (plain_text.hpp). Boost.JSON
// parses. It is compiled once, in json.cpp.

#include <boost/json/value.hpp>

#include <string>

namespace control {

std::string to_text(const boost::json::value& value);
// For people: two spaces, one field a line.
std::string to_indented_text(const boost::json::value& value);
// Rounded for a report: three digits after the point.
double rounded(double value) noexcept;

} // namespace control
