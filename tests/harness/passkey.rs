//! An authenticator in software, which does what it is told: also what no real one does. ES256, without attestation.

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SystemRandom, fill},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

use super::{Answer, Client};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;

/// A passkey; a clone is a copy of its private key.
#[derive(Clone)]
pub struct Passkey {
    pub key: Arc<EcdsaKeyPair>,
    pub id: Vec<u8>,
    pub user_handle: Vec<u8>,
    /// What the last assertion said.
    pub counter: u32,
    pub verifies_user: bool,
    pub synced: bool,
    pub origin: String,
    pub rp_id: String,
    pub cross_origin: bool,
}

/// A ceremony that the server has begun.
pub struct Ceremony {
    pub flow: String,
    pub options: Value,
}

impl Client {
    /// `sign-in`, `step-up` or `enrol`.
    pub async fn begin_ceremony(&mut self, kind: &str) -> Ceremony {
        self.begin_ceremony_with(kind, json!({})).await
    }

    /// Presents a passkey in the sign-in that `waiting` continues.
    pub async fn present_passkey(&mut self, waiting: &str, passkey: &mut Passkey) -> Answer {
        let ceremony = self.begin_ceremony_with("second-factor", json!({ "waiting": waiting })).await;
        let answer = passkey.assert(&ceremony.options).to_string();
        self.send_second_factor(waiting, &ceremony.flow, &answer).await
    }

    /// The status of an attempt to begin the ceremony of a pending sign-in.
    pub async fn present_passkey_status(&mut self, waiting: &str) -> u16 {
        self.post("/session/passkeys/second-factor", json!({ "waiting": waiting })).await.status.as_u16()
    }

    pub async fn send_second_factor(&mut self, waiting: &str, flow: &str, answer: &str) -> Answer {
        let fields = [("waiting", waiting), ("passkey_flow", flow), ("passkey", answer)];
        self.form("/login/verify-passkey", &fields).await
    }

    pub async fn begin_ceremony_with(&mut self, kind: &str, body: Value) -> Ceremony {
        let begun = self.post(&format!("/session/passkeys/{kind}"), body).await;
        assert_eq!(begun.status, 200, "{}", begun.text());
        let begun = begun.json();
        Ceremony { flow: begun["flow"].as_str().expect("a flow").into(), options: begun["options"].clone() }
    }

    /// Adds a passkey to the account, as the page does.
    pub async fn add_passkey(&mut self, passkey: &mut Passkey) -> Answer {
        let ceremony = self.begin_ceremony("enrol").await;
        let answer = passkey.register(&ceremony.options);
        self.send_registration(&ceremony, &answer).await
    }

    pub async fn send_registration(&mut self, ceremony: &Ceremony, answer: &Value) -> Answer {
        let answer = answer.to_string();
        let fields = [("name", "My key"), ("passkey_flow", &ceremony.flow), ("passkey", &answer)];
        self.form("/account/passkeys", &fields).await
    }

    pub async fn sign_in_by_passkey(&mut self, passkey: &mut Passkey) -> Answer {
        let ceremony = self.begin_ceremony("sign-in").await;
        let answer = passkey.assert(&ceremony.options);
        self.send_assertion(&ceremony, &answer).await
    }

    pub async fn send_assertion(&mut self, ceremony: &Ceremony, answer: &Value) -> Answer {
        let answer = answer.to_string();
        let fields = [("next", "/account"), ("passkey_flow", ceremony.flow.as_str()), ("passkey", &answer)];
        self.form("/login/passkey", &fields).await
    }
}

impl Passkey {
    /// A synced one, whose counter stays zero.
    pub fn new() -> Self {
        let mut id = vec![0; 32];
        fill(&mut id).expect("random bytes");
        Self {
            key: Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")),
            id,
            user_handle: Vec::new(),
            counter: 0,
            verifies_user: true,
            synced: true,
            origin: "http://localhost:3000".into(),
            rp_id: "localhost".into(),
            cross_origin: false,
        }
    }

    /// One that stays on its device and counts.
    pub fn counting() -> Self {
        Self { counter: 1, synced: false, ..Self::new() }
    }

    /// The credential id, as stored.
    pub fn id(&self) -> String {
        BASE64URL.encode(&self.id)
    }

    /// `RegistrationResponseJSON`
    pub fn register(&mut self, options: &Value) -> Value {
        self.user_handle = decode(&options["user"]["id"]);
        let mut data = self.authenticator_data(ATTESTED);
        data.extend([0; 16]); // AAGUID
        data.extend(u16::try_from(self.id.len()).expect("a short id").to_be_bytes());
        data.extend(&self.id);
        let point = self.key.public_key().as_ref();
        // COSE_Key {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut object = vec![0xa3]; // {"fmt": "none", "attStmt": {}, "authData": …}
        object.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
        object.extend(&data);
        let client_data = self.client_data("webauthn.create", options);
        self.credential(json!({
            "clientDataJSON": BASE64URL.encode(client_data),
            "attestationObject": BASE64URL.encode(object),
            "transports": ["internal", "hybrid"],
        }))
    }

    /// `AuthenticationResponseJSON`
    pub fn assert(&mut self, options: &Value) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        let data = self.authenticator_data(0);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        self.credential(json!({
            "clientDataJSON": BASE64URL.encode(client_data),
            "authenticatorData": BASE64URL.encode(data),
            "signature": BASE64URL.encode(signature),
            "userHandle": BASE64URL.encode(&self.user_handle),
        }))
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let verified = if self.verifies_user { USER_VERIFIED } else { 0 };
        let synced = if self.synced { BACKUP_ELIGIBLE | BACKED_UP } else { 0 };
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags | USER_PRESENT | verified | synced);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let Self { origin, cross_origin, .. } = self;
        json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": cross_origin })
            .to_string()
    }

    fn credential(&self, response: Value) -> Value {
        json!({
            "id": self.id(),
            "rawId": self.id(),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": response,
            "clientExtensionResults": {},
        })
    }
}

fn decode(value: &Value) -> Vec<u8> {
    BASE64URL.decode(value.as_str().expect("a text")).expect("base64url")
}
