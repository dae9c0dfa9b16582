#include "control/cli/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace cli {

namespace {

constexpr std::size_t word_bytes_max = 64;

// Levenshtein's distance, with neighbours that are exchanged as one edit (Damerau, restricted).
std::size_t edits(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            next[j] = std::min(
                {row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                next[j] = std::min(next[j], before[j - 2] + 1);
            }
        }
        before = row;
        row = next;
    }
    return row.back();
}

} // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known)
{
    std::string best;
    std::size_t best_edits = 3;
    for (const auto& one : known) {
        const auto distance = word.size() > word_bytes_max ? best_edits : edits(word, one);
        if (distance < best_edits && 2 * distance < one.size()) {
            best = one;
            best_edits = distance;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known)
{
    const auto meant = nearest(word, known);
    return meant.empty() ? "" : "; did you mean " + meant + "?";
}

} // namespace cli
