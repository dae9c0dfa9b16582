// Proves that the keys of `tls` are read as the contract says, and that what does not fit together is
// named. What is in the files is not this room's: unit_tls and e2e/tls.test have it.

#include "gateway/settings/config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gateway {
namespace {

// A file that every system has stands for all.
constexpr const char* any_file = "/etc/passwd";

std::string with(const std::string& listener, const std::string& blue, const std::string& url)
{
    return "listeners:\n  - { bind: \"127.0.0.1:8443\", " + listener +
           " }\nbrokers:\n  blue:\n    endpoints: [\"" + url + "\"]\n" +
           (blue.empty() ? "" : "    tls: { " + blue + " }\n") +
           "  green:\n    endpoints: [\"stomp://h:2\"]\n";
}

std::string errors_of(const std::string& text)
{
    std::string all;
    const auto result = parse_config(text, "teal.yaml");
    if (!result) {
        for (const auto& one : result.error()) {
            all += one.path + ": " + one.sentence + "\n";
        }
    }
    return all;
}

std::string listener_error(const std::string& keys)
{
    return errors_of(with("tls: { " + keys + " }", "", "stomp://h:1"));
}

std::string broker_error(const std::string& keys, const std::string& url = "stomps://h:1")
{
    return errors_of(with("path: /ws", keys, url));
}

TEST(ConfigTls, AListenerHasItsCertificatesAndWhatItAsksOfClients)
{
    const auto file = std::string{any_file};
    const auto read = parse_config(
        with(
            "tls: { certificate: " + file + ", key: " + file + ", certificates: [{ certificate: " +
                file + " }], client_ca: " + file + ", client_crl: " + file +
                ", client_certificate: optional, min_version: 1.2, ciphers: ECDHE+AESGCM, "
                "ciphersuites: TLS_AES_256_GCM_SHA384 }",
            "", "stomp://h:1"),
        "teal.yaml");
    ASSERT_TRUE(read);
    const auto& tls = *read->listeners[0].tls;
    EXPECT_EQ(
        tls.certificates,
        (std::vector<tls::certificate_files>{
            {.certificate = file, .key = file}, {.certificate = file, .key = ""}}));
    EXPECT_EQ(tls.certificates[1].key_file(), file);
    EXPECT_EQ(tls.clients, tls::client_certificate::optional);
    EXPECT_EQ(tls.client_ca, file);
    EXPECT_EQ(tls.client_crl, file);
    EXPECT_EQ(tls.protocol.ciphers, "ECDHE+AESGCM");
    EXPECT_EQ(tls.protocol.ciphersuites, "TLS_AES_256_GCM_SHA384");
}

TEST(ConfigTls, N26_WhoNamesAnAuthorityDemandsCertificates)
{
    const auto file = std::string{any_file};
    const auto read = parse_config(
        with("tls: { certificate: " + file + ", client_ca: " + file + " }", "", "stomp://h:1"),
        "f");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->listeners[0].tls->clients, tls::client_certificate::require);
    EXPECT_EQ(read->listeners[0].tls->protocol.min_version, tls::version::v12);
}

TEST(ConfigTls, WhatAListenerLacksIsNamed)
{
    const auto file = std::string{any_file};
    EXPECT_EQ(
        listener_error("min_version: 1.3"), "listeners[0].tls.certificate: is needed: a file with "
                                            "the certificate and those above it\n");
    EXPECT_EQ(
        listener_error("key: " + file), "listeners[0].tls.key: certificate is needed as well\n");
    EXPECT_EQ(
        listener_error("certificates: [{ key: " + file + " }]"),
        "listeners[0].tls.certificates[0].certificate: is needed\n"
        "listeners[0].tls.certificates[0].key: certificate is needed as well\n");
    EXPECT_EQ(
        listener_error("certificate: " + file + ", client_certificate: require"),
        "listeners[0].tls.client_certificate: needs client_ca, which says whose certificates are "
        "good\n");
    EXPECT_EQ(
        listener_error("certificate: " + file + ", client_crl: " + file),
        "listeners[0].tls.client_crl: needs client_ca, which says whose certificates are good\n");
    EXPECT_EQ(
        listener_error("certificate: " + file + ", min_version: 1.1"),
        "listeners[0].tls.min_version: '1.1' is not allowed: must be 1.2 or 1.3\n");
    EXPECT_EQ(
        listener_error("certificate: " + file + ", min_version: 1.3, ciphers: x"),
        "listeners[0].tls.ciphers: says nothing with min_version: 1.3; ciphersuites are those of "
        "TLS "
        "1.3\n");
    EXPECT_EQ(
        listener_error("certificate: /nowhere.pem"),
        "listeners[0].tls.certificate: '/nowhere.pem' cannot be read\n");
}

TEST(ConfigTls, N22_BrokersAreVerifiedUnlessAKeySaysOtherwise)
{
    const auto plain = parse_config(with("path: /ws", "", "wss://h:1/ws"), "f");
    ASSERT_TRUE(plain);
    EXPECT_TRUE(plain->brokers.colors.blue.tls.verify);
    const auto file = std::string{any_file};
    const auto read = parse_config(
        with(
            "path: /ws",
            "insecure_skip_verify: true, certificate: " + file + ", server_name: b.example",
            "stomps://h:1"),
        "f");
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->brokers.colors.blue.tls.verify);
    EXPECT_EQ(read->brokers.colors.blue.tls.own.certificate, file);
    EXPECT_EQ(read->brokers.colors.blue.tls.server_name, "b.example");
}

TEST(ConfigTls, WhatDoesNotFitABrokerIsNamed)
{
    EXPECT_EQ(
        broker_error("server_name: b", "stomp://h:1"),
        "brokers.blue.tls: says nothing without a stomps:// or wss:// endpoint in this color\n");
    EXPECT_EQ(
        broker_error("server_name: \"a b\""),
        "brokers.blue.tls.server_name: 'a b' is no name of a host and no address\n");
    EXPECT_EQ(
        broker_error("insecure_skip_verify: true, ca: " + std::string{any_file}),
        "brokers.blue.tls.insecure_skip_verify: is against ca: a certificate that nobody checks "
        "needs "
        "none\n");
}

TEST(ConfigTls, N27_TheShareOfHandshakesIsAPercentage)
{
    const auto error = [](const std::string& limits) {
        return errors_of(with("path: /ws", "", "stomp://h:1") + "limits: { " + limits + " }\n");
    };
    EXPECT_EQ(error("tls_handshake_share: 25%, tls_handshakes_per_address: 4"), "");
    EXPECT_EQ(
        error("tls_handshake_share: 0%"), "limits.tls_handshake_share: '0%' is not allowed: must "
                                          "be a percentage of a thread's time "
                                          "from 1% to 100%\n");
}

} // namespace
} // namespace gateway
