#pragma once

// Reads a YAML document key by key, and collects everything that is wrong with it.
//
// Lifetime:   a document outlives its sections; both live only while a configuration is loaded.
// Invariants:
// (1) Every key of a map was either asked for by a reader, or is reported as unknown by finish().
// (2) A value that is wrong leaves what it should have set unchanged, and reports one error.

#include "gateway/settings/config.hpp"

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

inline constexpr std::size_t config_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t config_nodes_max = 10'000; // with aliases expanded
inline constexpr int config_depth_max = 16;             // the deepest key of the contract is at 6
inline constexpr std::size_t config_errors_max = 100;

class document {
public:
    explicit document(std::string file) : file_{std::move(file)} {}
    // The one document of that text; nullopt when its structure is wrong (syntax, size, depth),
    // with the error.
    std::optional<YAML::Node> parse(std::string_view text);
    void error(const YAML::Mark& at, std::string path, std::string sentence);
    std::vector<config_error>& errors() noexcept { return errors_; }
    const std::string& file() const noexcept { return file_; }

private:
    bool inspect(const YAML::Node& node, const std::string& path, int depth);
    bool inspect_map(const YAML::Node& node, const std::string& path, int depth);

    std::string file_;
    std::vector<config_error> errors_;
    std::size_t nodes_ = 0;
};

// One map of the document.
class section {
public:
    // A node that is null or absent is an empty map: "everything as by default".
    section(document& d, const YAML::Node& node, std::string path, const YAML::Mark& at);

    bool has(std::string_view key);
    YAML::Node find(std::string_view key); // undefined when absent; the key is known from now on
    section child(std::string_view key);
    // The items of a list; none when absent.
    std::vector<YAML::Node> items(std::string_view key);

    void take(std::string_view key, bool& out);
    void take(std::string_view key, std::string& out); // one line of text
    void take(std::string_view key, std::vector<std::string>& out);
    // A map of texts, in its order. Errors never show a value: it may be a secret.
    void take_fields(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);
    // Values in [least, most]; the type says the unit.
    void take(std::string_view key, milliseconds& out, milliseconds least, milliseconds most);
    void take_size(std::string_view key, std::size_t& out, std::size_t least, std::size_t most);
    void take_count(std::string_view key, std::size_t& out, std::size_t least, std::size_t most);
    void take_count(std::string_view key, unsigned& out, unsigned least, unsigned most);
    // Whatever `parse` makes of the text; `allowed` completes "must be ...".
    template <class T, class Parse>
    void take_as(std::string_view key, T& out, Parse parse, std::string_view allowed)
    {
        if (const auto text = scalar(key)) {
            if (const auto value = parse(*text)) {
                out = *value;
            } else {
                bad_value(key, *text, allowed);
            }
        }
    }
    template <class E>
    struct word {
        std::string_view text;
        E value;
        bool built = true;
    };
    template <class E>
    void take_word(std::string_view key, E& out, std::initializer_list<word<E>> words)
    {
        const auto text = scalar(key);
        if (!text) {
            return;
        }
        std::string allowed;
        for (const auto& w : words) {
            if (w.text == *text) {
                w.built ? void(out = w.value) : not_built(key, std::string{key} + ": " + *text);
                return;
            }
            allowed += (allowed.empty()                     ? ""
                        : w.text == (words.end() - 1)->text ? " or "
                                                            : ", ") +
                       std::string{w.text};
        }
        bad_value(key, *text, allowed);
    }

    // A key of the contract whose part does not exist yet: an error when it is there.
    void refuse(std::string_view key);
    void not_built(std::string_view key, const std::string& what);
    void error(
        std::string_view key,
        std::string sentence); // at the key's value, or at the map where it is absent
    std::string path_of(std::string_view key) const;
    YAML::Mark mark_of(std::string_view key) const;
    // Reports the keys that nobody asked for. REQUIRES: all readers ran.
    void finish();

private:
    struct entry {
        std::string key;
        YAML::Node value;
        YAML::Mark at;
    };
    const entry* look(std::string_view key) const;
    std::optional<std::string> scalar(std::string_view key);
    void bad_value(std::string_view key, std::string_view text, std::string_view allowed);

    document& document_;
    std::string path_;
    YAML::Mark at_;
    std::vector<entry> entries_;
    std::vector<std::string_view> known_; // literals of the readers
};

// Printable and short, for messages.
std::string shown(std::string_view text);

} // namespace gateway
