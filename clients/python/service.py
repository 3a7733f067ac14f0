"""A service that lets in whoever is signed in to Sekisho: `GET /whoami` with an access token.

Copy `Verifier` into your own. It verifies tokens by itself and refuses an ended session within a second; when it can't
know, it fails closed. Refuses to take a key from a token and to follow a redirect. It needs Python 3.9 and
PyJWT 2.6 or newer with cryptography: on Debian, `apt install python3-jwt python3-cryptography`.

AUDIENCE is this service's name in Sekisho's SEKISHO_AUDIENCES (orders); ISSUER_URL where Sekisho is
(http://127.0.0.1:3000); ISSUER what its tokens say, if that differs; SCOPE what a token must allow, if anything;
SERVICE_SECRET one of SEKISHO_SERVICE_SECRET, where that is set; STALE_AFTER for how many seconds Sekisho may be out of
reach (30); LISTEN the own address (127.0.0.1:4003).
"""

import base64
import json
import os
import re
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt

ALGORITHMS = ("EdDSA", "ES256", "RS256")
# How far another machine's clock may be off, in seconds.
LEEWAY = 5
FETCH_TIMEOUT = 5
# The server writes to the feed at least every 15 s: a connection that is silent for longer than this is dead.
SILENCE = 30
# An unknown `kid` makes the keys be read again, at most this often: it is hostile input (RFC 8725, section 3.10).
RELOAD_EVERY = 3
REFRESH_EVERY = 300
MAX_LINE = 64 * 1024
MAX_KEYS = 256 * 1024
# What every JSON parser reads alike (RFC 8259, section 6).
MAX_TIME = 2**53 - 1


class Rejected(Exception):
    """Why a request is not let in. `code` is the server's own."""

    def __init__(self, code, reason=None, scope=None):
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.scope = scope


class NoRedirect(HTTPRedirectHandler):
    """Keys and ends come from the given server and from no other: a redirect is an error."""

    def redirect_request(self, *_):
        return None


