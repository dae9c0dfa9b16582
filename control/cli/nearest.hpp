#pragma once

// The word that was meant: for "did you mean".

#include <string>
#include <string_view>
#include <vector>

namespace cli {

// At most two edits away, and fewer than half of its letters; empty: none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);
// "; did you mean WORD?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

} // namespace cli
