use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use sekisho_core::secret::MasterSecret;
use serde_json::{Value, json};

use crate::harness::{HOUR, MINUTE, SECRET, TestApp, process::strategy};

/// A token's claims, read without checking them.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base64");
    serde_json::from_slice(&payload).expect("JSON")
}

struct Forge {
    t: TestApp,
    kid: String,
    public_jwk: Value,
    private_key: Vec<u8>,
    claims: Value,
}

impl Forge {
    async fn new() -> Self {
        let t = TestApp::with_jwts(&[]).await;
        let (_, tokens) = t.api("ada@example.com").await;
        // JWTs are accepted under each strategy.
        let t = match strategy() {
            Some(strategy) => t.restart_with(&[("SEKISHO_STRATEGY", &strategy)]).await,
            None => t,
        };
        let key =
            sqlx::query_as("select kid, public_jwk, private_key from signing_keys").fetch_one(t.db.reader()).await;
        let (kid, public_jwk, private_key): (String, String, String) = key.expect("a key");
        let master = MasterSecret::new(SECRET).expect("long enough");
        Self {
            claims: claims(tokens["access_token"].as_str().expect("a token")),
            public_jwk: serde_json::from_str(&public_jwk).expect("a JWK"),
            private_key: master.open("signing-key", &private_key).expect("the tests' secret opens it"),
            kid,
            t,
        }
    }

    fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        header.kid = Some(self.kid.clone());
        header
    }

    fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims.clone();
        claims[name] = value;
        claims
    }

    /// Signed with the server's own key: only what is in the token can be wrong with it.
    fn sign(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &EncodingKey::from_ed_der(&self.private_key)).expect("signs")
    }

    async fn accepts(&self, token: &str) -> bool {
        let mut client = self.t.anonymous();
        client.bearer = Some(token.to_owned());
        let answer = client.get("/api/v1/me").await;
        if answer.status == 200 {
            return true;
        }
        answer.problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        false
    }
}

#[tokio::test]
async fn a_token_says_who_and_which_session_and_no_more() {
    let f = Forge::new().await;
    let mut names: Vec<_> = f.claims.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["acr", "amr", "aud", "client_id", "exp", "iat", "iss", "jti", "roles", "scope", "sid", "sub"]);
    assert_eq!(f.claims["exp"].as_i64().zip(f.claims["iat"].as_i64()).map(|(e, i)| e - i), Some(15 * 60));
    let token = f.sign(&f.header(), &f.claims);
    assert!(f.accepts(&token).await, "the forge works: what follows is refused for its own fault");
    assert!(token.len() < 1_024, "{} bytes", token.len());
}

#[tokio::test]
async fn forged_headers_are_refused() {
    let f = Forge::new().await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (payload, kid) = (part(&f.claims), json!(f.kid));
    for alg in ["none", "None", "NONE", ""] {
        let header = part(&json!({ "alg": alg, "typ": "at+jwt", "kid": kid }));
        assert!(!f.accepts(&format!("{header}.{payload}.")).await, "alg {alg:?}");
    }

    // HS256 with every encoding of our public key (CVE-2026-34950).
    let x = f.public_jwk["x"].as_str().expect("an Ed25519 key").to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&x).expect("base64");
    let spki: Vec<u8> = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], &raw[..]].concat();
    let base64 = base64::engine::general_purpose::STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let mut header = f.header();
    header.alg = Algorithm::HS256;
    for secret in [
        raw.clone(),
        x.into_bytes(),
        spki,
        base64.into_bytes(),
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        f.public_jwk.to_string().into_bytes(),
        Vec::new(),
    ] {
        let token = encode(&header, &f.claims, &EncodingKey::from_secret(&secret)).expect("signs");
        assert!(!f.accepts(&token).await);
    }

    for typ in [None, Some("JWT"), Some("jwt"), Some("AT+JWT"), Some("rt+jwt"), Some("")] {
        let header = Header { typ: typ.map(Into::into), ..f.header() };
        assert!(!f.accepts(&f.sign(&header, &f.claims)).await, "typ {typ:?}");
    }
    for kid in [None, Some(""), Some("unknown"), Some("../../etc/passwd"), Some("' or 1=1 --")] {
        let header = Header { kid: kid.map(Into::into), ..f.header() };
        assert!(!f.accepts(&f.sign(&header, &f.claims)).await, "kid {kid:?}");
    }
    let jwk = serde_json::from_value(f.public_jwk.clone()).expect("a JWK");
    for header in [
        Header { jku: Some("https://evil.example/jwks.json".into()), ..f.header() },
        Header { x5u: Some("https://evil.example/cert.pem".into()), ..f.header() },
        Header { jwk: Some(jwk), ..f.header() },
        Header { crit: Some(vec!["exp".into()]), ..f.header() },
    ] {
        assert!(!f.accepts(&f.sign(&header, &f.claims)).await, "{header:?}");
    }
}

