// TLS files: read at the start, by SIGHUP, and when they have changed. Connections that are open keep what
// they have.

#include "gateway/process/running_process.hpp"
#include "gateway/telemetry/log.hpp"

#include <ctime>

namespace gateway {

namespace {

constexpr auto look_every = std::chrono::seconds{10};

} // namespace

void process::warn_of_tls() const
{
    for (const auto color : broker::colors) {
        if (!settings_.brokers.colors[color].tls.verify) {
            log::line(
                log_level::warning, "brokers." + std::string{to_string(color)} +
                                        ".tls.insecure_skip_verify: nobody checks who the brokers "
                                        "of this color are");
        }
    }
    const auto now = static_cast<double>(std::time(nullptr));
    for (const auto& one : counters_.certificates) {
        if (one.expires < now) {
            log::line(
                log_level::warning, "a certificate in " + one.file + " has expired",
                {{"used_by", one.used_by}});
        }
    }
}

void process::take_tls(std::shared_ptr<const tls_contexts> contexts)
{
    secure_ = std::move(contexts);
    counters_.certificates = secure_->certificates(settings_);
}

void process::reload_tls()
{
    read_tls_again();
    for (auto& s : shards_) {
        s->post([one = s.get(), made = secure_] { one->set_tls(made); });
    }
}

void process::read_tls_again()
{
    tls_seen_ = tls_files_seen(settings_);
    auto opened = open_tls(settings_, *secure_);
    for (const auto& why : opened.failures) {
        log::line(log_level::error, "TLS files not taken, the old ones stay: " + why);
    }
    counters_.reload_ok = opened.failures.empty();
    if (counters_.reload_ok) {
        counters_.last_reload = static_cast<double>(std::time(nullptr));
        log::line(log_level::info, "TLS files read again");
    }
    take_tls(std::move(opened.contexts));
    warn_of_tls();
}

// A certificate is often replaced by a program that knows no process to signal.
void process::watch_tls()
{
    tls_timer_.expires_after(look_every);
    tls_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (tls_files_seen(settings_) != tls_seen_) {
            reload_tls();
        }
        watch_tls();
    });
}

} // namespace gateway
