#pragma once

// The tables that people read, made of the API's answers. `colors` allows escape sequences for
// emphasis.

#include <boost/json/object.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace cli {

// Columns as wide as their widest cell; what is cut off by nothing is read by awk as well.
void print_columns(
    std::ostream& out, const std::vector<std::vector<std::string>>& rows, bool colors);

// "TEAL OK: ..." on one line.
void print_check(std::ostream& out, const boost::json::object& status);
void print_status(std::ostream& out, const boost::json::object& status, bool colors);
void print_report(std::ostream& out, const boost::json::object& report, bool colors);
void print_history(std::ostream& out, const boost::json::object& history, bool colors);
void print_pools(std::ostream& out, const boost::json::object& pools, bool colors);
void print_sessions(std::ostream& out, const boost::json::object& sessions, bool colors);

// A member of a JSON document as text; empty where it is missing or null. "sessions.moved" looks
// inside.
std::string text_at(const boost::json::object& object, std::string_view path);

} // namespace cli
