"""Writes tokens.json: access tokens, and what the server and every verifier in clients/ must answer to each.

    /usr/bin/python3 clients/vectors/make.py

Run it after adding a case. The Ed25519 key and its tokens are the same at each run; ES256 and RS256 keys are new.
No private key is kept. It needs python3-cryptography.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://sign-in.example"
AUDIENCE = "orders"
NOW = 1_800_000_000
DAY = 86_400
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ED = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the key of Sekisho's test vectors").digest())
STRANGER = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a key of nobody").digest())
ES = ec.generate_private_key(ec.SECP256R1())
RS = rsa.generate_private_key(65537, 2048)

HEADER = {"typ": "at+jwt", "alg": "EdDSA", "kid": "ed"}
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "01935c1e-7b5a-7c3d-9e4f-000000000001",
    "sid": "01935c1e-7b5a-7c3d-9e4f-000000000002",
    "jti": "a-token",
    "iat": NOW - 60,
    "exp": NOW + 840,
    "client_id": "api",
    "scope": "account:read",
    "roles": ["user", "admin"],
}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return base64url(value.to_bytes(size, "big"))


def raw(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def jwk(kid, alg, **members):
    return {"kid": kid, "alg": alg, "use": "sig", **members}


POINT, MODULUS = ES.public_key().public_numbers(), RS.public_key().public_numbers()
JWKS = {
    "keys": [
        jwk("ed", "EdDSA", kty="OKP", crv="Ed25519", x=base64url(raw(ED))),
        jwk("es", "ES256", kty="EC", crv="P-256", x=number(POINT.x, 32), y=number(POINT.y, 32)),
        jwk("rs", "RS256", kty="RSA", n=number(MODULUS.n, 256), e="AQAB"),
    ]
}


def es256(message, negate=False):
    r, s = decode_dss_signature(ES.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + (P256_ORDER - s if negate else s).to_bytes(32, "big")


def text(part):
    """JSON as the server writes it, unless it is text or bytes already."""
    if isinstance(part, dict):
        part = json.dumps(part, separators=(",", ":"), ensure_ascii=False)
    return part if isinstance(part, bytes) else part.encode()


def token(claims=CLAIMS, header=HEADER, sign=ED.sign):
    message = f"{base64url(text(header))}.{base64url(text(claims))}"
    return f"{message}.{base64url(sign(message.encode()))}"


def header(**members):
    return {**HEADER, **members}


def without(part, name):
    return {key: value for key, value in part.items() if key != name}


def member(name, value):
    """The claims with this member, whose value is JSON text."""
    return text(without(CLAIMS, name))[:-1].decode() + f',"{name}":{value}' + "}"


vectors = []


def case(name, code, *authorization):
    vectors.append({"name": name, "code": code, "authorization": list(authorization)})


def good(name, token):
    case(name, "ok", f"Bearer {token}")


def bad(name, token):
    case(name, "invalid_token", f"Bearer {token}")


GOOD = token()
MESSAGE, SIGNATURE = GOOD.rsplit(".", 1)
HEAD, PAYLOAD, _ = GOOD.split(".")

# What is accepted.
good("EdDSA", GOOD)
good("ES256", token(header=header(alg="ES256", kid="es"), sign=es256))
rs256 = lambda message: RS.sign(message, padding.PKCS1v15(), hashes.SHA256())  # noqa: E731
good("RS256", token(header=header(alg="RS256", kid="rs"), sign=rs256))
good("ES256, the other of two valid signatures", token(header=header(alg="ES256", kid="es"), sign=lambda m: es256(m, True)))
good("exp 4 s ago, within the leeway", token({**CLAIMS, "exp": NOW - 4}))
good("iat 5 s ahead, within the leeway", token({**CLAIMS, "iat": NOW + 5}))
good("nbf 5 s ahead, within the leeway", token({**CLAIMS, "nbf": NOW + 5}))
good("exp far away", token({**CLAIMS, "exp": 2**53 - 1}))
good("no roles and no scope in their lists", token({**CLAIMS, "roles": [], "scope": ""}))
good("text beyond ASCII", token({**CLAIMS, "jti": "利用者😀", "roles": ["会員"]}))
good("a claim that is not read", token({**CLAIMS, "x": {"x": [1.5, -1e3, None, True, "\"exp\": 1e10, {[", {"x": {}}]}}))
good("nested 20 deep", token(member("x", "[" * 20 + "]" * 20)))
good("blanks in the JSON", token(json.dumps(CLAIMS, indent=1), json.dumps(HEADER, indent=1)))
good("escapes in a name", token(text(CLAIMS).replace(b'"exp"', b'"\\u0065xp"')))
good("6 kB", token({**CLAIMS, "x": "x" * 4_500}))
case("the scheme in lower case", "ok", f"bearer {GOOD}")
case("the scheme in upper case", "ok", f"BEARER {GOOD}")
case("two blanks after the scheme", "ok", f"Bearer  {GOOD}")

# The header field (RFC 6750, section 2.1).
case("no header field", "unauthenticated")
case("two header fields", "invalid_token", f"Bearer {GOOD}", f"Bearer {GOOD}")
for name, value in {
    "an empty header field": "",
    "the scheme alone": "Bearer",
    "another scheme": "Basic YTpi",
    "no scheme": GOOD,
    "the scheme twice": f"Bearer Bearer {GOOD}",
    "the token twice": f"Bearer {GOOD} {GOOD}",
    "a comma and another token": f"Bearer {GOOD}, Bearer {GOOD}",
    "a tab after the scheme": f"Bearer\t{GOOD}",
    "a blank and a tab after the scheme": f"Bearer \t{GOOD}",
    "quotes": f'Bearer "{GOOD}"',
    "a byte that is not ASCII": f"Bearer {GOOD}é",
}.items():
    case(name, "invalid_token", value)

# The form (RFC 7515, sections 2 and 7.1): one spelling for each token.
last = ALPHABET.index(SIGNATURE[-1])
assert last % 16 == 0, "86 characters hold 512 bits and 4 unused ones"
for bits in (1, 8, 15):
    bad(f"unused bits {bits} in the signature", GOOD[:-1] + ALPHABET[last + bits])
for pad in ("=", "==", "%3D%3D"):
    bad(f"{pad} behind the signature", GOOD + pad)
for blank in ("\t", " ", "\t\t"):
    bad(f"{blank!r} in the signature", f"{MESSAGE}.{SIGNATURE[:40]}{blank}{SIGNATURE[40:]}")
assert set("-_") & set(SIGNATURE), "choose another key: the alphabets must differ"
bad("the other base64 alphabet", f"{MESSAGE}.{SIGNATURE.replace('-', '+').replace('_', '/')}")
for name, (part, rest) in {
    "header": (HEAD, "{}." + PAYLOAD),
    "payload": (PAYLOAD, HEAD + ".{}"),
}.items():
    for spelled, change in {"==": f"{part}==", "a tab": f"{part[:8]}\t{part[8:]}", "a dash of its own": f"{part}-"}.items():
        message = rest.format(change)
        bad(f"{spelled} in the {name}, signed so", f"{message}.{base64url(ED.sign(message.encode()))}")
padded = text({**CLAIMS, "x": ""})
while len(padded) % 3 != 1:
    padded = padded[:-2] + b'x"}'
message = f"{HEAD}.{base64url(padded)[:-1]}" + ALPHABET[ALPHABET.index(base64url(padded)[-1]) + 1]
bad("unused bits in the payload, signed so", f"{message}.{base64url(ED.sign(message.encode()))}")
for name, value in {
    "nothing but dots": "..",
    "one part": HEAD,
    "two parts": MESSAGE,
    "no signature": f"{MESSAGE}.",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as of a JWE": f"{HEAD}..{PAYLOAD}.{SIGNATURE}.{SIGNATURE}",
    "an empty part at the end": f"{GOOD}.",
    "an empty part at the start": f".{GOOD}",
    "no header": f".{PAYLOAD}.{SIGNATURE}",
    "no payload": f"{HEAD}..{SIGNATURE}",
    "an empty payload, signed so": token(b""),
    "rubbish": "rubbish",
    "10 kB of rubbish": "x" * 10_000,
    "a refresh token": "sk_rt_" + "x" * 43,
}.items():
    bad(name, value)

# Signatures.
bad("a stranger's signature", token(sign=STRANGER.sign))
bad("another key's signature", token(sign=es256))
bad("a signature of ES256 as DER", token(header=header(alg="ES256", kid="es"), sign=lambda m: ES.sign(m, ec.ECDSA(hashes.SHA256()))))
bad("a signature of other claims", f"{HEAD}.{base64url(text({**CLAIMS, 'sub': 'somebody-else'}))}.{SIGNATURE}")
bad("a signature of another header", f"{base64url(text(header(x=1)))}.{PAYLOAD}.{SIGNATURE}")
signature = ED.sign(MESSAGE.encode())
malleable = int.from_bytes(signature[32:], "little") + ED25519_ORDER
bad("Ed25519 with S beyond the order", f"{MESSAGE}.{base64url(signature[:32] + malleable.to_bytes(32, 'little'))}")
bad("a signature that is one byte short", f"{MESSAGE}.{base64url(signature[:-1])}")
bad("a signature with one byte more", f"{MESSAGE}.{base64url(signature + bytes(1))}")
bad("a signature of zeros", f"{MESSAGE}.{base64url(bytes(64))}")

# Algorithms (RFC 8725, sections 3.1 and 3.2).
for alg in ("none", "None", "NONE", "nOnE", ""):
    bad(f"alg {alg!r} without a signature", token(header=header(alg=alg), sign=lambda _: b""))
    bad(f"alg {alg!r} with a signature", token(header=header(alg=alg)))
spki = ED.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
pem = ED.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
for name, secret in {
    "raw": raw(ED),
    "base64url": base64url(raw(ED)).encode(),
    "DER": spki,
    "DER in base64": base64.b64encode(spki),
    "PEM": pem,
    "PEM without its last line end": pem.strip(),
    "JWK": json.dumps(JWKS["keys"][0]).encode(),
    "JWK, compact": text(JWKS["keys"][0]),
    "nothing": b"",
}.items():
    forged = token(header=header(alg="HS256"), sign=lambda m, s=secret: hmac.new(s, m, "sha256").digest())
    bad(f"HS256 with the public key as the secret: {name}", forged)
for alg in ("ES256", "RS256", "PS256", "HS512", "Ed25519", "eddsa", "EdDSA ", ["EdDSA"], None, 7):
    bad(f"alg {alg!r}, signed with EdDSA", token(header=header(alg=alg)))
bad("EdDSA, signed with ES256 under its kid", token(header=header(kid="es"), sign=es256))
bad("ES256 under the kid of EdDSA", token(header=header(alg="ES256"), sign=es256))

# The protected header: `alg`, `kid`, `typ`, and nothing else. RFC 9068 also knows the type application/at+jwt; the
# server does not write it, and one spelling is enough.
for typ in ("JWT", "jwt", "AT+JWT", "at+JWT", "application/at+jwt", "rt+jwt", "", " at+jwt", ["at+jwt"], None, 7):
    bad(f"typ {typ!r}", token(header=header(typ=typ)))
for kid in ("", "unknown", "ED", "ed ", "../ed", "' or 1=1 --", "__proto__", "constructor", "es", ["ed"], None, 7, True):
    bad(f"kid {kid!r}", token(header=header(kid=kid)))
for name in HEADER:
    bad(f"no {name}", token(header=without(HEADER, name)))
for name, value in {
    "jku": "https://sign-in.example/.well-known/jwks.json",
    "jwk": JWKS["keys"][0],
    "x5u": "https://sign-in.example/certificate",
    "x5c": ["AAAA"],
    "x5t": "AAAA",
    "crit": ["exp"],
    "b64": False,
    "zip": "DEF",
    "cty": "JWT",
    "enc": "A256GCM",
    "x": 1,
    "__proto__": {"kid": "ed"},
}.items():
    bad(f"{name} in the header", token(header=header(**{name: value})))
    bad(f"{name} null in the header", token(header=header(**{name: None})))
bad("crit empty", token(header=header(crit=[])))
bad("crit b64 with b64", token(header=header(crit=["b64"], b64=True)))
own = {**JWKS["keys"][0], "x": base64url(raw(STRANGER))}
bad("jwk of the forger, whose signature holds", token(header=header(jwk=own), sign=STRANGER.sign))
for name, value in {
    "alg twice": '{"alg":"none","typ":"at+jwt","kid":"ed","alg":"EdDSA"}',
    "alg twice, the same": '{"alg":"EdDSA","typ":"at+jwt","kid":"ed","alg":"EdDSA"}',
    "kid twice": '{"alg":"EdDSA","typ":"at+jwt","kid":"unknown","kid":"ed"}',
    "kid twice, once with an escape": '{"alg":"EdDSA","typ":"at+jwt","kid":"ed","k\\u0069d":"ed"}',
    "typ twice": '{"alg":"EdDSA","typ":"JWT","typ":"at+jwt","kid":"ed"}',
    "an array": '["at+jwt","EdDSA","ed"]',
    "an array in the other order": '["EdDSA","ed","at+jwt"]',
    "text": '"EdDSA"',
    "null": "null",
    "nothing": "",
    "two objects": text(HEADER).decode() * 2,
    "a byte behind": text(HEADER).decode() + "x",
    "a NUL behind": text(HEADER).decode() + "\0",
    "no JSON": "{alg: 'EdDSA', typ: 'at+jwt', kid: 'ed'}",
    "a comma too many": text(HEADER).decode()[:-1] + ",}",
    "a byte order mark": "\ufeff" + text(HEADER).decode(),
}.items():
    bad(f"header: {name}", token(header=value))
bad("header: UTF-16", token(header=text(HEADER).decode().encode("utf-16-le")))
bad("header: not UTF-8", token(header=text(header(kid="ed~")).replace(b"~", b"\xff")))

# The payload as JSON (RFC 7519, section 4; RFC 8725, section 3.7).
for name in ("iss", "aud", "sub", "sid", "exp", "iat", "roles", "scope"):
    bad(f"{name} twice", token(text(CLAIMS)[:-1] + f',"{name}":{json.dumps(CLAIMS[name])}}}'.encode()))
bad("exp twice, the first one over", token('{"exp":1,' + text(CLAIMS).decode()[1:]))
bad("exp twice, the last one over", token(text(CLAIMS).decode()[:-1] + ',"exp":1}'))
bad("sub twice, once with an escape", token(text(CLAIMS).decode()[:-1] + ',"s\\u0075b":"somebody-else"}'))
bad("nbf twice", token(text(CLAIMS).decode()[:-1] + f',"nbf":{NOW},"nbf":{NOW}}}'))
bad("a claim that is not read, twice", token(member("x", '1,"x":1')))
bad("twice inside of a claim that is not read", token(member("x", '[{"x":{"a":1,"b":{},"a":1}}]')))
in_order = [CLAIMS[n] for n in ("iss", "aud", "sub", "sid", "jti", "iat", "exp")] + [NOW] + [CLAIMS[n] for n in ("client_id", "scope", "roles")]
for name, value in {
    "an array of the claims": json.dumps(in_order),
    "an array around the object": f"[{text(CLAIMS).decode()}]",
    "text": json.dumps(text(CLAIMS).decode()),
    "a number": "1",
    "null": "null",
    "an empty object": "{}",
    "two objects": text(CLAIMS).decode() * 2,
    "a byte behind": text(CLAIMS).decode() + "x",
    "a NUL behind": text(CLAIMS).decode() + "\0",
    "a comment": text(CLAIMS).decode() + "/**/",
    "a comma too many": text(CLAIMS).decode()[:-1] + ",}",
    "single quotes": text(CLAIMS).decode().replace('"', "'"),
    "a byte order mark": "\ufeff" + text(CLAIMS).decode(),
    "a blank that JSON does not know": "\u00a0" + text(CLAIMS).decode(),
    "a line end in a text": text(CLAIMS).decode().replace("a-token", "a\ntoken"),
    "half a surrogate pair": text(CLAIMS).decode().replace("a-token", "\\ud800"),
    "half a surrogate pair in a claim that is not read": member("x", '"\\udc00"'),
    "half a surrogate pair in a name": member("\\ud800", "1"),
    "NaN": member("x", "NaN"),
    "Infinity": member("x", "Infinity"),
    "a number with a leading zero": member("x", "01"),
    "a number with a plus": member("x", "+1"),
    "nested 4,000 deep": member("x", "[" * 4_000 + "]" * 4_000),
    "nested 1,000 deep, in objects": member("x", '{"x":' * 1_000 + "1" + "}" * 1_000),
}.items():
    bad(f"payload: {name}", token(value))
for encoding in ("utf-16", "utf-16-le", "utf-32-be"):
    bad(f"payload: {encoding}", token(text(CLAIMS).decode().encode(encoding)))
bad("payload: not UTF-8", token(text(CLAIMS).replace(b"a-token", b"a-\xfftoken")))
bad("payload: not UTF-8, overlong", token(text(CLAIMS).replace(b"a-token", b"a-\xc0\xaf")))
bad("payload: not UTF-8, in a claim that is not read", token(member("x", '"~"').encode().replace(b"~", b"\xff")))

# The claims (RFC 9068, sections 2.2 and 4). A claim that is there has its type: null is not "absent".
TEXTS = ("iss", "aud", "sub", "sid", "jti", "client_id", "scope")
for name in CLAIMS:
    bad(f"no {name}", token(without(CLAIMS, name)))
    bad(f"{name} null", token(member(name, "null")))
for name in TEXTS:
    for value in ("7", "true", json.dumps([CLAIMS[name]]), json.dumps({"x": CLAIMS[name]})):
        bad(f"{name} {value}", token(member(name, value)))
for name in ("sub", "sid"):
    bad(f"{name} empty", token({**CLAIMS, name: ""}))
for value in ("https://attacker.example", ISSUER + "/", ISSUER.upper(), ISSUER[:-1], " " + ISSUER, ""):
    bad(f"iss {value!r}", token({**CLAIMS, "iss": value}))
for value in (ISSUER, ISSUER + "/api", "shop", "Orders", "orders ", "orders,shop", "orders shop", ""):
    bad(f"aud {value!r}", token({**CLAIMS, "aud": value}))
bad("aud of two, one of them right", token({**CLAIMS, "aud": ["shop", AUDIENCE]}))
bad("aud of none", token({**CLAIMS, "aud": []}))
for value in ('"admin"', "{}", "7", "true", '["user",7]', '["user",null]', '[["user"]]'):
    bad(f"roles {value}", token(member("roles", value)))
for name in ("iat", "exp", "nbf"):
    near = CLAIMS.get(name, NOW)
    for value in (
        f'"{near}"', f"{near}.0", f"{near}.5", f"{near}e0", f"{near // 100}E2", "1e10", "1e400", "-0", "-0.0",
        str(2**53), str(2**63), str(2**64), "1" * 400, "true", "false", "[]", f"[{near}]", "{}", '""',
    ):
        bad(f"{name} {value}" if len(value) < 40 else f"{name} of {len(value)} digits", token(member(name, value)))
for name, seconds in {"exp": (NOW - 5, NOW - DAY, 0, -1, -(2**53)), "iat": (NOW + 6, NOW + DAY), "nbf": (NOW + 6, NOW + DAY)}.items():
    for value in seconds:
        bad(f"{name} {value - NOW:+} s" if abs(value) > NOW / 2 else f"{name} {value}", token({**CLAIMS, name: value}))
# What was made before the ended sessions that are still remembered could be of any of them.
for value in (NOW - DAY, 0, -1):
    bad(f"iat {value - NOW:+} s, still running", token({**CLAIMS, "iat": value}))

names = [vector["name"] for vector in vectors]
assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
assert all(len(value) < 14_000 for vector in vectors for value in vector["authorization"]), "Node takes 16 kB of headers"
about = "Made by make.py. `code` is what everybody answers to these Authorization header fields at the time `now`."
lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors)
head = {"about": about, "now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "jwks": JWKS}
out = json.dumps(head, indent=1)[:-2] + f',\n "vectors": [\n{lines}\n]\n}}\n'
Path(__file__).with_name("tokens.json").write_text(out, encoding="utf-8")
print(f"{len(vectors)} vectors")
