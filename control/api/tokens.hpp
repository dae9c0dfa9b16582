#pragma once

// Who may do what: the tokens file. Its lines are `role token`. A line that begins with `#` is a
// comment.
//
// Threading:  control thread.
// Invariants:
// (1) The time of a token's comparison depends only on what the caller sent.
// (2) When the file becomes unreadable or wrong, the tokens stay as they were. The log says so once
//     per change.
// (3) A file that others can read or change (by its mode, its owner or its folder) is not read,
//     because its tokens are no secret any more.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace control {

enum class role : std::uint8_t { // each may do what those before it may
    none,                        // anyone: /livez, /readyz
    viewer,                      // what changes nothing
    operator_,                   // switches, aborts, disconnects
    admin,                       // all
};
std::string_view to_string(role who) noexcept;

struct grant {
    role as = role::none;
    std::size_t line = 0; // names the token in the audit log without telling it
};

class token_table {
public:
    // The string is the error, "line N: ...".
    static std::variant<token_table, std::string> parse(std::string_view text);
    std::optional<grant> find(std::string_view token) const noexcept;

private:
    struct entry {
        grant what;
        std::string token;
    };
    std::vector<entry> entries_;
};

class token_file {
public:
    // The string is the start-up error and names the file.
    static std::variant<token_file, std::string> open(const std::string& path);
    // For `--check`, which root may ask on behalf of the user that owns the file.
    static std::optional<std::string> check(const std::string& path);
    // Reads the file again when it changed; the answer is a sentence for the log where that failed.
    std::optional<std::string> refresh();
    const token_table& tokens() const noexcept { return tokens_; }

private:
    struct version {
        std::int64_t seconds = 0, nanoseconds = 0;
        std::int64_t changed_seconds = 0, changed_nanoseconds = 0; // its mode or owner
        std::uint64_t inode = 0, bytes = 0;
        bool operator==(const version&) const = default;
    };
    static std::optional<version> version_of(const std::string& path);

    std::string path_;
    token_table tokens_;
    std::optional<version> read_; // of the last look; nullopt: the file was gone
    bool looked_ = false;
};

} // namespace control
