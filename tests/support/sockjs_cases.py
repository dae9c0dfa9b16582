"""The SockJS protocol, case by case, asked of a server with the four services that suites expect. Most is what
protocol 0.3.3 says. `of="ours"` marks what SockJS's own server from npm answers otherwise.
"""

import json
import os
import re
import struct
import time

from checks import require, require_equal
from processes import Process, can_connect, free_port
from sockjs_client import Http, new_session, once
from websocket_client import CLOSE, TEXT, WebSocket

PRELUDE = b"h" * 2048 + b"\n"
GO_AWAY = b'c[3000,"Go away!"]\n'
STILL_OPEN = b'c[2010,"Another connection still open"]\n'
NOT_CACHED = ("no-store, no-cache, must-revalidate, max-age=0",
              "no-store, no-cache, no-transform, must-revalidate, max-age=0")
cases = []


def case(of=None):
    """`of="ours"`: npm's server is known to answer otherwise."""
    def add(body):
        cases.append((body, of))
        return body
    return add


def kind(answer):
    return (answer.get("content-type") or "").replace(" ", "").lower()


def not_cached(answer):
    require(answer.get("cache-control") in NOT_CACHED, answer)
    require("expires" not in answer.fields and "last-modified" not in answer.fields, answer)


def open_polling(port, base="/echo"):
    url = base + new_session()
    answer = once(port, "POST", url + "/xhr")
    require_equal((answer.status, answer.body), (200, b"o\n"), "the first poll")
    return url


def open_streaming(port, base="/echo", **how):
    url = base + new_session()
    stream = Http(port)
    answer = stream.open("POST", url + "/xhr_streaming", **how)
    require_equal(answer.status, 200, "status")
    require_equal(stream.chunk(), PRELUDE, "prelude")
    return url, stream, answer


def sent(port, url, body, status=204):
    answer = once(port, "POST", url + "/xhr_send", body)
    require_equal(answer.status, status, f"xhr_send of {body[:60]!r}")
    return answer


# ---- addresses

@case()
def greeting(port):
    for path in ("/echo", "/echo/"):
        answer = once(port, "GET", path)
        require_equal((answer.status, answer.body), (200, b"Welcome to SockJS!\n"), path)
        require_equal(kind(answer), "text/plain;charset=utf-8", "Content-Type")
        require("set-cookie" not in answer.fields, answer)


@case()
def nothing_there(port):
    for suffix in ("/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "/iframe.htm", "/iframe", "/IFRAME.HTML",
                   "/a/a/nothing", "/a/a/xhr/more"):
        require_equal(once(port, "GET", "/echo" + suffix).status, 404, suffix)


@case("ours")
def no_iframe_page_no_jsonp_no_htmlfile(port):
    for suffix in ("/iframe.html", "/iframe-0.1.2.html?t=1", "/a/a/jsonp?c=x", "/a/a/htmlfile?c=x"):
        require_equal(once(port, "GET", "/echo" + suffix).status, 404, suffix)


@case()
def any_session_and_server(port):
    for parts in ("/a/", "/_/", "/1/", "/abcdefgh_i-j%20/"):
        answer = once(port, "POST", f"/echo{parts}{os.urandom(4).hex()}%20/xhr")
        require_equal((answer.status, answer.body), (200, b"o\n"), parts)


@case()
def but_no_dots_and_no_empty_words(port):
    for suffix in ("//", "/a./a", "/a/a.", "/./.", "/", "///"):
        for method in ("GET", "POST"):
            require_equal(once(port, method, f"/echo{suffix}/xhr").status, 404, suffix)


@case()
def the_server_word_means_nothing(port):
    session = os.urandom(8).hex()
    require_equal(once(port, "POST", f"/echo/000/{session}/xhr").body, b"o\n", "open")
    sent(port, f"/echo/000/{session}", '["a"]')
    require_equal(once(port, "POST", f"/echo/999/{session}/xhr").body, b'a["a"]\n', "as another server's")


