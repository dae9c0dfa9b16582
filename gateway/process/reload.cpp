// The configuration is loaded again, by SIGHUP, `tealctl reload` and POST /v1/reload alike: refused as a
// whole, or taken as far as a running process can. docs/outside.md A13, docs/switch.md S16.

#include "gateway/process/running_process.hpp"
#include "gateway/settings/config_values.hpp"
#include "gateway/telemetry/log.hpp"

#include <algorithm>
#include <ctime>

namespace gateway {

using control::reload_result;

namespace {

std::vector<control::config_change> changes_of(const std::vector<config_difference>& all)
{
    std::vector<control::config_change> changes;
    for (const auto& one : all) {
        changes.push_back(
            {one.key, one.from, one.to, std::string{to_string(one.when)},
             one.when == applies::restart});
    }
    return changes;
}

// What is wrong with a file that is good YAML: the files that it names.
std::vector<std::string> wrong_files(const config& loaded, const opened_tls& secure)
{
    auto errors = secure.failures;
    if (!loaded.admin.tokens_file.empty()) {
        const auto tokens = control::token_file::open(loaded.admin.tokens_file);
        if (const auto* sentence = std::get_if<std::string>(&tokens)) {
            errors.push_back(*sentence);
        }
    }
    return errors;
}

void log_changes(const std::vector<control::config_change>& changes)
{
    for (const auto& one : changes) {
        log::line(
            one.needs_restart ? log_level::warning : log_level::info,
            one.needs_restart ? "reload: this needs a restart" : "reload",
            {{"key", one.key}, {"from", one.from}, {"to", one.to}, {"applies", one.applies}});
    }
}

} // namespace

void process::reload(bool only_tell, control::configuration_hooks::answered done)
{
    control::reload_answer answer;
    auto loaded = load_config(settings_.file);
    config next;
    if (!loaded) {
        for (const auto& error : loaded.error()) {
            answer.errors.push_back(to_string(error));
        }
    } else {
        next = merged(settings_, *loaded);
        answer.changes = changes_of(differences(settings_, *loaded));
        answer.warnings = warnings_of(*loaded);
        if (!answer.changes.empty()) { // else N20: what can be taken of the files is taken
            answer.errors = wrong_files(*loaded, open_tls(next, *secure_));
        }
    }
    if (!answer.errors.empty()) {
        answer.result = reload_result::refused;
        if (!only_tell) {
            counters_.reload_ok = false;
            for (const auto& one : answer.errors) {
                log::line(
                    log_level::error, "configuration not taken, the running one stays: " + one);
            }
        }
        done(std::move(answer));
        return;
    }
    if (only_tell) {
        answer.result =
            answer.changes.empty() ? reload_result::unchanged : reload_result::would_apply;
        done(std::move(answer));
        return;
    }
    const auto wanted = ++reload_wanted_;
    if (answer.changes.empty()) {
        log::line(log_level::info, "configuration loaded again: no key has changed");
        reload_tls();
        answer.result = reload_result::unchanged;
        done(std::move(answer));
        return;
    }
    log_changes(answer.changes);
    std::function<void()> told = [answer, done] { done(answer); };
    if (const auto id = service_->switch_under_way(); id != 0) {
        answer.result = reload_result::waits;
        answer.waits_for = id;
        log::line(log_level::info, "reload: waits for the end of a switch", {{"switch", id}});
        done(std::move(answer));
        told = [] {};
    }
    resolve(next, [this, wanted, next, told](auto found) {
        take_reload_when_steady(wanted, next, std::move(found), told);
    });
}

// S16. Names of endpoints took a while to look up, so a switch may have begun, or another reload.
void process::take_reload_when_steady(
    std::uint64_t wanted, config next, std::shared_ptr<const endpoint_addresses> where,
    std::function<void()> done)
{
    service_->when_steady(
        [this, wanted, next = std::move(next), where = std::move(where), done = std::move(done)] {
            if (wanted == reload_wanted_) {
                take_reload(next, where);
            }
            done();
        });
}

void process::take_reload(config next, std::shared_ptr<const endpoint_addresses> where)
{
    const std::string tokens_before = settings_.admin.tokens_file;
    settings_ = std::move(next);
    where_ = std::move(where);
    log::set_up(settings_.log);
    set_limits();
    read_tls_again();
    for (unsigned i = 0; i < shards_.size(); ++i) {
        reload_shard(i);
    }
    service_->reload(control_settings_of(settings_));
    take_tokens(tokens_before);
    if (way_out_.stage == control::way_out_stage::serving) {
        pace_ = departure_pace{settings_.drain.pace};
    }
    log::line(log_level::info, "configuration taken");
}

void process::reload_shard(unsigned shard)
{
    shards_[shard]->post([one = shards_[shard].get(),
                          loaded = reloaded{
                              settings_, core_settings(settings_, shard), shared_.buffered_max,
                              where_, secure_}]() mutable { one->reload(std::move(loaded)); });
}

void process::take_tokens(const std::string& file_before)
{
    if (settings_.admin.tokens_file == file_before) {
        return; // it is looked at by itself
    }
    if (settings_.admin.tokens_file.empty()) {
        api_->set_tokens(std::nullopt);
        return;
    }
    auto tokens = control::token_file::open(settings_.admin.tokens_file);
    if (auto* sentence = std::get_if<std::string>(&tokens)) {
        log::line(log_level::error, *sentence + "; the tokens read before stay");
    } else {
        api_->set_tokens(std::move(std::get<control::token_file>(tokens)));
    }
}

} // namespace gateway
