#include "gateway/settings/yaml_document.hpp"

#include "gateway/settings/value_text.hpp"

#include <algorithm>
#include <sstream>

namespace gateway {

std::string shown(std::string_view text)
{
    constexpr std::size_t longest = 60;
    std::string out = "'";
    for (const char c : text.substr(0, longest)) {
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
    return out + (text.size() > longest ? "...'" : "'");
}

void document::error(const YAML::Mark& at, std::string path, std::string sentence)
{
    if (errors_.size() == config_errors_max) {
        return;
    }
    config_error e{file_, at.line + 1, at.column + 1, std::move(path), std::move(sentence)};
    // The node of an alias is visited once per use.
    if (std::find(errors_.begin(), errors_.end(), e) == errors_.end()) {
        errors_.push_back(std::move(e));
    }
}

std::optional<YAML::Node> document::parse(std::string_view text)
{
    if (text.size() > config_bytes_max) {
        error(YAML::Mark::null_mark(), {}, "is larger than 1 MiB");
        return {};
    }
    if (text.find('\0') != std::string_view::npos) {
        error(YAML::Mark::null_mark(), {}, "holds a NUL byte");
        return {};
    }
    std::vector<YAML::Node> documents;
    try {
        documents = YAML::LoadAll(std::string{text});
    } catch (const YAML::Exception& e) {
        error(e.mark, {}, "is no YAML: " + e.msg);
        return {};
    }
    if (documents.size() > 1) {
        error(documents[1].Mark(), {}, "holds more than one document");
        return {};
    }
    const auto root = documents.empty() ? YAML::Node{} : documents[0];
    if (!root.IsMap() && !root.IsNull()) {
        error(root.Mark(), {}, "must be a map of keys");
        return {};
    }
    return inspect(root, {}, 0) ? std::optional{root} : std::nullopt;
}

bool document::inspect(const YAML::Node& node, const std::string& path, int depth)
{
    if (++nodes_ > config_nodes_max) {
        error(node.Mark(), {}, "holds more than 10000 values with aliases expanded");
        return false;
    }
    if (depth > config_depth_max) {
        error(node.Mark(), path.substr(0, 100), "is nested too deeply");
        return false;
    }
    if (node.IsMap()) {
        return inspect_map(node, path, depth);
    }
    if (node.IsSequence()) {
        std::size_t i = 0;
        for (const auto& item : node) {
            if (!inspect(item, path + '[' + std::to_string(i++) + ']', depth + 1)) {
                return false;
            }
        }
    }
    return true;
}

bool document::inspect_map(const YAML::Node& node, const std::string& path, int depth)
{
    std::vector<std::string> seen;
    for (const auto& pair : node) {
        if (!pair.first.IsScalar()) {
            error(pair.first.Mark(), path, "a key must be a word");
            return false;
        }
        const auto& key = pair.first.Scalar();
        const auto key_path = path.empty() ? key : path + '.' + key;
        if (key == "<<") {
            error(pair.first.Mark(), key_path, "merge keys are not allowed: write the keys out");
        } else if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
            error(pair.first.Mark(), key_path, "is there twice");
        }
        seen.push_back(key);
        if (!inspect(pair.second, key_path, depth + 1)) {
            return false;
        }
    }
    return true;
}

section::section(document& d, const YAML::Node& node, std::string path, const YAML::Mark& at)
    : document_{d}, path_{std::move(path)}, at_{at}
{
    if (!node.IsDefined() || node.IsNull()) {
        return;
    }
    if (!node.IsMap()) {
        document_.error(node.Mark(), path_, "must be a map of keys");
        return;
    }
    for (const auto& pair : node) {
        if (look(pair.first.Scalar()) == nullptr) {
            entries_.push_back({pair.first.Scalar(), pair.second, pair.first.Mark()});
        }
    }
}

const section::entry* section::look(std::string_view key) const
{
    const auto found = std::find_if(
        entries_.begin(), entries_.end(), [&](const entry& e) { return e.key == key; });
    return found == entries_.end() ? nullptr : &*found;
}

YAML::Node section::find(std::string_view key)
{
    known_.push_back(key);
    const auto* e = look(key);
    return e != nullptr ? e->value : YAML::Node{YAML::NodeType::Undefined};
}

bool section::has(std::string_view key)
{
    known_.push_back(key);
    return look(key) != nullptr;
}

section section::child(std::string_view key)
{
    return {document_, find(key), path_of(key), mark_of(key)};
}

std::vector<YAML::Node> section::items(std::string_view key)
{
    const auto node = find(key);
    if (!node.IsDefined() || node.IsNull()) {
        return {};
    }
    if (!node.IsSequence()) {
        error(key, "must be a list");
        return {};
    }
    return {node.begin(), node.end()};
}

std::optional<std::string> section::scalar(std::string_view key)
{
    const auto node = find(key);
    if (!node.IsDefined()) {
        return {};
    }
    if (!node.IsScalar()) {
        error(key, node.IsNull() ? "needs a value" : "must be one value");
        return {};
    }
    return node.Scalar();
}

void section::take(std::string_view key, bool& out)
{
    take_word<bool>(key, out, {{"true", true}, {"false", false}});
}

void section::take(std::string_view key, std::string& out)
{
    if (const auto text = scalar(key)) {
        if (text->empty() || has_control(*text)) {
            bad_value(key, *text, "text of one line without control characters");
        } else {
            out = *text;
        }
    }
}

void section::take(std::string_view key, std::vector<std::string>& out)
{
    if (!has(key)) {
        return;
    }
    std::vector<std::string> values;
    for (const auto& item : items(key)) {
        if (!item.IsScalar() || item.Scalar().empty() || has_control(item.Scalar())) {
            document_.error(item.Mark(), path_of(key), "must be a list of texts of one line");
            return;
        }
        values.push_back(item.Scalar());
    }
    out = std::move(values);
}

void section::take_fields(
    std::string_view key, std::vector<std::pair<std::string, std::string>>& out)
{
    const auto node = find(key);
    if (!node.IsDefined() || node.IsNull()) {
        return;
    }
    if (!node.IsMap()) {
        error(key, "must be a map of names and texts");
        return;
    }
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& field : node) {
        const auto name = field.first.Scalar();
        if (!field.second.IsScalar() || has_control(field.second.Scalar())) {
            document_.error(
                field.second.Mark(), path_of(key) + '.' + name, "must be a text of one line");
            return;
        }
        fields.emplace_back(name, field.second.Scalar());
    }
    out = std::move(fields);
}

