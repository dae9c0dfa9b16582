// The keys of `tls`, of a listener and of a color. Files are only looked at here: what is in them is
// read when the gateway starts, and again by SIGHUP.

#include "gateway/settings/config_loader.hpp"
#include "gateway/settings/value_text.hpp"

#include <algorithm>

namespace gateway {
namespace {

constexpr std::size_t certificates_max = 64; // a listener

} // namespace

void loader::certificate(section& at, tls::certificate_files& out)
{
    file(at, "certificate", out.certificate);
    file(at, "key", out.key);
    if (at.has("key") && !at.has("certificate")) {
        at.error("key", "certificate is needed as well");
    }
}

// `certificate` and `key`, then those of the list `certificates`.
void loader::certificates(section& at, std::vector<tls::certificate_files>& out)
{
    if (at.has("certificate") || at.has("key")) {
        certificate(at, out.emplace_back());
    }
    const auto items = at.items("certificates");
    if (items.size() > certificates_max) {
        at.error("certificates", "more than " + std::to_string(certificates_max) + " certificates");
        return;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        section one{
            document_, items[i], at.path_of("certificates") + '[' + std::to_string(i) + ']',
            items[i].Mark()};
        if (!one.has("certificate")) {
            one.error("certificate", "is needed");
        }
        certificate(one, out.emplace_back());
        one.finish();
    }
    if (out.empty()) {
        at.error("certificate", "is needed: a file with the certificate and those above it");
    }
}

void loader::client_certificates(section& at, tls::server_settings& out)
{
    file(at, "client_ca", out.client_ca);
    file(at, "client_crl", out.client_crl);
    out.clients =
        at.has("client_ca") ? tls::client_certificate::require : tls::client_certificate::none;
    for (const auto* key : {"client_crl", "client_certificate"}) {
        if (at.has(key) && !at.has("client_ca")) {
            at.error(key, "needs client_ca, which says whose certificates are good");
        }
    }
    at.take_word(
        "client_certificate", out.clients,
        {{"require", tls::client_certificate::require},
         {"optional", tls::client_certificate::optional}});
}

void loader::tls_protocol(section& at, tls::protocol_settings& out)
{
    at.take_word(
        "min_version", out.min_version, {{"1.2", tls::version::v12}, {"1.3", tls::version::v13}});
    at.take("ciphers", out.ciphers);
    at.take("ciphersuites", out.ciphersuites);
    if (at.has("ciphers") && out.min_version == tls::version::v13) {
        at.error(
            "ciphers", "says nothing with min_version: 1.3; ciphersuites are those of TLS 1.3");
    }
}

void loader::listener_tls(section at, listener_config& out)
{
    auto& tls = out.tls.emplace();
    certificates(at, tls.certificates);
    client_certificates(at, tls);
    tls_protocol(at, tls.protocol);
    at.finish();
}

void loader::broker_tls(section at, color_config& out)
{
    auto& tls = out.tls;
    file(at, "ca", tls.ca);
    certificate(at, tls.own);
    at.take("server_name", tls.server_name);
    bool unchecked = false;
    at.take("insecure_skip_verify", unchecked);
    tls.verify = !unchecked;
    tls_protocol(at, tls.protocol);
    at.finish();
    if (at.has("server_name") && !parse_endpoint_url("stomp://" + tls.server_name + ":1")) {
        at.error("server_name", shown(tls.server_name) + " is no name of a host and no address");
    }
    if (unchecked && at.has("ca")) {
        at.error(
            "insecure_skip_verify", "is against ca: a certificate that nobody checks needs none");
    }
}

} // namespace gateway