class Verifier:
    def __init__(self, url, audience, issuer=None, service_secret=None, stale_after=30.0):
        """`audience` is this service's own name: a token for another one, or for Sekisho itself, opens nothing here."""
        if not audience:
            raise ValueError("AUDIENCE: a service has a name")
        if service_secret and not re.fullmatch("[!-~]+", service_secret):
            raise ValueError("SERVICE_SECRET: must be ASCII without blanks")  # and is never shown
        self._url = url.rstrip("/")
        self._issuer = issuer or self._url
        self._audience = audience
        self._service_secret = service_secret
        self._stale_after = stale_after
        self._open = build_opener(NoRedirect).open

        self._keys = {}
        self._reading = Lock()
        self._read_at = float("-inf")
        self._keys_failed = False

        # By session id: why it ended, and when this was heard.
        self._ended = {}
        # Key ids, which are never accepted again, whatever a cache of the key set says.
        self._withdrawn = set()
        self._retain_for = 0
        self._forgot_at = float("-inf")
        # There is a connection, and it has told all ends until now.
        self._connected = False
        # When such a connection was last heard.
        self._heard_at = float("-inf")
        self._cursor = None
        self._has_keys = Event()
        self._caught_up = Event()

    def start(self):
        """Starts to follow the server; returns when its keys are there and all ended sessions are known."""
        Thread(target=self._refresh_keys, daemon=True).start()
        Thread(target=self._follow, daemon=True).start()
        self._has_keys.wait()
        self._caught_up.wait()

    def verify(self, token):
        """The claims of a token that holds, at this moment; raises `Rejected` if it does not."""
        try:
            header, claims = read(token)
        except (ValueError, RecursionError):
            raise Rejected("invalid_token") from None
        algorithm, key = self._key(header["kid"])
        try:
            # One algorithm per key (RFC 8725, section 3.1).
            jwt.PyJWS().decode(token, key, algorithms=[algorithm])
        except Exception:  # whatever a hostile token makes the library raise, it is not valid
            raise Rejected("invalid_token") from None
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise Rejected("invalid_token")
        end = self._ended.get(claims["sid"])
        if end:
            raise Rejected("session_revoked", end[0])
        iat, exp, nbf = claims["iat"], claims["exp"], claims.get("nbf", claims["iat"])
        now = int(time.time())
        if iat > now + LEEWAY or nbf > now + LEEWAY or now >= exp + LEEWAY:
            raise Rejected("invalid_token")
        if self._is_stale():
            raise Rejected("verifier_stale")
        # The end of a session that made so old a token may be forgotten here.
        if now >= iat + self._retain_for + LEEWAY:
            raise Rejected("invalid_token")
        return claims

    def _key(self, kid):
        if kid not in self._keys:
            self._read_keys(unless_has=kid)
        found = self._keys.get(kid)
        if kid in self._withdrawn:
            raise Rejected("invalid_token")
        if found:
            return found
        # Without an answer nobody knows whether it is forged: a 401 would make an honest client throw its token away.
        raise Rejected("verifier_stale" if self._keys_failed else "invalid_token")

    def _read_keys(self, unless_has=None):
        # One request at a time: whoever comes meanwhile finds its answer.
        with self._reading:
            just_now = time.monotonic() - self._read_at < RELOAD_EVERY
            if unless_has is not None and (just_now or unless_has in self._keys):
                return
            self._read_at = time.monotonic()
            try:
                with self._open(f"{self._url}/.well-known/jwks.json", timeout=FETCH_TIMEOUT) as answer:
                    self._keys = usable_keys(json.loads(answer.read(MAX_KEYS)))
                self._keys_failed = False
                self._has_keys.set()
            except Exception as error:  # the keys stay: they have not become worse
                if not self._keys_failed:
                    print(f"the keys can't be read: {error}", file=sys.stderr)
                self._keys_failed = True

    def _refresh_keys(self):
        while True:
            self._read_keys()
            time.sleep(RELOAD_EVERY if self._keys_failed else REFRESH_EVERY)

    def _is_stale(self):
        """The server has been out of reach for too long: a session may have ended that nobody told of."""
        limit = max(self._stale_after, SILENCE) if self._connected else self._stale_after
        return time.monotonic() - self._heard_at > limit

    def _follow(self):
        pause, told = 0.25, False
        while True:
            try:
                self._follow_once()
                error = "the server closed the connection"
            except Exception as caught:
                error = caught
            if self._connected:
                pause, told = 0.25, False
            self._connected = False
            if not told:
                print(f"ended sessions can't be followed, trying again: {error}", file=sys.stderr)
            told = True
            time.sleep(pause)
            pause = min(2 * pause, 4)

    def _follow_once(self):
        """Follows one connection to its end."""
        headers = {"Accept": "text/event-stream"}
        if self._cursor:
            headers["Last-Event-ID"] = self._cursor
        if self._service_secret:
            headers["Authorization"] = f"Bearer {self._service_secret}"
        with self._open(Request(f"{self._url}/api/v1/revocations", headers=headers), timeout=SILENCE) as answer:
            # Set again only by what was read well: a cursor that brings trouble is not used twice.
            self._cursor = None
            if answer.status != 200 or answer.headers.get_content_type() != "text/event-stream":
                raise ValueError(f"status {answer.status}, {answer.headers.get_content_type()}")
            event = {}
            # Lines end in LF, as this server writes them.
            while line := answer.readline(MAX_LINE):
                if len(line) == MAX_LINE:
                    raise ValueError("an event is too large")
                field, _, value = line.decode().rstrip("\r\n").partition(":")
                if field in ("event", "id", "data"):  # without a name it is a comment
                    event[field] = value.removeprefix(" ")
                elif line in (b"\n", b"\r\n") and "data" in event:
                    try:
                        self._take(event)
                    except Exception:
                        # An end that can't be read could be anybody's: nothing is known until all is told again.
                        self._cursor = None
                        raise
                    event = {}
                self._hear()

    def _take(self, event):
        data = json.loads(event["data"])
        if event.get("event") == "ended":
            sid, reason = data["sid"], data["reason"]
            if not isinstance(sid, str) or not isinstance(reason, str):
                raise ValueError("an end that can't be read")
            self._ended[sid] = (reason, time.monotonic())
        elif event.get("event") == "key_withdrawn":
            if not isinstance(data["kid"], str):
                raise ValueError("a key id that can't be read")
            self._withdrawn.add(data["kid"])
        elif event.get("event") == "hello":
            # Never shortened: tokens made before the server was given a shorter life are still about.
            self._retain_for = max(self._retain_for, data["retain_for"])
            self._heard_at = time.monotonic()
            self._connected = True
            self._caught_up.set()
        # While catching up, the cursor stays: a connection cut in the middle has not told everything before it.
        if self._connected:
            self._cursor = event.get("id")

    def _hear(self):
        """Something came, if only a comment. Now and then, forgets what no token can contradict any more."""
        if not self._connected:
            return
        now = time.monotonic()
        self._heard_at = now
        if now - self._forgot_at >= 15:
            self._forgot_at = now
            for sid in [sid for sid, (_, at) in self._ended.items() if now - at > self._retain_for]:
                del self._ended[sid]


def usable_keys(jwks):
    """Algorithm and key by `kid`; what can't be used is left out, as RFC 7517, section 5 asks."""
    keys = {}
    for jwk in jwks["keys"]:
        try:
            if isinstance(jwk["kid"], str) and jwk["alg"] in ALGORITHMS and jwk.get("use", "sig") == "sig":
                keys[jwk["kid"]] = (jwk["alg"], jwt.PyJWK(jwk).key)
        except Exception:
            continue
    if not keys:
        raise ValueError("there is no usable key in the set")
    return keys