#[tokio::test]
async fn forged_claims_are_refused_though_the_signature_is_good() {
    let f = Forge::new().await;
    let exp = f.claims["exp"].as_i64().expect("a number");
    let now = f.claims["iat"].as_i64().expect("a number");
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!([f.claims["iss"]])),
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://other.example", f.claims["aud"]])),
        ("exp", json!(exp.to_string())),
        ("exp", json!(exp as f64 + 0.5)),
        ("exp", json!(null)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(true)),
        ("exp", json!(now - 6)),
        ("iat", json!(now + 60)),
        ("iat", json!(now.to_string())),
        ("nbf", json!(now + 60)),
        ("nbf", json!(null)),
        ("nbf", json!(now.to_string())),
        ("sub", json!(1)),
        ("sid", json!(null)),
        ("roles", json!("admin")),
    ] {
        let token = f.sign(&f.header(), &f.with(name, value.clone()));
        assert!(!f.accepts(&token).await, "{name}: {value}");
    }
    for name in ["iss", "aud", "sub", "sid", "exp", "iat", "jti", "client_id", "scope", "roles"] {
        let mut claims = f.claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        assert!(!f.accepts(&f.sign(&f.header(), &claims)).await, "without {name}");
    }
    assert!(f.accepts(&f.sign(&f.header(), &f.with("nbf", json!(now + 3)))).await, "within the leeway");
}

#[tokio::test]
async fn a_token_signed_by_another_key_or_changed_in_one_place_is_refused() {
    let f = Forge::new().await;
    let other = Forge::new().await;
    let header = Header { kid: Some(f.kid.clone()), ..other.header() };
    assert!(!f.accepts(&other.sign(&header, &f.claims)).await);
    let good = f.sign(&f.header(), &f.claims);
    for at in (0..good.len()).step_by(17) {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(changed == good || !f.accepts(&changed).await, "byte {at}");
    }
    for junk in ["", ".", "..", "a.b.c", "x", &good[..good.len() - 1], &format!("{good}.x")] {
        assert!(!f.accepts(junk).await, "{junk:?}");
    }
}

#[tokio::test]
async fn a_token_ends_at_its_time_within_five_seconds() {
    let f = Forge::new().await;
    let token = f.sign(&f.header(), &f.claims);
    f.t.clock.advance(15 * MINUTE - 1_000);
    assert!(f.accepts(&token).await);
    f.t.clock.advance(7_000);
    assert!(!f.accepts(&token).await);
    f.t.clock.advance(-2 * HOUR);
    assert!(!f.accepts(&token).await, "issued in the future");
}

#[tokio::test]
async fn other_tokens_are_no_access_tokens() {
    let t = TestApp::new().await;
    let (_, tokens) = t.api("ada@example.com").await;
    let browser = t.sign_in_browser("ada@example.com").await;
    for token in [tokens["refresh_token"].as_str().expect("a token"), &browser.session_cookie()] {
        let mut client = t.anonymous();
        client.bearer = Some(token.to_owned());
        client.get("/api/v1/me").await.problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn only_one_bearer_header_is_a_credential() {
    let t = TestApp::new().await;
    let (client, tokens) = t.api("ada@example.com").await;
    let token = tokens["access_token"].as_str().expect("a token");
    let absent = t.anonymous().get("/api/v1/me").await;
    absent.problem(401, "unauthenticated");
    assert_eq!(absent.header("www-authenticate"), "Bearer");
    for value in [format!("Basic {token}"), "Bearer".into(), "Bearer ".into(), token.to_owned(), String::new()] {
        let mut odd = t.anonymous();
        odd.headers.push(("authorization", value.clone()));
        odd.get("/api/v1/me").await.problem(401, "invalid_token");
    }
    let mut twice = client.clone();
    twice.headers.push(("authorization", format!("Bearer {token}")));
    twice.get("/api/v1/me").await.problem(401, "invalid_token");
    let mut lower = t.anonymous();
    lower.headers.push(("authorization", format!("bearer {token}")));
    assert_eq!(lower.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn every_algorithm_signs_and_is_published_without_its_private_part() {
    for (algorithm, key_type) in [("EdDSA", "OKP"), ("ES256", "EC"), ("RS256", "RSA")] {
        let t = TestApp::with_jwts(&[("SEKISHO_TOKEN_ALG", algorithm)]).await;
        let (mut client, tokens) = t.api("ada@example.com").await;
        assert_eq!(client.get("/api/v1/me").await.status, 200, "{algorithm}");
        let header = tokens["access_token"].as_str().and_then(|token| token.split('.').next()).expect("a header");
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some(algorithm), Some("at+jwt")));
        let jwks = t.anonymous().get("/.well-known/jwks.json").await.json();
        let key = &jwks["keys"][0];
        assert_eq!((&key["kid"], key["kty"].as_str()), (&header["kid"], Some(key_type)));
        assert_eq!((key["use"].as_str(), key["alg"].as_str()), (Some("sig"), Some(algorithm)));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

#[tokio::test]
async fn tokens_outlive_a_change_of_algorithm_and_the_private_key_is_stored_sealed() {
    let f = Forge::new().await;
    let stored: String =
        sqlx::query_scalar("select private_key from signing_keys").fetch_one(f.t.db.reader()).await.expect("a key");
    assert!(!stored.contains(&URL_SAFE_NO_PAD.encode(&f.private_key)));
    let other = MasterSecret::new("another secret, also 32 characters or more").expect("long enough");
    assert!(other.open("signing-key", &stored).is_err());
}

#[tokio::test]
async fn an_ended_session_is_refused_at_once_and_after_a_restart() {
    let t = TestApp::new().await;
    let (mut client, tokens) = t.api("ada@example.com").await;
    assert_eq!(client.get("/api/v1/me").await.status, 200);
    assert_eq!(client.delete("/api/v1/tokens").await.status, 204);
    assert_eq!(client.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
    assert_eq!(client.delete("/api/v1/tokens").await.status, 204, "signing out twice is signing out");

    let t = t.restart().await;
    let mut client = t.anonymous();
    client.bearer = tokens["access_token"].as_str().map(Into::into);
    assert_eq!(client.get("/api/v1/me").await.problem(401, "session_revoked")["reason"], "signed_out");
}
