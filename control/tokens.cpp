#include "control/tokens.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace control {

namespace {

constexpr std::size_t token_file_bytes_max = 64 * 1024;
constexpr std::size_t token_bytes_min = 16;

bool same(std::string_view given, std::string_view known) noexcept
{
    // One pass over what was given, whatever matches.
    unsigned difference = given.size() == known.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char expected = known.empty() ? '\0' : known[i % known.size()];
        difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
    }
    return difference == 0;
}

std::optional<role> role_from(std::string_view name)
{
    for (const auto one : {role::viewer, role::operator_, role::admin}) {
        if (to_string(one) == name) {
            return one;
        }
    }
    return std::nullopt;
}

std::optional<std::string> text_of(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    std::string text(token_file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad() ||
        static_cast<std::size_t>(file.gcount()) > token_file_bytes_max) {
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

} // namespace

std::string_view to_string(role who) noexcept
{
    switch (who) {
    case role::none: return "none";
    case role::viewer: return "viewer";
    case role::operator_: return "operator";
    case role::admin: return "admin";
    }
    return "none";
}

std::variant<token_table, std::string> token_table::parse(std::string_view text)
{
    token_table table;
    std::istringstream lines{std::string(text)};
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        std::istringstream words(line);
        std::string name;
        std::string token;
        std::string more;
        words >> name >> token >> more;
        if (name.empty() || name.starts_with('#')) {
            continue;
        }
        const auto known = role_from(name);
        const std::string where = "line " + std::to_string(number) + ": ";
        if (!known) {
            return where + "unknown role, expected viewer, operator or admin";
        }
        if (token.empty() || !more.empty()) {
            return where + "expected `role token`";
        }
        if (token.size() < token_bytes_min) {
            return where + "the token is shorter than " + std::to_string(token_bytes_min) +
                   " characters";
        }
        table.entries_.push_back({{*known, number}, token});
    }
    if (table.entries_.empty()) {
        return std::string("no token in it");
    }
    return table;
}

std::optional<grant> token_table::find(std::string_view token) const noexcept
{
    std::optional<grant> found;
    for (const auto& one : entries_) {
        if (same(token, one.token) && !found) {
            found = one.what;
        }
    }
    return found;
}

std::optional<token_file::version> token_file::version_of(const std::string& path)
{
    struct stat now{};
    if (::stat(path.c_str(), &now) != 0) {
        return std::nullopt;
    }
    return version{
        now.st_mtim.tv_sec, now.st_mtim.tv_nsec, now.st_ino,
        static_cast<std::uint64_t>(now.st_size)};
}

std::variant<token_file, std::string> token_file::open(const std::string& path)
{
    token_file file;
    file.path_ = path;
    if (auto wrong = file.refresh()) {
        return *wrong;
    }
    return file;
}

std::optional<std::string> token_file::refresh()
{
    const auto now = version_of(path_);
    if (looked_ && now == read_) {
        return std::nullopt;
    }
    looked_ = true;
    read_ = now;
    const auto text = now ? text_of(path_) : std::nullopt;
    if (!text) {
        return "tokens file " + path_ + ": cannot be read";
    }
    auto parsed = token_table::parse(*text);
    if (auto* wrong = std::get_if<std::string>(&parsed)) {
        return "tokens file " + path_ + ": " + *wrong;
    }
    tokens_ = std::move(std::get<token_table>(parsed));
    return std::nullopt;
}

} // namespace control
