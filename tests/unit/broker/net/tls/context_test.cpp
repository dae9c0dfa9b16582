// Proves that a context is opened only of files that fit together and are kept secret, with a sentence
// that names the file otherwise.

#include "broker/net/tls/context.hpp"
#include "tests/support/certificates.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace {

using namespace tls_test;

class TlsContext : public testing::Test {
public:
    std::string error_of(tls::server_settings s)
    {
        const auto opened = tls::server_context::open(s, tls::inside::stomp);
        return opened ? "" : opened.error();
    }
    tls::server_settings with(const std::string& certificate, const std::string& key)
    {
        tls::server_settings s;
        s.certificates.push_back({.certificate = certificate, .key = key});
        return s;
    }
    static void expect_has(const std::string& text, const std::string& part)
    {
        EXPECT_NE(text.find(part), std::string::npos) << text << "\nhas no: " << part;
    }

    certificates files;
    identity one = files.make("one", {.names = "DNS:one.example", .ends = 5000});
    identity two = files.make("two", {.names = "DNS:two.example"});
};

TEST_F(TlsContext, N20_OpensAPairAndSaysWhenItExpires)
{
    const auto opened =
        tls::server_context::open(with(one.certificate_file, one.key_file), tls::inside::stomp);
    ASSERT_TRUE(opened) << opened.error();
    ASSERT_EQ((*opened)->expiries().size(), 1U);
    EXPECT_EQ((*opened)->expiries()[0].file, one.certificate_file);
    EXPECT_NEAR(
        static_cast<double>((*opened)->expiries()[0].at),
        static_cast<double>(std::time(nullptr) + 5000), 60);
}

TEST_F(TlsContext, N20_AKeyOfAnotherCertificateIsRefused)
{
    const auto why = error_of(with(one.certificate_file, two.key_file));
    EXPECT_EQ(why, two.key_file + " is not the key of the certificate in " + one.certificate_file);
}

TEST_F(TlsContext, N21_AKeyThatOthersCanReadOrChangeIsRefused)
{
    for (const mode_t mode : {mode_t{0604}, mode_t{0602}}) {
        ASSERT_EQ(::chmod(one.key_file.c_str(), mode), 0);
        const auto why = error_of(with(one.certificate_file, one.key_file));
        expect_has(why, one.key_file + " holds a private key, and others can read or change it");
    }
    ASSERT_EQ(::chmod(one.key_file.c_str(), 0640), 0); // its group: how most systems share one
    EXPECT_EQ(error_of(with(one.certificate_file, one.key_file)), "");
}

TEST_F(TlsContext, BothInOneFileWillDo)
{
    std::ofstream{one.certificate_file, std::ios::app} << std::ifstream{one.key_file}.rdbuf();
    EXPECT_EQ(error_of(with(one.certificate_file, "")), "");
    ASSERT_EQ(::chmod(one.certificate_file.c_str(), 0644), 0);
    expect_has(error_of(with(one.certificate_file, "")), "others can read");
}

TEST_F(TlsContext, FilesOfOtherKindsAreNamed)
{
    expect_has(error_of(with(one.key_file, one.key_file)), one.key_file + " holds no certificate");
    expect_has(error_of(with(one.certificate_file, one.certificate_file)), "holds no private key");
    expect_has(error_of(with(one.certificate_file, "/nowhere.key")), "/nowhere.key cannot be read");
    auto s = with(one.certificate_file, one.key_file);
    s.clients = tls::client_certificate::require;
    s.client_ca = one.key_file;
    expect_has(error_of(s), one.key_file + " holds no authority's certificate");
    s.client_ca = one.certificate_file;
    s.client_crl = one.certificate_file;
    expect_has(error_of(s), one.certificate_file + " holds no list of revoked certificates");
}

TEST_F(TlsContext, AnEncryptedKeyIsNamedAndNobodyIsAsked)
{
    FILE* const to = std::fopen(one.key_file.c_str(), "w");
    const unsigned char word[] = "secret";
    PEM_write_PKCS8PrivateKey(
        to, one.key.get(), EVP_aes_128_cbc(), reinterpret_cast<const char*>(word), 6, nullptr,
        nullptr);
    std::fclose(to);
    expect_has(error_of(with(one.certificate_file, one.key_file)), "a key that is encrypted");
}

TEST_F(TlsContext, CiphersThatDoNotExistAreNamed)
{
    auto s = with(one.certificate_file, one.key_file);
    s.protocol.ciphers = "NO-SUCH";
    expect_has(error_of(s), "ciphers: no cipher match");
    s.protocol.ciphers.clear();
    s.protocol.ciphersuites = "TLS_NO_SUCH";
    expect_has(error_of(s), "ciphersuites: ");
}

TEST_F(TlsContext, N22_AClientVerifiesByDefault)
{
    const auto opened = tls::client_context::open({}, tls::inside::stomp);
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_TRUE((*opened)->verifies());
}

} // namespace