void section::take(std::string_view key, milliseconds& out, milliseconds least, milliseconds most)
{
    take_as(
        key, out,
        [&](std::string_view text) {
            const auto value = parse_duration(text);
            return value && *value >= least && *value <= most ? value : std::nullopt;
        },
        "a duration from " + text_of(least) + " to " + text_of(most) + ", like 500ms, 30s, 5m");
}

void section::take_size(std::string_view key, std::size_t& out, std::size_t least, std::size_t most)
{
    take_as(
        key, out,
        [&](std::string_view text) {
            const auto value = parse_size(text);
            return value && *value >= least && *value <= most ? value : std::nullopt;
        },
        "a size from " + text_of_size(least) + " to " + text_of_size(most) +
            ", like 512B, 64KiB, 4MiB");
}

void section::take_count(
    std::string_view key, std::size_t& out, std::size_t least, std::size_t most)
{
    take_as(
        key, out,
        [&](std::string_view text) {
            const auto value = parse_count(text);
            return value && *value >= least && *value <= most ? value : std::nullopt;
        },
        "a number from " + std::to_string(least) + " to " + std::to_string(most));
}

void section::take_count(std::string_view key, unsigned& out, unsigned least, unsigned most)
{
    std::size_t value = out;
    take_count(key, value, std::size_t{least}, std::size_t{most});
    out = static_cast<unsigned>(value);
}

void section::refuse(std::string_view key)
{
    if (has(key)) {
        not_built(key, std::string{key});
    }
}

void section::not_built(std::string_view key, const std::string& what)
{
    error(key, "not built yet: " + what);
}

void section::error(std::string_view key, std::string sentence)
{
    document_.error(mark_of(key), path_of(key), std::move(sentence));
}

void section::bad_value(std::string_view key, std::string_view text, std::string_view allowed)
{
    error(key, shown(text) + " is not allowed: must be " + std::string{allowed});
}

std::string section::path_of(std::string_view key) const
{
    return path_.empty() ? std::string{key} : path_ + '.' + std::string{key};
}

YAML::Mark section::mark_of(std::string_view key) const
{
    const auto* e = look(key);
    if (e == nullptr) {
        return at_;
    }
    // A block of its own begins at its first key, which is no place to say something about the
    // whole.
    return e->value.IsScalar() ? e->value.Mark() : e->at;
}

void section::finish()
{
    for (const auto& e : entries_) {
        if (e.key == "<<" || std::find(known_.begin(), known_.end(), e.key) != known_.end()) {
            continue; // "<<" was reported with the structure
        }
        const auto meant = nearest(e.key, known_);
        document_.error(
            e.at, path_of(e.key),
            "unknown key" +
                (meant.empty() ? std::string{} : "; did you mean " + std::string{meant} + "?"));
    }
}

} // namespace gateway
