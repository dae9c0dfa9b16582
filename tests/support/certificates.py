"""Certificates for a test, made by the openssl program in a folder of the test's own, and TLS in front of
a plain broker.

An authority signs servers and clients, lets them be expired, and lists what it has revoked.
"""

import collections
import os
import select
import socket
import ssl
import subprocess
import threading

from checks import Failure

Pair = collections.namedtuple("Pair", "certificate key")

CONFIG = """[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
"""


def openssl(*words):
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)
    if done.returncode:
        raise Failure(f"openssl {words[0]}: {done.stderr[-400:]}")
    return done.stdout


class Authority:
    def __init__(self, scene, name="authority"):
        self.folder = os.path.join(scene.folder, name)
        os.makedirs(self.folder)
        self.config = f"{self.folder}/openssl.cnf"
        for file, text in (("openssl.cnf", CONFIG.format(folder=self.folder)), ("index.txt", ""),
                           ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(f"{self.folder}/{file}", "w", encoding="ascii") as to:
                to.write(text)
        self.file = f"{self.folder}/ca.pem"
        self.key = f"{self.folder}/ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.file, "-days", "30", "-subj", f"/CN={name}",
                "-config", self.config, "-extensions", "authority")
        self.count = 0

    def issue(self, name, names="", begins="", ends="", kind="ec"):
        """`names`: "DNS:a,IP:127.0.0.1"; times as YYYYMMDDHHMMSSZ."""
        self.count += 1
        path = f"{self.folder}/{name}-{self.count}"
        made = (["-newkey", "rsa:2048"] if kind == "rsa"
                else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        alternatives = ["-addext", f"subjectAltName={names}"] if names else []
        openssl("req", "-new", *made, "-nodes", "-keyout", path + ".key", "-out", path + ".csr",
                "-subj", f"/CN={name}", *alternatives)
        os.chmod(path + ".key", 0o600)
        times = (["-startdate", begins] if begins else []) + (["-enddate", ends] if ends else [])
        openssl("ca", "-batch", "-notext", "-rand_serial", "-config", self.config, "-cert", self.file, "-keyfile",
                self.key, "-in", path + ".csr", "-out", path + ".pem", *times)
        return Pair(path + ".pem", path + ".key")

    def server(self, name="server", names="DNS:localhost,IP:127.0.0.1", **how):
        return self.issue(name, names, **how)

    def expired(self, name="expired", names="DNS:localhost,IP:127.0.0.1"):
        return self.issue(name, names, "20200101000000Z", "20200201000000Z")

    def revoke(self, *pairs):
        """The list of all that was revoked by now."""
        for pair in pairs:
            openssl("ca", "-config", self.config, "-cert", self.file, "-keyfile", self.key,
                    "-revoke", pair.certificate)
        path = f"{self.folder}/crl.pem"
        openssl("ca", "-gencrl", "-config", self.config, "-cert", self.file, "-keyfile", self.key,
                "-out", path)
        return path

    def trusting(self, pair=None, alpn=(), newest=None, oldest=None, check=True):
        """What a client opens with that trusts this authority."""
        context = ssl.create_default_context(cafile=self.file)
        if not check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if oldest or newest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = oldest or ssl.TLSVersion.TLSv1
            context.maximum_version = newest or ssl.TLSVersion.TLSv1_3
        return context


class Front:
    """Ends TLS in front of a plain port of a broker: a thread for each connection, none of them fast."""

    def __init__(self, scene, port, pair, client_ca=None):
        self.target, self.client_ca = port, client_ca
        self.use(pair)
        self.names, self.refused, self.streams = [], [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        scene.own(self)

    def use(self, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self.context = context

    def url(self, scheme="stomps", host="localhost"):
        return f"{scheme}://{host}:{self.port}" + ("/ws" if scheme == "wss" else "")

    def _accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            raw.settimeout(20)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            near = self.context.wrap_socket(raw, server_side=True)
            far = socket.create_connection(("127.0.0.1", self.target), 20)
        except (ssl.SSLError, OSError) as trouble:
            self.refused.append(str(trouble))
            raw.close()
            return
        near.setblocking(False)
        self.streams.append((near, far))
        try:
            self._carry(near, far)
        except (ssl.SSLError, OSError, ValueError):
            pass
        for one in (near, far):
            one.close()

    def _carry(self, near, far):
        """Each direction is read by this one thread: an ssl object is no two threads' thing."""
        while True:
            waiter = select.poll()
            waiter.register(near, select.POLLIN)
            waiter.register(far, select.POLLIN)
            ready = [fd for fd, _ in waiter.poll(60_000)]
            if near.fileno() in ready:
                while True:
                    try:
                        data = near.recv(1 << 16)
                    except ssl.SSLWantReadError:
                        break
                    if not data:
                        far.shutdown(socket.SHUT_WR)
                        near.unwrap()
                        return
                    far.sendall(data)
            if far.fileno() in ready:
                data = far.recv(1 << 16)
                if not data:
                    near.setblocking(True)
                    near.settimeout(2)
                    near.unwrap()
                    return
                while data:
                    try:
                        data = data[near.send(data):]
                    except ssl.SSLWantWriteError:
                        waiter = select.poll()
                        waiter.register(near, select.POLLOUT)
                        waiter.poll(10_000)

    def cut(self):
        """Ends every stream as a broken network would: no close_notify."""
        cut, self.streams = self.streams, []
        for near, far in cut:
            for one in (near, far):
                try:
                    socket.socket(fileno=os.dup(one.fileno())).shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return len(cut)

    def close(self):
        self.listener.close()
        self.cut()


def served_certificate(port, name="localhost", timeout=10, **how):
    """(serial number, TLS version, ALPN) of what a listener shows to who asks for that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if "alpn" in how:
        context.set_alpn_protocols(how["alpn"])
    with socket.create_connection(("127.0.0.1", port), timeout) as raw:
        with context.wrap_socket(raw, server_hostname=name) as made:
            shown = ssl.DER_cert_to_PEM_cert(made.getpeercert(True))
            return shown, made.version(), made.selected_alpn_protocol()


def pem_of(pair):
    with open(pair.certificate, encoding="ascii") as file:
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(file.read()))
