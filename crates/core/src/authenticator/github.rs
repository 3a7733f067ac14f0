//! GitHub as an OAuth provider: the authorization code flow with PKCE (RFC 7636, RFC 9700). What the result means for
//! an account is decided in [`identity`](crate::identity).
//!
//! GitHub redirects a signed-in user back without interaction and supports neither `prompt=login` nor `max_age`. So it
//! does not count as reauthentication for an account with a password or an administrator (ASVS 7.5.1, 7.5.3); a user who
//! is signed in here must at least select the account there (`prompt=select_account`).

use std::time::Duration;

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use secrecy::ExposeSecret;
use sekisho_model::AuthMethod;
use serde::{Deserialize, de::DeserializeOwned};

use super::Authenticated;
use crate::{
    clock::UnixMillis,
    db::{
        identities::{Identity, Provider},
        users::User,
    },
    email::Email,
    error::{Error, GithubError},
    settings::{GithubConfig, Url},
};

/// Provider key of github.com; other hosts' keys append `:` and the host.
const GITHUB: &str = "github";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The configured GitHub or GitHub Enterprise server.
pub(crate) struct Github {
    pub provider: Provider,
    client: Client,
    api_url: String,
    http: reqwest::Client,
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

/// A user identified by GitHub. Only [`Github::identify`] constructs one.
pub(crate) struct GithubUser {
    /// GitHub's user id on this host; never an e-mail address (ASVS 6.8.1).
    subject: String,
    pub login: String,
    pub name: Option<String>,
    token: BasicTokenResponse,
}

impl GithubUser {
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Authenticates the local user that `identity` links to.
    pub fn authenticate(&self, identity: &Identity, user: User, now: UnixMillis) -> Option<Authenticated> {
        let linked = identity.subject == self.subject && identity.user_id == user.id;
        linked.then(|| Authenticated::new(user, AuthMethod::Github, Some(self.subject.clone()), now))
    }
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
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(Self { provider, client, api_url: config.api_url.to_string(), http })
    }

    /// The authorization URL, the `state` and the PKCE verifier (RFC 7636). `select_account` makes GitHub show its account
    /// picker.
    pub fn authorize(&self, select_account: bool) -> (String, CsrfToken, PkceCodeVerifier) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("read:user".into()))
            .add_scope(Scope::new("user:email".into()))
            .set_pkce_challenge(challenge);
        if select_account {
            request = request.add_extra_param("prompt", "select_account");
        }
        let (url, state) = request.url();
        (url.into(), state, verifier)
    }

    /// Exchanges the authorization code and reads the user.
    pub async fn identify(&self, code: String, verifier: String) -> Result<GithubUser, Error> {
        let token = self.exchange(code, verifier).await?;
        let Profile { id, login, name } = self.get("/user", &token).await?;
        Ok(GithubUser { subject: id.to_string(), login, name, token })
    }

    /// The primary e-mail address, if GitHub has verified it.
    pub async fn verified_email(&self, user: &GithubUser) -> Result<Option<Email>, Error> {
        let addresses: Vec<Address> = self.get("/user/emails", &user.token).await?;
        Ok(addresses.iter().find(|a| a.primary && a.verified).and_then(|a| Email::parse(&a.email)))
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
                    Err(_) => GithubError::Down.into(),
                },
                RequestTokenError::Other(_) => GithubError::Down.into(),
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
            return Err(GithubError::Down.into());
        }
        answer.json().await.map_err(|error| transport(&error))
    }
}

/// The provider key and host of the GitHub server at `url`.
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

/// Maps GitHub's OAuth error code.
pub(crate) fn refusal(error: &str) -> Error {
    tracing::warn!(error = error.escape_debug().to_string(), "GitHub refused the code");
    if error == "bad_verification_code" { GithubError::Expired } else { GithubError::Refused }.into()
}

fn transport(error: &reqwest::Error) -> Error {
    tracing::warn!(timeout = error.is_timeout(), "GitHub can't be reached");
    if error.is_timeout() { GithubError::Slow } else { GithubError::Down }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_key_contains_the_host_except_for_github_com() {
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
