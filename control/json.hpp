#pragma once

// JSON text as this project writes it: fields in the order given, numbers as people read them (1.9,
// not 1.9E0), valid whatever bytes a peer put into a name (plain_text.hpp). Parsing is Boost.JSON's, compiled once in json.cpp.

#include <boost/json/value.hpp>

#include <string>

namespace control {

std::string to_text(const boost::json::value& value);
// For people: two spaces, one field a line.
std::string to_indented_text(const boost::json::value& value);
// Rounded to what a report needs: three digits behind the point.
double rounded(double value) noexcept;

} // namespace control
