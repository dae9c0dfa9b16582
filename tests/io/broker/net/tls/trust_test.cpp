// Proves whom each side trusts, and that it says in words why it does not.

#include "tests/io/broker/net/tls/tls_fixture.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tls_test;

class TlsTrust : public TlsLoop {
public:
    void serve(const identity& with)
    {
        serving.certificates = {{.certificate = with.certificate_file, .key = with.key_file}};
    }
    void be(const identity& who)
    {
        asking.own = {.certificate = who.certificate_file, .key = who.key_file};
    }
    void demand(tls::client_certificate how)
    {
        serving.clients = how;
        serving.client_ca = ca.certificate_file;
    }
};

TEST_F(TlsTrust, N22_ANameOrAnAddressOfTheCertificateWillDo)
{
    EXPECT_EQ(refusal("server.example"), "");
    EXPECT_EQ(refusal("127.0.0.1"), "");
}

TEST_F(TlsTrust, N22_AnotherNameOrAddressIsRefused)
{
    EXPECT_EQ(
        refusal("other.example"), "TLS handshake: the certificate is not for other.example but for "
                                  "server.example, 127.0.0.1");
    EXPECT_EQ(
        refusal("127.0.0.2"),
        "TLS handshake: the certificate is not for 127.0.0.2 but for server.example, 127.0.0.1");
}

TEST_F(TlsTrust, N22_TheSubjectIsNoName)
{
    serve(files.make("server.example", {.by = &ca}));
    EXPECT_EQ(
        refusal("server.example"),
        "TLS handshake: the certificate is not for server.example but for no name");
}

TEST_F(TlsTrust, N22_ExpiredAndNotYetValidAreNamed)
{
    serve(files.make(
        "old", {.names = "DNS:server.example", .by = &ca, .begins = -200, .ends = -100}));
    expect_has(refusal(), "TLS handshake: the certificate expired on 20");
    serve(files.make("new", {.names = "DNS:server.example", .by = &ca, .begins = 100}));
    expect_has(refusal(), "TLS handshake: the certificate is not valid before 20");
}

TEST_F(TlsTrust, N22_AnUnknownAuthorityIsNamed)
{
    const auto other = files.make("other-authority", {.authority = true});
    serve(files.make("theirs", {.names = "DNS:server.example", .by = &other}));
    EXPECT_EQ(
        refusal(), "TLS handshake: the certificate (/CN=theirs) comes from an authority that is "
                   "not known here");
    serve(files.make("own", {.names = "DNS:server.example"}));
    EXPECT_EQ(
        refusal(),
        "TLS handshake: the certificate (/CN=own) is its own authority, which is not known here");
}

TEST_F(TlsTrust, N22_OnlyWhoSaysSoVerifiesNothing)
{
    serve(files.make("own", {.names = "DNS:elsewhere.example"}));
    asking.verify = false;
    EXPECT_EQ(refusal(), "");
}

TEST_F(TlsTrust, N26_AClientCertificateMayBeDemanded)
{
    demand(tls::client_certificate::require);
    make_pair();
    run_until([&] { return to_server->closed == 1 && to_client->closed == 1; });
    EXPECT_EQ(to_client->layer_failure(), "TLS handshake: the client has no certificate");
    EXPECT_EQ(to_server->layer_failure(), "TLS: the server demands a certificate of ours");
    be(files.make("client", {.by = &ca}));
    connect();
    EXPECT_EQ(to_client->connected, 1);
}

TEST_F(TlsTrust, N26_AnOptionalOneMustBeGoodWhereThereIsOne)
{
    demand(tls::client_certificate::optional);
    connect();
    be(files.make("stranger", {}));
    make_pair();
    run_until([&] { return to_client->closed == 1; });
    expect_has(
        to_client->layer_failure(), "the client's certificate (/CN=stranger) is its own authority");
}

TEST_F(TlsTrust, N26_ARevokedOneIsRefused)
{
    const auto good = files.make("good", {.by = &ca}), bad = files.make("bad", {.by = &ca});
    demand(tls::client_certificate::require);
    serving.client_crl = files.revoke(ca, {&bad});
    be(good);
    connect();
    be(bad);
    make_pair();
    run_until([&] { return to_client->closed == 1 && to_server->closed == 1; });
    EXPECT_EQ(to_client->layer_failure(), "TLS handshake: the client's certificate is revoked");
    EXPECT_EQ(to_server->layer_failure(), "TLS: the server says that our certificate is revoked");
}

TEST_F(TlsTrust, TheNameThatIsAskedForPicksTheCertificate)
{
    const auto second = files.make("second", {.names = "DNS:*.second.example", .by = &ca});
    serving.certificates.push_back(
        {.certificate = second.certificate_file, .key = second.key_file});
    EXPECT_EQ(refusal("a.second.example"), "");
    EXPECT_EQ(refusal("A.SECOND.example"), "");
    EXPECT_EQ(refusal("server.example"), "");
    expect_has(
        refusal("a.b.second.example"), "but for server.example"); // the first one is the default
}

} // namespace
