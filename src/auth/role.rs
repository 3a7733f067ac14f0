//! Roles, and what they permit. A role is a name with permissions; a user has roles; a change counts from the next
//! request on, here at once and on other nodes within a second, whatever a token still says (ASVS 8.3.2).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Auth, Caller,
    act::Act,
    event::{Entry, Kind},
};
use crate::{
    db::{
        UnixMillis,
        roles::{self, Role},
        users::{self, User},
    },
    error::{Error, FieldError},
};

/// Everybody has it.
pub const USER: &str = "user";
/// May do everything.
pub const ADMIN: &str = "admin";
/// What the administrator's pages and API ask for.
pub const ADMINISTER: &str = "sekisho:admin";
/// How old the roles in memory may be: what another process's change takes to be seen.
const TTL: UnixMillis = 1_000;
const MAX_ROLES: usize = 16;
const MAX_PERMISSIONS: usize = 32;

type Table = Arc<HashMap<String, Box<[String]>>>;

/// The roles as they were read last.
#[derive(Debug, Default)]
pub(super) struct Roles(RwLock<Option<(UnixMillis, Table)>>);

/// What somebody may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<String>);

impl Permissions {
    /// Whether `permission` is among them: by its name, by `*`, or by `orders:*` for `orders:write`.
    pub fn allow(&self, permission: &str) -> bool {
        let covers = |held: &str| match held.strip_suffix('*') {
            Some(prefix) => permission.starts_with(prefix),
            None => held == permission,
        };
        self.0.iter().any(|held| covers(held))
    }
}

/// A lower-case letter, then up to 31 letters, digits and `-`.
fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// `*`, or words of letters, digits, `.`, `-` and `_` with colons in between, the last of which may be `*`.
fn is_permission(text: &str) -> bool {
    let words = text.strip_suffix(":*").unwrap_or(if text == "*" { "all" } else { text });
    text.len() <= 64
        && words.split(':').all(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
        })
}

impl Auth {
    /// What a user may do, by the roles they have.
    pub async fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        if user.roles == USER {
            return Ok(Permissions::default());
        }
        let table = self.role_table().await?;
        let held = user.roles().filter_map(|role| table.get(role)).flatten();
        Ok(Permissions(held.cloned().collect()))
    }

    async fn role_table(&self) -> Result<Table, Error> {
        let now = self.clock.now();
        if let Some((read_at, table)) = &*self.roles.0.read().unwrap_or_else(PoisonError::into_inner)
            && (0..TTL).contains(&(now - read_at))
        {
            return Ok(table.clone());
        }
        let permissions = |role: &Role| role.permissions.split_ascii_whitespace().map(Into::into).collect();
        let rows = roles::list(self.db.reader()).await?;
        let table: Table = Arc::new(rows.iter().map(|role| (role.name.clone(), permissions(role))).collect());
        *self.roles.0.write().unwrap_or_else(PoisonError::into_inner) = Some((now, table.clone()));
        Ok(table)
    }

    fn forget_roles(&self) {
        *self.roles.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// All roles, by name.
    pub async fn list_roles(&self) -> Result<Vec<Role>, Error> {
        Ok(roles::list(self.db.reader()).await?)
    }

    /// Makes a role, or gives an existing one other permissions. `admin` and `user` stay as they are.
    pub async fn save_role(&self, name: &str, permissions: &[String], caller: &Caller) -> Result<Role, Error> {
        let name_fault = match name {
            ADMIN | USER => Some(FieldError::new("name", "role-built-in")),
            name if !is_name(name) => Some(FieldError::new("name", "role-invalid")),
            _ => None,
        };
        let permissions: BTreeSet<_> = permissions.iter().map(String::as_str).collect();
        let fits = permissions.len() <= MAX_PERMISSIONS && permissions.iter().all(|p| is_permission(p));
        let faults: Vec<_> = name_fault
            .into_iter()
            .chain((!fits).then(|| FieldError::new("permissions", "permission-invalid")))
            .collect();
        if !faults.is_empty() {
            return Err(Error::InvalidInput(faults));
        }
        let permissions = permissions.into_iter().collect::<Vec<_>>().join(" ");
        let role = Role { name: name.into(), permissions };
        let mut act = self.begin(Some(caller)).await?;
        let now = act.now;
        roles::lock(act.db(), ADMIN).await?;
        roles::save(act.db(), &role, now).await?;
        act.log(Entry::new(Kind::RoleSaved).detail(format!("{name}: {}", role.permissions)));
        act.commit().await?;
        self.forget_roles();
        Ok(role)
    }

    /// Removes a role that nobody has.
    pub async fn remove_role(&self, name: &str, caller: &Caller) -> Result<(), Error> {
        if [ADMIN, USER].contains(&name) {
            return Err(Error::field("name", "role-built-in"));
        }
        if !self.list_roles().await?.iter().any(|role| role.name == name) {
            return Err(Error::NotFound);
        }
        let mut act = self.begin(Some(caller)).await?;
        roles::lock(act.db(), ADMIN).await?;
        if !roles::delete_unused(act.db(), name).await? {
            return Err(Error::field("name", "role-in-use"));
        }
        act.log(Entry::new(Kind::RoleRemoved).detail(name));
        act.commit().await?;
        self.forget_roles();
        Ok(())
    }
}

/// Gives a user exactly these roles, and `user`, which everybody has. The act holds the role `admin`.
pub(super) async fn give(act: &mut Act<'_>, was: &User, names: &[String]) -> Result<User, Error> {
    let known = roles::list(act.db()).await?;
    let names: BTreeSet<_> = names.iter().map(String::as_str).filter(|name| *name != USER).collect();
    if names.len() >= MAX_ROLES || !names.iter().all(|name| known.iter().any(|role| role.name == *name)) {
        return Err(Error::field("roles", "role-unknown"));
    }
    let roles = std::iter::once(USER).chain(names).collect::<Vec<_>>().join(" ");
    if was.roles != roles {
        let now = act.now;
        users::set_roles(act.db(), &was.id, &roles, now).await?;
        act.log(Entry::new(Kind::RolesChanged).user(&was.id).detail(&roles));
    }
    Ok(User { roles, ..was.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_held_by_name_or_by_what_covers_it() {
        let of = |held: &[&str]| Permissions(held.iter().map(|p| (*p).to_owned()).collect());
        assert!(of(&["*"]).allow(ADMINISTER));
        assert!(of(&["orders:*"]).allow("orders:write") && !of(&["orders:*"]).allow("orders"));
        assert!(of(&["orders:read"]).allow("orders:read") && !of(&["orders:read"]).allow("orders:read:all"));
        assert!(!of(&[]).allow("orders:read"));
    }

    #[test]
    fn names_and_permissions_have_one_form() {
        assert!(["support", "a", "tier-2-eu"].iter().all(|name| is_name(name)));
        assert!(["", "Support", "2nd", "a b", "a_b", "日本", &"a".repeat(33)].iter().all(|name| !is_name(name)));
        assert!(["*", "orders", "orders:read", "orders:*", "a.b:c-d"].iter().all(|p| is_permission(p)));
        assert!(["", ":", "a:", "a b", "a*", "*:a", "A", "a:**"].iter().all(|p| !is_permission(p)));
    }
}
