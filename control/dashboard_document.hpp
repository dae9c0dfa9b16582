#pragma once

// dashboard.html beside this file, as it is served, and what its Content-Security-Policy says of it:
// the SHA-256 of what stands between its <style> and its <script> tags, in base64 (CSP level 2, 5.2).

#include <string_view>

namespace control {

extern const std::string_view dashboard_document;
extern const std::string_view dashboard_document_style_hash;
extern const std::string_view dashboard_document_script_hash;

} // namespace control
