//! Coming in with GitHub, by the authorization code flow with PKCE (RFC 7636, RFC 9700).
//!
//! State and verifier are bound to the browser that began, live ten minutes, and work once (ASVS 10.1.2). An account
//! is known by GitHub's user id on one host, never by an e-mail address (ASVS 6.8.1): an address that already has an
//! account asks for that account's password before the two are linked ([`link`](super::link)).
//!
//! GitHub sends whoever is signed in there back without asking them anything, and has no `prompt=login` or `max_age`.
//! So its answer is no fresh proof for an account that has a password, nor for an administrator (ASVS 7.5.1, 7.5.3);
//! whoever is signed in here already is at least made to choose the account there (`prompt=select_account`).

use std::time::Duration;

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Auth, RequestContext,
    account::parse_name,
    ceremony::Ceremony,
    email::Email,
    event::{Entry, Kind},
    link::{PendingLink, linked},
    reason::Reason,
    role::ADMINISTER,
    secret::{OpaqueToken, sha256_hex},
    session::{CookieToken, Method, SignedIn},
    sign_in::taken,
};
use crate::{
    db::{
        UnixMillis,
        identities::{self, Identity, Provider},
        users::{self, User},
    },
    error::Error,
    settings::{GithubConfig, Url},
};

/// The provider of github.com; another host's has its name behind it.
const GITHUB: &str = "github";
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub, or a GitHub Enterprise, as configured.
pub struct Github {
    pub(super) provider: Provider,
    client: Client,
    api_url: String,
    http: reqwest::Client,
}

/// What the person wanted when they left for GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    SignIn,
    /// To link the account that is signed in.
    Link,
    /// To prove again who holds the session.
    StepUp,
}

/// How a ceremony came out.
pub enum Outcome {
    /// `subject` is GitHub's id of the user.
    SignedIn {
        user: Box<User>,
        subject: String,
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
    /// Whoever was signed in.
    by: Option<Traveller>,
}

/// A session that left for GitHub. The departure is void once the session is another, or the password changed.
#[derive(Serialize, Deserialize)]
struct Traveller {
    session_id: String,
    password_changed_at: Option<UnixMillis>,
}

impl Traveller {
    fn is(&self, current: &SignedIn) -> bool {
        self.session_id == current.session.id && self.password_changed_at == current.user.password_changed_at
    }
}

impl Ceremony for Departure {
    const NAME: &'static str = "ceremony-github";
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
        let provider = provider(&config.url)?;
        let client = BasicClient::new(ClientId::new(config.client_id))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_uri(AuthUrl::new(at("/login/oauth/authorize")).map_err(Error::internal)?)
            .set_token_uri(TokenUrl::new(at("/login/oauth/access_token")).map_err(Error::internal)?)
            .set_redirect_uri(RedirectUrl::new(base_url.join("/auth/github/callback")).map_err(Error::internal)?);
        let http = reqwest::Client::builder()
            .user_agent("sekisho")
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(Self { provider, client, api_url: config.api_url.to_string(), http })
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

/// Who vouches for what the GitHub at `url` says.
fn provider(url: &Url) -> Result<Provider, Error> {
    let origin = url.origin();
    let host = origin.split_once("://").map(|(_, host)| host).filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::internal("SEKISHO_GITHUB_URL has no host"))?.to_owned();
    let key = if host == "github.com" { GITHUB.to_owned() } else { format!("{GITHUB}:{host}") };
    Ok(Provider { key, host })
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
    /// Begins a ceremony for the browser that holds `browser`; `current` is whoever is signed in there. Returns where
    /// to send it.
    pub async fn begin_github(
        &self,
        browser: &OpaqueToken,
        purpose: Purpose,
        current: Option<&SignedIn>,
        next: String,
    ) -> Result<String, Error> {
        let github = self.github.as_ref().ok_or(Error::NotFound)?;
        if purpose == Purpose::StepUp && !current.is_some_and(by_github_alone) {
            return Err(Error::Forbidden);
        }
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = github
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("read:user".into()))
            .add_scope(Scope::new("user:email".into()))
            .set_pkce_challenge(challenge);
        if current.is_some() {
            request = request.add_extra_param("prompt", "select_account");
        }
        let (url, state) = request.url();
        let by = current.map(|current| Traveller {
            session_id: current.session.id.clone(),
            password_changed_at: current.user.password_changed_at,
        });
        let departure = Departure { purpose, verifier: verifier.secret().clone(), next, by };
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
        context: &RequestContext,
    ) -> Result<Outcome, Error> {
        let github = self.github.as_ref().ok_or(Error::NotFound)?;
        let unknown = || Error::Github("github_state");
        let Some(browser) = browser else { return Err(unknown()) };
        let id_hash = sha256_hex(state.as_bytes());
        let ceremony: Departure = self.take_ceremony(&id_hash, browser).await?.ok_or_else(unknown)?;
        let code = answer.map_err(|error| match error {
            "access_denied" => Error::Github("github_denied"),
            other => refusal(other),
        })?;
        // One person's ceremony never ends in another's account (GHSA-cq3f-vc6p-68fh).
        let same = current.filter(|current| ceremony.by.as_ref().is_some_and(|by| by.is(current)));

        let token = github.exchange(code, ceremony.verifier).await?;
        let profile: Profile = github.get("/user", &token).await?;
        match ceremony.purpose {
            Purpose::SignIn => {
                let addresses: Vec<Address> = github.get("/user/emails", &token).await?;
                // Somebody signed in here since: only the same person may take that session's place.
                let holder = current.filter(|_| same.is_none()).map(|current| current.user.id.as_str());
                self.github_sign_in(github, profile, addresses, (browser, ceremony.next), holder, context).await
            }
            Purpose::Link => {
                let current = same.ok_or_else(unknown)?;
                // GitHub took its time: the session may have ended since it was looked up.
                let context = RequestContext { session_id: Some(current.session.id.clone()), ..context.clone() };
                self.link(&current.user, profile.id.to_string(), profile.login, &context).await?;
                Ok(Outcome::Linked { next: ceremony.next })
            }
            Purpose::StepUp => {
                let current = same.filter(|current| by_github_alone(current)).ok_or_else(unknown)?;
                if !self.is_linked(self.db.reader(), &profile.id.to_string(), &current.user.id).await? {
                    self.log_failed_step_up(&current.user.id, &current.session.id, context).await?;
                    return Err(Error::Github("github_other"));
                }
                let context = RequestContext { session_id: Some(current.session.id.clone()), ..context.clone() };
                let token = self.stepped_up(current, Method::Github, &context).await?;
                Ok(Outcome::SteppedUp { token, next: ceremony.next })
            }
        }
    }