@case()
def other_methods(port):
    for method, path, allowed in (("GET", "/0/0/xhr", "POST"), ("GET", "/0/0/xhr_send", "POST"),
                                  ("DELETE", "/info", "GET"), ("POST", "", "GET"), ("POST", "/0/0/websocket", "GET")):
        answer = once(port, method, "/echo" + path)
        require_equal(answer.status, 405, path)
        require(allowed in answer.get("allow", ""), answer)
        require(not answer.body and "content-type" not in answer.fields, answer)


# ---- info, CORS, cookies

@case()
def info(port):
    answer = once(port, "GET", "/echo/info", headers={"Origin": "http://page.example"})
    require_equal(answer.status, 200, "status")
    require_equal(kind(answer), "application/json;charset=utf-8", "Content-Type")
    not_cached(answer)
    require("set-cookie" not in answer.fields, answer)
    value = json.loads(answer.body)
    require_equal((value["websocket"], value["origins"], value["cookie_needed"]), (True, ["*:*"], False), "info")
    require(0 <= value["entropy"] < 1 << 32, value)
    other = json.loads(once(port, "GET", "/echo/info").body)
    require(other["entropy"] != value["entropy"], "entropy is the same twice")
    require_equal(json.loads(once(port, "GET", "/disabled_websocket_echo/info").body)["websocket"], False, "off")
    require_equal(json.loads(once(port, "GET", "/cookie_needed_echo/info").body)["cookie_needed"], True, "cookie")


