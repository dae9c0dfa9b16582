"""What clients say to the Spring application so that it lets them in."""

import base64
import hashlib
import hmac
import http.client
import json
import time

from checks import require
from spring_fleet import Login

SECRET = "what both versions of the application know, and nobody else"


def basic(number):
    word = base64.b64encode(f"user{number}:secret{number}".encode()).decode()
    return Login(f"user{number}", [("Authorization", "Basic " + word)])


def token(subject, seconds, secret=SECRET):
    """Signed, and good for so many seconds."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    now = int(time.time())
    claims = {"sub": subject, "iat": now, "exp": now + seconds}
    text = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


def bearer(number, seconds=600):
    """At the handshake."""
    return Login(f"user{number}", [("Authorization", "Bearer " + token(f"user{number}", seconds))])


def bearer_in_connect(number, seconds=600):
    return Login(f"user{number}",
                 connect={"Authorization": "Bearer " + token(f"user{number}", seconds)})


class Browser:
    """Logs in on a page and keeps the cookies that the application gives."""

    def __init__(self, app, number):
        self.app, self.number, self.cookies = app, number, {}
        status, _ = self.ask("POST", "/form/login", f"username=user{number}&password=secret{number}")
        require(status == 302 and self.cookies, f"the login page answered {status}")

    def ask(self, method, path, form=None):
        """(status, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.app.port, timeout=30)
        fields = {"Cookie": self.cookie} if self.cookies else {}
        if form:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, form, fields)
            answer = connection.getresponse()
            for value in answer.headers.get_all("Set-Cookie") or []:
                name, _, rest = value.partition("=")
                self.cookies[name] = rest.partition(";")[0]
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def text(self, path):
        status, body = self.ask("GET", path)
        require(status == 200, f"{path} answered {status}: {body[:200]}")
        return body

    @property
    def cookie(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def login(self, csrf=False):
        """What its page says at the handshake and in CONNECT."""
        connect = dict([self.text("/form/token").split(" ")]) if csrf else {}
        return Login(f"user{self.number}", [("Cookie", self.cookie)], connect)