    async fn github_sign_in(
        &self,
        github: &Github,
        profile: Profile,
        addresses: Vec<Address>,
        (browser, next): (&OpaqueToken, String),
        holder: Option<&str>,
        context: &RequestContext,
    ) -> Result<Outcome, Error> {
        let subject = profile.id.to_string();
        let provider = &github.provider;
        let known = identities::find(self.db.reader(), &provider.key, &subject).await?;
        if holder.is_some_and(|holder| known.as_ref().is_none_or(|identity| identity.user_id != holder)) {
            return Err(Error::Github("github_state"));
        }
        if let Some(identity) = known {
            let user = users::find(self.db.reader(), &identity.user_id).await?.ok_or(Error::NotFound)?;
            if user.disabled_at.is_some() {
                self.log_alone(Entry::refused(&user.id, Reason::AccountDisabled), context).await?;
                return Err(Error::AccountDisabled);
            }
            return Ok(Outcome::SignedIn { user: Box::new(user), subject, next });
        }
        let email = addresses
            .iter()
            .find(|a| a.primary && a.verified)
            .and_then(|a| Email::parse(&a.email))
            .ok_or(Error::Github("github_no_email"))?;
        if let Some(user) = users::find_by_email(self.db.reader(), email.as_str()).await? {
            let token = self.keep_link(browser, PendingLink::new(&user, profile.login, subject, next)).await?;
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
        let (provider, user_id) = (provider.key.clone(), user.id.clone());
        let identity = Identity { provider, subject: subject.clone(), user_id, login: profile.login };
        let mut act = self.begin(Some(context)).await?;
        users::insert(act.db(), &user).await.map_err(taken)?;
        identities::insert(act.db(), &identity, &github.provider.host, now).await.map_err(linked)?;
        act.log(Entry::new(Kind::Registered).user(&user.id));
        act.log(Entry::new(Kind::GithubLinked).user(&user.id));
        act.commit().await?;
        Ok(Outcome::SignedIn { user: Box::new(user), subject, next })
    }
}

/// Whether GitHub may prove who somebody is: they have no password, and are no administrator.
pub fn by_github_alone(signed_in: &SignedIn) -> bool {
    signed_in.user.password_hash.is_none() && !signed_in.permissions.allow(ADMINISTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_named_by_its_host() {
        let of = |url: &str| provider(&Url::parse(url).expect("a URL")).expect("a host").key;
        for url in ["https://github.com", "https://GitHub.com:443/", "https://github.com/"] {
            assert_eq!(of(url), "github");
        }
        assert_eq!(of("https://ghe.example/github.com"), "github:ghe.example");
        assert_eq!(of("https://ghe.example:8443"), "github:ghe.example:8443");
        assert_eq!(of("https://github.com.evil.example"), "github:github.com.evil.example");
        assert_eq!(of("https://github.com:444"), "github:github.com:444");
    }
}