@case()
def options(port):
    for path, methods in (("/info", "OPTIONS, GET"), ("/a/a/xhr", "OPTIONS, POST"), ("/a/a/xhr_send", "OPTIONS, POST"),
                          ("/a/a/xhr_streaming", "OPTIONS, POST")):
        answer = once(port, "OPTIONS", "/echo" + path, headers={
            "Origin": "http://page.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "a, b, c"})
        require_equal((answer.status, answer.body), (204, b""), path)
        require("public" in answer.get("cache-control"), answer)
        require(re.search("max-age=[1-9][0-9]{6}", answer.get("cache-control")), answer)
        require(answer.get("expires") and int(answer.get("access-control-max-age")) > 1000000, answer)
        require_equal(answer.get("access-control-allow-methods"), methods, path)
        require_equal(answer.get("access-control-allow-headers"), "a, b, c", path)


@case()
def cors(port):
    for origin in ("http://page.example", "test", "null"):
        for method, path in (("GET", "/info"), ("POST", new_session() + "/xhr")):
            answer = once(port, method, "/echo" + path, headers={"Origin": origin})
            require_equal(answer.get("access-control-allow-origin"), origin, path)
            require_equal(answer.get("access-control-allow-credentials"), "true", path)
            require("access-control-allow-headers" not in answer.fields, answer)
    answer = once(port, "POST", f"/echo{new_session()}/xhr", headers={"Access-Control-Request-Headers": "a, b"})
    require_equal(answer.get("access-control-allow-headers"), "a, b", "the headers asked for")
    require_equal(answer.get("access-control-allow-origin"), "*", "without Origin")


@case("ours")
def cors_as_0_3_3_has_it(port):
    answer = once(port, "OPTIONS", "/echo/info", headers={"Origin": "null"})
    require_equal(answer.get("access-control-allow-origin"), "*", "null")
    require_equal(answer.get("access-control-allow-credentials"), "true", "credentials")
    answer = once(port, "POST", f"/echo{new_session()}/xhr")
    require_equal(answer.get("cache-control"), NOT_CACHED[0], "Cache-Control")


@case()
def cookies(port):
    for method, resource in (("POST", "/xhr"), ("POST", "/xhr_streaming"), ("GET", "/eventsource")):
        for cookie, expected in ((None, "dummy"), ("a=b; JSESSIONID=abcdef; c=d", "abcdef")):
            one = Http(port)
            url = "/cookie_needed_echo" + new_session()
            answer = one.open(method, url + resource, headers={"Cookie": cookie} if cookie else {})
            words = [word.strip().lower() for word in answer.get("set-cookie", "").split(";")]
            require_equal(words[:2], [f"jsessionid={expected}", "path=/"], resource)
            one.close()


# ---- frames

@case()
def polling(port):
    url = "/echo" + new_session()
    answer = once(port, "POST", url + "/xhr", headers={"Origin": "test"})
    require_equal((answer.status, answer.body), (200, b"o\n"), "open")
    require_equal(kind(answer), "application/javascript;charset=utf-8", "Content-Type")
    not_cached(answer)
    answer = sent(port, url, '["x"]')
    require(not answer.body, answer)
    require_equal(kind(answer), "text/plain;charset=utf-8", "Content-Type")
    not_cached(answer)
    require_equal(once(port, "POST", url + "/xhr").body, b'a["x"]\n', "echo")


@case()
def several_messages_share_a_frame(port):
    url = open_polling(port)
    sent(port, url, '["a","b"]')
    sent(port, url, '["c"]')
    require_equal(once(port, "POST", url + "/xhr").body, b'a["a","b","c"]\n', "all of them")


@case()
def no_messages_at_all(port):
    url = open_polling(port)
    sent(port, url, "[]")
    sent(port, url, '["a"]')
    require_equal(once(port, "POST", url + "/xhr").body, b'a["a"]\n', "echo")


@case()
def unknown_session(port):
    sent(port, "/echo" + new_session(), '["x"]', 404)


@case()
def broken_messages(port):
    url = open_polling(port)
    require(b"Broken JSON encoding." in sent(port, url, '["x', 500).body, "broken")
    require(b"Payload expected." in sent(port, url, "", 500).body, "empty")
    require(b"Payload expected." in sent(port, url, '"x"', 500).body, "no array")
    sent(port, url, '["a"]')
    require_equal(once(port, "POST", url + "/xhr").body, b'a["a"]\n', "echo")


@case("ours")
def what_is_no_text(port):
    url = open_polling(port)
    for body in (b'["x\xff"]', b'["x", 1]', b'[["x"]]', b'[{"x": "y"}]', b'["x",]', b'["x"] y', b"[null]"):
        require(b"Broken JSON encoding." in sent(port, url, body, 500).body, body)
    sent(port, url, b'["half \\ud83d", "\\ude00\\ud83d", "\\\\ud83d"]')
    require_equal(once(port, "POST", url + "/xhr").body,
                  b'a["half \\ufffd","\\ufffd\\ufffd","\\\\ud83d"]\n', "halves of pairs")


@case()
def content_types(port):
    url = open_polling(port)
    kinds = ["text/plain", "T", "application/json", "application/xml", "", "application/json; charset=utf-8",
             "text/xml; charset=utf-8", "text/xml"]
    for one in kinds:
        require_equal(once(port, "POST", url + "/xhr_send", '["a"]', headers={"Content-Type": one}).status, 204, one)
    require_equal(json.loads(once(port, "POST", url + "/xhr").body[1:]), ["a"] * len(kinds), "echo")


@case()
def escapes_both_ways(port):
    wanted = [c for c in range(0x20, 0x10000) if 0x200c <= c <= 0x200f or 0x2028 <= c <= 0x202f or
              0x2060 <= c <= 0x206f or c >= 0xfff0]
    url = open_polling(port)
    sent(port, url, ('["' + "".join(map(chr, wanted)) + '"]').encode())
    said = once(port, "POST", url + "/xhr").body.decode()
    require_equal(said, 'a["' + "".join(f"\\u{c:04x}" for c in wanted) + '"]\n', "what a server must escape")
    every = [c for c in range(1, 0x10000) if not 0xd800 <= c <= 0xdfff] + [0, 0x1f600, 0x10ffff]
    text = "".join(map(chr, every))
    sent(port, url, json.dumps([text]))
    said = once(port, "POST", url + "/xhr").body
    require_equal(json.loads(said[1:]), [text], "what a client may escape")
    require(b"\\ud83d\\ude00" in said, "a pair of surrogates stays escaped")


@case()
def streaming(port):
    url, stream, answer = open_streaming(port, headers={"Origin": "test"})
    require_equal(kind(answer), "application/javascript;charset=utf-8", "Content-Type")
    not_cached(answer)
    require_equal(stream.chunk(), b"o\n", "open")
    sent(port, url, '["x"]')
    require_equal(stream.chunk(), b'a["x"]\n', "echo")
    stream.close()


@case()
def a_streaming_answer_ends(port):
    url, stream, _ = open_streaming(port)
    require_equal(stream.chunk(), b"o\n", "open")
    text = '["' + "x" * 128 + '"]'
    for _ in range(31):
        sent(port, url, text)
        require_equal(stream.chunk(), f"a{text}\n".encode(), "echo")
    require_equal(stream.chunk(), b"", "the end behind 4096 bytes")
    require_equal(stream.open("POST", url + "/xhr_streaming").status, 200, "the next one on the same connection")
    require_equal(stream.chunk(), PRELUDE, "prelude")
    sent(port, url, '["again"]')
    require_equal(stream.chunk(), b'a["again"]\n', "the session goes on")
    stream.close()


@case()
def eventsource(port):
    url = "/echo" + new_session()
    stream = Http(port)
    answer = stream.open("GET", url + "/eventsource")
    require(kind(answer).startswith("text/event-stream"), answer)
    not_cached(answer)
    require_equal(stream.chunk(), b"\r\n", "prelude")
    require_equal(stream.chunk(), b"data: o\r\n\r\n", "open")
    sent(port, url, '["x"]')
    require_equal(stream.chunk(), b'data: a["x"]\r\n\r\n', "echo")
    sent(port, url, r'["  \u0000\n\r "]')
    require_equal(stream.chunk(), b'data: a["  \\u0000\\n\\r "]\r\n\r\n', "escapes")
    sent(port, url, '["' + "x" * 4096 + '"]')
    stream.chunk()
    require_equal(stream.chunk(), b"", "the end behind 4096 bytes")
    stream.close()


# ---- ends

@case()
def close_frame_again_and_again(port):
    url = open_polling(port, "/close")
    for _ in range(3):
        require_equal(once(port, "POST", url + "/xhr").body, GO_AWAY, "closed")


@case()
def close_frame_ends_streaming(port):
    url, stream, _ = open_streaming(port, "/close")
    require_equal([stream.chunk() for _ in "123"], [b"o\n", GO_AWAY, b""], "frames")
    second = Http(port)
    second.open("POST", url + "/xhr_streaming")
    require_equal([second.chunk() for _ in "123"], [PRELUDE, GO_AWAY, b""], "frames of the next one")


@case()
def one_receiver_only(port):
    url, stream, _ = open_streaming(port)
    require_equal(stream.chunk(), b"o\n", "open")
    second = Http(port)
    second.open("POST", url + "/xhr_streaming")
    require_equal([second.chunk() for _ in "123"], [PRELUDE, STILL_OPEN, b""], "frames")
    require_equal(once(port, "POST", url + "/xhr").body, STILL_OPEN, "a poll beside it")
    sent(port, url, '["x"]')
    require_equal(stream.chunk(), b'a["x"]\n', "the first one goes on")
    stream.close()


def next_after_abort(port, url):
    answer = once(port, "POST", url + "/xhr")
    require(answer.body in (b"o\n", b'c[1002,"Connection interrupted"]\n'), answer)


@case()
def broken_off_streaming(port):
    url, stream, _ = open_streaming(port)
    require_equal(stream.chunk(), b"o\n", "open")
    stream.close()
    next_after_abort(port, url)


@case()
def broken_off_polling(port):
    url = open_polling(port)
    poll = Http(port)
    poll.ask("POST", url + "/xhr")
    require_equal(once(port, "POST", url + "/xhr").body, STILL_OPEN, "beside a poll")
    poll.close()
    next_after_abort(port, url)


@case()
def without_a_receiver(port):
    kept, dropped = open_polling(port), open_polling(port)
    poll = Http(port)
    poll.ask("POST", kept + "/xhr")
    until = time.monotonic() + 6.5
    while (left := until - time.monotonic()) > 0 and not poll.ended:
        poll.fill(left)
    require(not poll.ended and not poll.buffer.partition(b"\r\n\r\n")[2], f"a poll ended: {bytes(poll.buffer)}")
    sent(port, dropped, '["x"]', 404)
    sent(port, kept, '["x"]')
    require_equal(poll.answer().body, b'a["x"]\n', "a session with a receiver stays")


# ---- HTTP

@case()
def http_1_0(port):
    one = Http(port)
    answer = one.request("GET", "/echo", version="1.0", headers={"Connection": "Keep-Alive"})
    require_equal((answer.status, answer.body), (200, b"Welcome to SockJS!\n"), "answer")
    require("transfer-encoding" not in answer.fields, answer)
    stream = Http(port)
    answer = stream.open("POST", f"/close{new_session()}/xhr_streaming", b"", version="1.0")
    require("transfer-encoding" not in answer.fields and "content-length" not in answer.fields, answer)
    require_equal(stream.to_end(5), PRELUDE + b"o\n" + GO_AWAY, "until the end")


@case()
def keep_alive(port):
    one = Http(port)
    for _ in range(3):
        answer = one.request("GET", "/echo", headers={"Connection": "Keep-Alive"})
        require_equal((answer.status, answer.version, answer.body), (200, "1.1", b"Welcome to SockJS!\n"), "answer")


@case()
def several_sessions_on_one_connection(port):
    one = Http(port)
    urls = ["/echo" + new_session() for _ in range(4)]
    for url in urls:
        require_equal(one.request("POST", url + "/xhr").body, b"o\n", url)
    for n, url in enumerate(urls):
        require_equal(one.request("POST", url + "/xhr_send", f'["{n}"]').status, 204, url)
    for n, url in enumerate(urls):
        require_equal(one.request("POST", url + "/xhr").body, f'a["{n}"]\n'.encode(), url)
    require_equal(one.request("POST", "/echo" + new_session() + "/xhr_send", '["a"]').status, 404, "unknown")


@case("ours")
def pipelined(port):
    one = Http(port)
    url = "/echo" + new_session()
    one.send(b"".join([Http.text("POST", url + "/xhr"), Http.text("POST", url + "/xhr_send", b'["a"]'),
                       Http.text("POST", url + "/xhr_send", b'["b"]'), Http.text("POST", url + "/xhr"),
                       Http.text("GET", "/echo")]))
    answers = [one.answer() for _ in range(5)]
    require_equal([a.status for a in answers], [200, 204, 204, 200, 200], "statuses")
    require_equal(answers[3].body, b'a["a","b"]\n', "in order")


@case()
def bodies_in_chunks_and_pieces(port):
    url = open_polling(port)
    one = Http(port)
    text = Http.text("POST", url + "/xhr_send", None, headers={"Content-Length": None, "Transfer-Encoding": "chunked"})
    for piece in (text[:10], text[10:] + b"4;a=b\r\n", b'["ab', b'\r\n3\r\n","\r\n', b'2\r\nc"\r\n1\r\n]\r\n0\r\n',
                  b"Trailer: x\r\n\r\n"):
        one.send(piece)
    require_equal(one.answer().status, 204, "in chunks")
    text = Http.text("POST", url + "/xhr_send", b'["d"]')
    for at in range(len(text)):
        one.send(text[at:at + 1])
    require_equal(one.answer().status, 204, "byte by byte")
    require_equal(once(port, "POST", url + "/xhr").body, b'a["ab","c","d"]\n', "echo")


# ---- WebSocket

def framed(port, base="/echo", **how):
    one = WebSocket("127.0.0.1", port, f"{base}{new_session()}/websocket", (), **how)
    one.upgrade()
    return one


def heard(one):
    message = one.receive_message(5)
    require(isinstance(message, tuple), f"{message}, closed with {one.close_info}")
    return message[1].decode()


def ended(one):
    require_equal(one.receive_message(5), "closed", "the end")


@case()
def websocket(port):
    one = framed(port)
    require_equal(heard(one), "o", "open")
    for text in (b"", b'["a"]', b'"b"', b'["c","d"]'):
        one.send(TEXT, text)
    got = []
    while len(got) < 4:
        got += json.loads(heard(one)[1:])
    require_equal(got, ["a", "b", "c", "d"], "echo")
    one.send(CLOSE, struct.pack("!H", 1000))
    ended(one)


@case()
def websocket_in_pieces(port):
    one = framed(port)
    require_equal(heard(one), "o", "open")
    text = json.dumps(["\N{GRINNING FACE}" * 3, "b"], ensure_ascii=False).encode()
    one.send(TEXT, text[:5], fin=False)
    for at in range(5, len(text) - 1):
        one.send(0, text[at:at + 1], fin=False)
    one.send(0, text[-1:])
    got = []
    while len(got) < 2:
        got += json.loads(heard(one)[1:])
    require_equal(got, ["\N{GRINNING FACE}" * 3, "b"], "echo")


@case()
def websocket_close(port):
    one = framed(port, "/close")
    require_equal([heard(one), heard(one)], ["o", 'c[3000,"Go away!"]'], "frames")
    ended(one)


@case()
def websocket_broken(port):
    one = framed(port)
    require_equal(heard(one), "o", "open")
    one.send(TEXT, b'["a')
    ended(one)


@case()
def websocket_session_id_again(port):
    path = f"/echo{new_session()}/websocket"
    both = [WebSocket("127.0.0.1", port, path, ()) for _ in "12"]
    for n, one in enumerate(both):
        one.upgrade()
        require_equal(heard(one), "o", "open")
        one.send(TEXT, b'["%d"]' % n)
        require_equal(heard(one), f'a["{n}"]', "echo")


@case()
def websocket_disabled(port):
    for path in (f"/disabled_websocket_echo{new_session()}/websocket", "/disabled_websocket_echo/websocket"):
        require_equal(once(port, "GET", path).status, 404, path)
    require_equal(open_polling(port, "/disabled_websocket_echo")[:4], "/dis", "polling")


@case("ours")
def no_websocket_of_it(port):
    answer = once(port, "GET", "/echo/0/0/websocket")
    require_equal((answer.status, answer.body), (400, b'Can "Upgrade" only to "WebSocket".\n'), "no Upgrade")
    answer = once(port, "GET", "/echo/0/0/websocket", headers={"Upgrade": "WebSocket", "Connection": "close"})
    require_equal((answer.status, answer.body), (400, b'"Connection" must be "Upgrade".\n'), "no Connection")


@case("ours")
def websocket_headers(port):
    for version, connection in (("7", "Upgrade"), ("8", "Upgrade"), ("13", "Upgrade"), ("7", "keep-alive, Upgrade")):
        one = WebSocket("127.0.0.1", port, f"/echo{new_session()}/websocket", ())
        status, fields = one.request(Sec_WebSocket_Version=version, Connection=connection,
                                     Sec_WebSocket_Origin="http://asd",
                                     Sec_WebSocket_Key="x3JJHMbDL1EzLkh9GBhXDw==")
        require_equal(status, 101, version)
        require_equal(fields["sec-websocket-accept"], "HSmrc0sMlYUkAGmm5OPpG2HaGWk=", version)
        require_equal((fields["connection"].lower(), fields["upgrade"].lower()), ("upgrade", "websocket"), version)
        require("content-length" not in fields, fields)


@case()
def raw_websocket(port):
    one = WebSocket("127.0.0.1", port, "/echo/websocket", ())
    one.upgrade()
    one.send(TEXT, "Hello world!\uffff".encode())
    require_equal(heard(one), "Hello world!\uffff", "echo")
    one = WebSocket("127.0.0.1", port, "/close/websocket", ())
    one.upgrade()
    ended(one)


@case()
def websocket_behind_other_requests(port):
    first = Http(port)
    require_equal(first.request("GET", "/echo/info").status, 200, "info")
    one = WebSocket("127.0.0.1", port, f"/echo{new_session()}/websocket", ())
    one.socket.close()
    one.socket = first.socket
    one.upgrade()
    require_equal(heard(one), "o", "open")
    one.send(TEXT, b'["a"]')
    require_equal(heard(one), 'a["a"]', "echo")


def run_cases(test, prefix, port):
    for body, of in cases:
        if of in (None, prefix):
            test.run(f"{prefix}_{body.__name__}", lambda scene, one=body: one(port))


def run_against(test, prefix, command, folder=None):
    """Starts a server, asks it, and demands that it is still there; `command(port)` gives its words."""
    wanted = test.wanted
    test.wanted = lambda check: check.endswith("_server") or wanted(check)

    def served(scene):
        port = free_port()
        server = scene.own(Process(prefix, command(port), scene.folder, cwd=folder))
        server.await_true(lambda: can_connect(port), 20, "listening")
        run_cases(test, prefix, port)
        require(server.alive(), f"the server ended: {server.tail(5)}")

    test.run(f"{prefix}_server", served)
