#pragma once

// dashboard.html beside this file, as it is served, and its Content-Security-Policy: the SHA-256 of
// the text between its <style> tags and between its <script> tags, in base64 (CSP level 2, 5.2).

#include <string_view>

namespace control {

extern const std::string_view dashboard_document;
extern const std::string_view dashboard_document_style_hash;
extern const std::string_view dashboard_document_script_hash;

} // namespace control