def read(token):
    """Header and claims of a token that is written as the server writes it; its signature is still to be checked.

    Libraries are generous with spellings, and differ in how: here each token has one. `clients/vectors` holds every
    verifier, and the server, to the same.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not three parts")
    header, claims, _ = [decode_part(part) for part in parts]
    header, claims = parse_json(header), parse_json(claims)
    # Nothing but these three: no key that a token brings along, or points to (ASVS 9.1.3), and no critical extension,
    # whose meaning is not known here (RFC 7515, section 4.1.11). The type exactly: no other kind of JWT is taken for
    # an access token (RFC 9068, section 2.1).
    if header.keys() != {"alg", "kid", "typ"} or header["typ"] != "at+jwt" or header["alg"] not in ALGORITHMS:
        raise ValueError("not our header")
    if not isinstance(header["kid"], str):
        raise ValueError("not our key")
    for name in ("iss", "aud", "sub", "sid", "jti", "client_id", "scope"):
        if not isinstance(claims.get(name), str):
            raise ValueError(f"{name} is not text")
    if not claims["sub"] or not claims["sid"]:
        raise ValueError("nobody's token")
    roles = claims.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise ValueError("roles are not a list of text")
    for name in ("iat", "exp", "nbf"):
        # Not isinstance: True is an int. What is there is not null: that is not "absent" (CVE-2026-25537).
        time_ = claims.get(name, 0 if name == "nbf" else None)
        if type(time_) is not int or abs(time_) > MAX_TIME:
            raise ValueError(f"{name} is not a whole number")
    return header, claims


def decode_part(part):
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    # Refuses padding, blanks, the other alphabet, and unused bits that are set (RFC 7515, section 2; RFC 4648, 3.5).
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise ValueError("another spelling")
    return data


def parse_json(data):
    """An object in UTF-8 JSON. Refuses a member that is there twice, as parsers disagree on which one counts."""

    def unique(members):
        found = dict(members)
        if len(found) < len(members):
            raise ValueError("a member is there twice")
        return found

    def refuse(text):
        raise ValueError(f"{text} is not JSON")

    def whole(text):
        return -0.0 if text == "-0" else int(text)

    found = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_int=whole)
    json.dumps(found, ensure_ascii=False).encode()  # refuses half a surrogate pair, which is no text
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def require_scope(claims, scope):
    """Raises `Rejected` (403) unless the token allows this; `scope` is a list with a blank in between."""
    if scope not in claims["scope"].split(" "):
        raise Rejected("insufficient_scope", scope=scope)


def bearer(headers):
    """The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1)."""
    values = headers.get_all("Authorization", [])
    if not values:
        raise Rejected("unauthenticated")
    found = re.fullmatch("bearer +([^ ]+) *", values[0], re.IGNORECASE)
    if len(values) > 1 or not found:
        raise Rejected("invalid_token")
    return found[1]


# The server's own answers: RFC 9457, with the challenges of RFC 6750, bare when there were no credentials.
INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
PROBLEMS = {
    "unauthenticated": (401, "This needs an access token.", {"WWW-Authenticate": "Bearer"}),
    "invalid_token": (401, "The access token is not valid, or has expired.", INVALID),
    "session_revoked": (401, "This session has ended. Sign in again.", INVALID),
    "insufficient_scope": (403, "The access token does not allow this.", {}),
    "verifier_stale": (503, "The sign-in server is out of reach. Try again soon.", {"Retry-After": "5"}),
    "not_found": (404, "There is nothing here.", {}),
}


NAMES = ("sub", "sid", "roles", "scope")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    verifier: Verifier
    scope = None

    def do_GET(self):
        try:
            if self.path != "/whoami":
                raise Rejected("not_found")
            claims = self.verifier.verify(bearer(self.headers))
            if self.scope:
                require_scope(claims, self.scope)
            self.answer(200, "application/json", {name: claims[name] for name in NAMES})
        except Rejected as rejected:
            status, detail, headers = PROBLEMS[rejected.code]
            problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
            problem["code"] = rejected.code
            if rejected.reason:
                problem["reason"] = rejected.reason
            if rejected.scope:
                challenge = f'Bearer error="insufficient_scope", scope="{rejected.scope}"'
                headers = {"WWW-Authenticate": challenge}
            self.answer(status, "application/problem+json", problem, headers)

    def answer(self, status, content_type, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": len(data), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    env = os.environ.get
    verifier = Verifier(
        env("ISSUER_URL", "http://127.0.0.1:3000"),
        env("AUDIENCE", "orders"),
        issuer=env("ISSUER"),
        service_secret=env("SERVICE_SECRET"),
        stale_after=float(env("STALE_AFTER", "30")),
    )
    verifier.start()  # until then, everybody would be answered 503
    Handler.verifier, Handler.scope = verifier, env("SCOPE")
    host, _, port = env("LISTEN", "127.0.0.1:4003").rpartition(":")
    server = Server((host, int(port)), Handler)
    print(f"listening on http://{host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
