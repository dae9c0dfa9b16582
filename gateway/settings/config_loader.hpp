#pragma once

// Makes a config from a document, with one function per section. config_load.cpp and
// config_load_brokers.cpp share this class.
//
// Lifetime:   one loader per file. run() is called once.

#include "gateway/settings/config.hpp"
#include "gateway/settings/yaml_document.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class loader {
public:
    explicit loader(const std::string& file) : document_{file}
    {
        config_.file = file;
        config_.directory = std::filesystem::path{file}.parent_path().string();
    }
    config_result run(std::string_view text);

private:
    void listeners(section& root);
    void listener(section at);
    void websocket_only(section& at, const listener_config& l);
    void origins(section& at, std::vector<std::string>& out);
    void forward_headers(section& at, std::vector<std::string>& out);
    void proxy_protocol(section& at, listener_config& out);
    void socket_file(section& at, listener_config& out);
    void paths(section& at, std::string_view key, std::vector<std::string>& out);
    void sockjs(section& at, listener_config& out);
    void trusted_proxies(section& at, std::vector<net::address_range>& out);
    void listener_tls(section at, listener_config& out);
    void broker_tls(section at, color_config& out);
    void certificates(section& at, std::vector<tls::certificate_files>& out);
    void client_certificates(section& at, tls::server_settings& out);
    void certificate(section& at, tls::certificate_files& out);
    void tls_protocol(section& at, tls::protocol_settings& out);
    void admin(section at);
    void admin_binds(section& at);
    void brokers(section at);
    void color(section at, broker::color c);
    void endpoints(section& at, broker::color c);
    void
    endpoint(const YAML::Node& item, const std::string& path, std::vector<endpoint_config>& known);
    void health(section at, color_config& of);
    void health_request(section& at, health_config& out);
    void dialect(section& at, broker::dialect& out);
    void identity(section at, color_config& of);
    void origin(section& at, std::string& out);
    void switching(section at);
    void dedup(section& at, dedup_config& out);
    void store(section at);
    void limits(section at);
    void drain(section at);
    void rest(section& root);
    // A file that must be readable; its path is relative to the configuration's.
    void file(section& at, std::string_view key, std::string& out);
    std::string resolve(const std::string& path) const
    {
        return (std::filesystem::path{config_.directory} / path).string();
    }

    document document_;
    config config_;
};

} // namespace gateway
