#include "control/api/tokens.hpp"

#include "control/store/file_lock.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

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

std::string folder_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Whoever can read the file has the tokens, and whoever can write it can make some.
std::optional<std::string> too_open(const struct stat& file, const std::string& path, uid_t me)
{
    if (!S_ISREG(file.st_mode)) {
        return "is not a regular file";
    }
    if (file.st_uid != me && file.st_uid != 0) {
        return "belongs to another user (uid " + std::to_string(file.st_uid) + ")";
    }
    if ((file.st_mode & S_IWGRP) != 0 || (file.st_mode & S_IRWXO) != 0) {
        return "others may read or write it: chmod 600 it, or 640 where root owns it";
    }
    // root:teal 640 is how a service reads what it may not change; its own file needs no group.
    if (file.st_uid == me && (file.st_mode & S_IRWXG) != 0) {
        return "its group may read it: chmod 600 it";
    }
    struct stat folder{};
    if (::stat(folder_of(path).c_str(), &folder) != 0 ||
        ((folder.st_mode & S_IWOTH) != 0 && (folder.st_mode & S_ISVTX) == 0)) {
        return "others may put another file in its place: chmod o-w its folder";
    }
    return std::nullopt;
}

struct file_text {
    std::string text;
    std::optional<std::string> wrong;
};

enum class reader : std::uint8_t {
    myself,
    owner, // where root asks
};

file_text text_of(const std::string& path, reader as = reader::myself)
{
    // O_NONBLOCK: a FIFO would keep the control thread for ever.
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat what{};
    if (!file.open() || ::fstat(file.number(), &what) != 0) {
        return {"", "cannot be read"};
    }
    const auto me = ::geteuid();
    if (auto wrong = too_open(what, path, as == reader::owner && me == 0 ? what.st_uid : me)) {
        return {"", std::move(wrong)};
    }
    std::string text(token_file_bytes_max + 1, '\0');
    std::size_t length = 0;
    ssize_t got = 0;
    do {
        got = ::read(file.number(), text.data() + length, text.size() - length);
        length += got > 0 ? static_cast<std::size_t>(got) : 0;
    } while (got > 0 && length < text.size());
    if (got < 0) {
        return {"", "cannot be read"};
    }
    if (length > token_file_bytes_max) {
        return {"", "has more than " + std::to_string(token_file_bytes_max) + " bytes"};
    }
    text.resize(length);
    return {std::move(text), std::nullopt};
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
        now.st_mtim.tv_sec, now.st_mtim.tv_nsec, now.st_ctim.tv_sec, now.st_ctim.tv_nsec,
        now.st_ino,         static_cast<std::uint64_t>(now.st_size)};
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

std::optional<std::string> token_file::check(const std::string& path)
{
    auto found = text_of(path, reader::owner);
    if (!found.wrong) {
        auto parsed = token_table::parse(found.text);
        if (auto* wrong = std::get_if<std::string>(&parsed)) {
            found.wrong = std::move(*wrong);
        }
    }
    return found.wrong ? std::optional("tokens file " + path + ": " + *found.wrong) : std::nullopt;
}

std::optional<std::string> token_file::refresh()
{
    const auto now = version_of(path_);
    if (looked_ && now == read_) {
        return std::nullopt;
    }
    looked_ = true;
    read_ = now;
    const auto found = text_of(path_);
    if (found.wrong) {
        return "tokens file " + path_ + ": " + *found.wrong;
    }
    auto parsed = token_table::parse(found.text);
    if (auto* wrong = std::get_if<std::string>(&parsed)) {
        return "tokens file " + path_ + ": " + *wrong;
    }
    tokens_ = std::move(std::get<token_table>(parsed));
    return std::nullopt;
}

} // namespace control
