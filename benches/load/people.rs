//! Who uses Sekisho during the bench: people with an account, a browser, and two API clients each.

use serde_json::{Value, json};

use crate::{
    Result,
    http::{Connection, Request, get, post, request},
    process::Server,
};

const PASSWORD: &str = "a long road to the barrier";
/// As browsers ask for pages.
pub const BROTLI: (&str, &str) = ("accept-encoding", "br");

/// The request that somebody makes.
pub type Ask = fn(&Person) -> Result<Request>;

/// One person and what they hold.
#[derive(Default)]
pub struct Person {
    email: String,
    access_token: String,
    refresh_token: String,
    /// The whole `Cookie` header.
    cookie: String,
}

impl Person {
    pub fn sign_in(&self) -> Result<Request> {
        post("/api/v1/tokens", &[], &json!({ "email": self.email, "password": PASSWORD }))
    }

    pub fn refresh(&self) -> Result<Request> {
        refresh_with(&self.refresh_token)
    }

    pub fn ask_for_me(&self) -> Result<Request> {
        get("/api/v1/me", &[("authorization", &format!("Bearer {}", self.access_token))])
    }

    pub fn browse(&self, path: &str) -> Result<Request> {
        get(path, &[("cookie", &self.cookie), BROTLI])
    }

    /// As the session keeper does.
    pub fn ask_for_token(&self) -> Result<Request> {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        request("POST", "/session/token", &headers, String::new())
    }
}

fn refresh_with(token: &str) -> Result<Request> {
    post("/api/v1/tokens/refresh", &[], &json!({ "refresh_token": token }))
}

/// The next refresh of a chain: with the token that the last one brought.
pub fn refresh_again(body: &[u8]) -> Result<Request> {
    refresh_with(&text(&serde_json::from_slice(body)?, "refresh_token")?)
}

fn text(json: &Value, field: &str) -> Result<String> {
    Ok(json[field].as_str().ok_or_else(|| format!("{field} is not in {json}"))?.to_owned())
}

/// Makes accounts.
pub async fn register(server: &Server, count: usize) -> Result<Vec<Person>> {
    let mut connection = Connection::open(server.address).await?;
    let mut people = Vec::new();
    for number in 0..count {
        let email = format!("traveller-{number}@example.com");
        let new = post("/api/v1/users", &[], &json!({ "email": email, "password": PASSWORD, "name": "Hanako" }))?;
        connection.ask(&new).await?.expect(201)?;
        people.push(Person { email, ..Person::default() });
    }
    Ok(people)
}

/// Signs all of them in: an API client, a browser, and one more client that stays idle.
pub async fn sign_in(server: &Server, people: &mut [Person]) -> Result<()> {
    let mut connection = Connection::open(server.address).await?;
    for person in people {
        connection.ask(&person.sign_in()?).await?.expect(200)?;
        let tokens = connection.ask(&person.sign_in()?).await?.expect(200)?.json()?;
        person.access_token = text(&tokens, "access_token")?;
        person.refresh_token = text(&tokens, "refresh_token")?;

        let form = format!("email={}&password={}", person.email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let answer = connection.ask(&request("POST", "/login", &headers, form)?).await?.expect(303)?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        person.cookie = cookie.ok_or("a sign-in sets a cookie")?.to_owned();
    }
    Ok(())
}

/// What `GET /api/v1/me` answers.
pub async fn me(server: &Server, person: &Person) -> Result<String> {
    let mut connection = Connection::open(server.address).await?;
    Ok(String::from_utf8(connection.ask(&person.ask_for_me()?).await?.expect(200)?.body.to_vec())?)
}
