//! Coming in with GitHub, by the authorization code flow with PKCE (RFC 7636, RFC 9700).
//!
//! State and verifier are bound to the browser that began, live ten minutes, and work once (ASVS 10.1.2). An account
//! is known by GitHub's user id, never by an e-mail address (ASVS 6.8.1): an address that already has an account
//! asks for that account's password before the two are linked.

use std::time::Duration;

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Auth, Caller,
    account::parse_name,
    ceremony::Ceremony,
    email::Email,
    event::{Entry, Kind},
    reason::Reason,
    secret::{OpaqueToken, sha256_hex},
    session::{CookieToken, SignedIn},
    sign_in::taken,
};
use crate::{
    config::{GithubConfig, Url},
    db::{
        identities::{self, Identity},
        users::{self, User},
    },
    error::Error,
};

const PROVIDER: &str = "github";
/// The token that continues a pending link.
const LINK_PREFIX: &str = "sk_ln_";
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub, or a GitHub Enterprise, as configured.
pub struct Github {
    client: Client,
    api_url: String,
    http: reqwest::Client,
}

/// What the person wanted when they left for GitHub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Purpose {
    SignIn,
    /// To link the account that this session is signed in to.
    Link {
        session_id: String,
    },
    /// To prove again who holds this session.
    StepUp {
        session_id: String,
    },
}

/// How a ceremony came out.
pub enum Outcome {
    SignedIn {
        user: Box<User>,
        next: String,
    },
    Linked {
        next: String,
    },
    /// The session has a new secret.
    SteppedUp {
        token: CookieToken,
        next: String,
    },
    /// The address has an account: its password decides. The token continues at [`Auth::confirm_link`].
    PasswordNeeded {
        token: OpaqueToken,
    },
}

/// A departure to GitHub.
#[derive(Serialize, Deserialize)]
struct Departure {
    purpose: Purpose,
    verifier: String,
    next: String,
}

impl Ceremony for Departure {
    const NAME: &'static str = "ceremony-github";
}

/// A link that waits for a password.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLink {
    pub email: String,
    pub login: String,
    subject: String,
    next: String,
}

impl Ceremony for PendingLink {
    const NAME: &'static str = "ceremony-link";
}

#[derive(Deserialize)]
struct Profile {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl Github {
    pub fn new(config: GithubConfig, base_url: &Url) -> Result<Self, Error> {
        let at = |path: &str| format!("{}{path}", config.url);
        let client = BasicClient::new(ClientId::new(config.client_id))
            .set_client_secret(ClientSecret::new(config.client_secret.expose().to_owned()))
            .set_auth_uri(AuthUrl::new(at("/login/oauth/authorize")).map_err(Error::internal)?)
            .set_token_uri(TokenUrl::new(at("/login/oauth/access_token")).map_err(Error::internal)?)
            .set_redirect_uri(RedirectUrl::new(base_url.join("/auth/github/callback")).map_err(Error::internal)?);
        let http = reqwest::Client::builder()
            .user_agent("sekisho")
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client, api_url: config.api_url.to_string(), http })
    }

    async fn exchange(&self, code: String, verifier: String) -> Result<BasicTokenResponse, Error> {
        let http = self.http.clone();
        self.client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&move |request| send(http.clone(), request))
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => transport(&error),
                RequestTokenError::ServerResponse(answer) => refusal(answer.error().as_ref()),
                // GitHub sends its errors with status 200; a 5xx has a page of HTML in it.
                RequestTokenError::Parse(_, body) => match serde_json::from_slice::<TokenError>(&body) {
                    Ok(answer) => refusal(&answer.error),
                    Err(_) => Error::Github("github_down"),
                },
                RequestTokenError::Other(_) => Error::Github("github_down"),
            })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, token: &BasicTokenResponse) -> Result<T, Error> {
        let answer = self
            .http
            .get(format!("{}{path}", self.api_url))
            .bearer_auth(token.access_token().secret())
            .header("accept", "application/vnd.github+json")
            .send()
            .await
            .map_err(|error| transport(&error))?;
        if !answer.status().is_success() {
            tracing::warn!(status = answer.status().as_u16(), path, "GitHub's API refused");
            return Err(Error::Github("github_down"));
        }
        answer.json().await.map_err(|error| transport(&error))
    }
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(request.try_into()?).await?;
    let status = answer.status();
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    Ok(response)
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

