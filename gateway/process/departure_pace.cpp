#include "gateway/process/departure_pace.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace gateway {

namespace {

constexpr double seconds_kept = 0.25;
constexpr std::chrono::milliseconds step{50};

} // namespace

std::size_t departure_pace::due(net::time_point now)
{
    due_ += per_second_ * std::chrono::duration<double>(now - std::exchange(last_, now)).count();
    due_ = std::min(due_, std::max(1.0, per_second_ * seconds_kept));
    const double whole = std::floor(due_);
    due_ -= whole;
    return static_cast<std::size_t>(whole);
}

net::duration departure_pace::next_step()
{
    const double factor = std::uniform_real_distribution<double>{0.8, 1.2}(random_);
    return std::chrono::duration_cast<net::duration>(step * factor);
}

std::vector<std::size_t> shares_of(std::size_t most, const std::vector<std::size_t>& waiting)
{
    const std::size_t all = std::reduce(waiting.begin(), waiting.end());
    std::vector<std::size_t> shares(waiting.size());
    std::size_t seen = 0;
    std::size_t given = 0;
    most = std::min(most, all);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        seen += waiting[i];
        const std::size_t up_to_here = all == 0 ? 0 : most * seen / all; // rounding never adds up
        shares[i] = up_to_here - std::exchange(given, up_to_here);
    }
    return shares;
}

} // namespace gateway