fn refusal(error: &str) -> Error {
    tracing::warn!(error = error.escape_debug().to_string(), "GitHub refused the code");
    Error::Github(if error == "bad_verification_code" { "github_expired" } else { "github_refused" })
}

fn transport(error: &reqwest::Error) -> Error {
    tracing::warn!(timeout = error.is_timeout(), "GitHub can't be reached");
    Error::Github(if error.is_timeout() { "github_slow" } else { "github_down" })
}

impl Auth {
    /// Begins a ceremony for the browser that holds `browser`; returns where to send it.
    pub async fn begin_github(&self, browser: &OpaqueToken, purpose: Purpose, next: String) -> Result<String, Error> {
        let github = self.github.as_ref().ok_or(Error::NotFound)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = github
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("read:user".into()))
            .add_scope(Scope::new("user:email".into()))
            .set_pkce_challenge(challenge)
            .url();
        let departure = Departure { purpose, verifier: verifier.secret().clone(), next };
        self.keep_ceremony(&sha256_hex(state.secret().as_bytes()), browser, &departure).await?;
        Ok(url.into())
    }

    /// Takes GitHub's answer: `answer` is the code, or GitHub's word for why there is none.
    pub async fn finish_github(
        &self,
        browser: Option<&OpaqueToken>,
        state: &str,
        answer: Result<String, &str>,
        current: Option<&SignedIn>,
        caller: &Caller,
    ) -> Result<Outcome, Error> {
        let github = self.github.as_ref().ok_or(Error::NotFound)?;
        let unknown = Error::Github("github_state");
        let Some(browser) = browser else { return Err(unknown) };
        let id_hash = sha256_hex(state.as_bytes());
        let ceremony: Departure = self.take_ceremony(&id_hash, browser).await?.ok_or(unknown)?;
        let code = answer.map_err(|error| match error {
            "access_denied" => Error::Github("github_denied"),
            other => refusal(other),
        })?;

        let token = github.exchange(code, ceremony.verifier).await?;
        let profile: Profile = github.get("/user", &token).await?;
        match ceremony.purpose {
            Purpose::SignIn => {
                let addresses: Vec<Address> = github.get("/user/emails", &token).await?;
                self.github_sign_in(profile, addresses, browser, ceremony.next, caller).await
            }
            Purpose::Link { session_id } => {
                // One person's ceremony never ends in another's account (GHSA-cq3f-vc6p-68fh).
                let current = current.filter(|c| c.session.id == session_id).ok_or(Error::Github("github_state"))?;
                self.link(&current.user.id, &profile.id.to_string(), &profile.login, caller).await?;
                Ok(Outcome::Linked { next: ceremony.next })
            }
            Purpose::StepUp { session_id } => {
                let current = current.filter(|c| c.session.id == session_id).ok_or(Error::Github("github_state"))?;
                let identity = self.github_identity(&current.user.id).await?;
                let subject = profile.id.to_string();
                if identity.is_none_or(|identity| identity.subject != subject) {
                    self.log_failed_step_up(&current.user.id, &current.session.id, caller).await?;
                    return Err(Error::Github("github_other"));
                }
                let token = self.stepped_up(current, caller).await?;
                Ok(Outcome::SteppedUp { token, next: ceremony.next })
            }
        }
    }

    async fn github_sign_in(
        &self,
        profile: Profile,
        addresses: Vec<Address>,
        browser: &OpaqueToken,
        next: String,
        caller: &Caller,
    ) -> Result<Outcome, Error> {
        let subject = profile.id.to_string();
        if let Some(identity) = identities::find(self.db.reader(), PROVIDER, &subject).await? {
            let user = users::find(self.db.reader(), &identity.user_id).await?.ok_or(Error::NotFound)?;
            if user.disabled_at.is_some() {
                self.log_alone(Entry::refused(&user.id, Reason::AccountDisabled), caller).await?;
                return Err(Error::AccountDisabled);
            }
            return Ok(Outcome::SignedIn { user: Box::new(user), next });
        }
        let email = addresses
            .iter()
            .find(|a| a.primary && a.verified)
            .and_then(|a| Email::parse(&a.email))
            .ok_or(Error::Github("github_no_email"))?;
        if users::find_by_email(self.db.reader(), email.as_str()).await?.is_some() {
            let token = OpaqueToken::generate(LINK_PREFIX);
            let pending = PendingLink { email: email.as_str().into(), login: profile.login, subject, next };
            self.keep_ceremony(&token.hash(), browser, &pending).await?;
            return Ok(Outcome::PasswordNeeded { token });
        }
        if !self.registration_open {
            return Err(Error::RegistrationClosed);
        }
        let name = profile.name.as_deref().and_then(|name| parse_name(name).ok()).unwrap_or(profile.login.clone());
        let now = self.clock.now();
        let user = User {
            id: self.clock.new_id(),
            email: email.as_str().into(),
            name,
            about: String::new(),
            locale: None,
            password_hash: None,
            roles: "user".into(),
            created_at: now,
            disabled_at: None,
            password_changed_at: Some(now),
            notice_at: None,
            notices_seen_at: None,
        };
        let identity = Identity { subject, user_id: user.id.clone(), login: profile.login };
        let mut act = self.begin(Some(caller)).await?;
        users::insert(act.db(), &user).await.map_err(taken)?;
        identities::insert(act.db(), PROVIDER, &identity, now).await.map_err(linked)?;
        act.log(Entry::new(Kind::Registered).user(&user.id));
        act.log(Entry::new(Kind::GithubLinked).user(&user.id));
        act.commit().await?;
        Ok(Outcome::SignedIn { user: Box::new(user), next })
    }

    /// The link that waits in this browser, as its page shows it.
    pub async fn pending_link(&self, browser: &OpaqueToken, token: &str) -> Result<PendingLink, Error> {
        let unknown = || Error::Github("github_state");
        let token = OpaqueToken::parse(LINK_PREFIX, token).ok_or_else(unknown)?;
        self.find_ceremony(&token.hash(), browser).await?.ok_or_else(unknown)
    }

    /// Links after the account's password was given, and returns whom to sign in, and where they were going.
    pub async fn confirm_link(
        &self,
        browser: &OpaqueToken,
        token: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<(User, String), Error> {
        let pending = self.pending_link(browser, token).await?;
        let user = self.check_password(&pending.email, password, caller).await?;
        let unknown = || Error::Github("github_state");
        let id_hash = OpaqueToken::parse(LINK_PREFIX, token).ok_or_else(unknown)?.hash();
        let pending: PendingLink = self.take_ceremony(&id_hash, browser).await?.ok_or_else(unknown)?;
        self.link(&user.id, &pending.subject, &pending.login, caller).await?;
        Ok((user, pending.next))
    }

    async fn link(&self, user_id: &str, subject: &str, login: &str, caller: &Caller) -> Result<(), Error> {
        if identities::find(self.db.reader(), PROVIDER, subject).await?.is_some_and(|i| i.user_id == user_id) {
            return Ok(());
        }
        let identity = Identity { subject: subject.into(), user_id: user_id.into(), login: login.into() };
        let mut act = self.begin(Some(caller)).await?;
        let now = act.now;
        identities::insert(act.db(), PROVIDER, &identity, now).await.map_err(linked)?;
        act.notify(user_id).await?;
        act.log(Entry::new(Kind::GithubLinked).user(user_id));
        act.commit().await.map(drop)
    }

    /// The GitHub account linked to a user.
    pub async fn github_identity(&self, user_id: &str) -> Result<Option<Identity>, Error> {
        Ok(identities::find_by_user(self.db.reader(), PROVIDER, user_id).await?)
    }

    /// Removes the link, unless nothing else lets the person in.
    pub async fn unlink_github(&self, user_id: &str, caller: &Caller) -> Result<(), Error> {
        let mut act = self.begin(Some(caller)).await?;
        if !identities::delete_if_password(act.db(), PROVIDER, user_id).await? {
            drop(act);
            return match self.github_identity(user_id).await? {
                Some(_) => Err(Error::LastWayIn),
                None => Ok(()),
            };
        }
        act.notify(user_id).await?;
        act.log(Entry::new(Kind::GithubUnlinked).user(user_id));
        act.commit().await.map(drop)
    }
}

/// A unique violation while linking: the GitHub account, or the user's place for one, is taken.
fn linked(error: sqlx::Error) -> Error {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => Error::Github("github_taken"),
        _ => error.into(),
    }
}
