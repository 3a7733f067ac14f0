//! Roles, and what they permit. A role is a name with permissions; a user has roles; a change counts from the next
//! request on, here at once and on other nodes within a second, whatever a token still says (ASVS 8.3.2).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Auth, COMMAND_LINE, RequestContext,
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

    /// Refuses what reaches further than this: nobody gives, takes or changes more than they have themselves.
    pub(super) fn cover(&self, roles: &[&Role]) -> Result<(), Error> {
        let covered = roles.iter().all(|role| role.permissions().all(|permission| self.allow(permission)));
        if covered { Ok(()) } else { Err(Error::Forbidden) }
    }
}

impl Role {
    fn permissions(&self) -> impl Iterator<Item = &str> {
        self.permissions.split_ascii_whitespace()
    }
}

/// What whoever acts may do, as it is now.
pub(super) async fn of_actor(act: &mut Act<'_>, known: &[Role]) -> Result<Permissions, Error> {
    let id = match act.actor() {
        Some(COMMAND_LINE) | None => return Ok(Permissions(["*".to_owned()].into())),
        Some(id) => id.to_owned(),
    };
    let user = users::find(act.db(), &id).await?.filter(|user| user.disabled_at.is_none());
    let held = user.iter().flat_map(|user| held_by(user, known)).flat_map(Role::permissions);
    Ok(Permissions(held.map(Into::into).collect()))
}

/// A user's roles, as far as they are known.
pub(super) fn held_by<'a>(user: &User, known: &'a [Role]) -> Vec<&'a Role> {
    known.iter().filter(|role| user.roles().any(|name| name == role.name)).collect()
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
        let permissions = |role: &Role| role.permissions().map(Into::into).collect();
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
    pub async fn save_role(&self, name: &str, permissions: &[String], context: &RequestContext) -> Result<Role, Error> {
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
        let mut act = self.begin(Some(context)).await?;
        let now = act.now;
        roles::lock(act.db(), ADMIN).await?;
        let known = roles::list(act.db()).await?;
        let was = known.iter().filter(|known| known.name == role.name);
        of_actor(&mut act, &known).await?.cover(&was.chain([&role]).collect::<Vec<_>>())?;
        roles::save(act.db(), &role, now).await?;
        act.log(Entry::new(Kind::RoleSaved).detail(format!("{name}: {}", role.permissions)));
        act.commit().await?;
        self.forget_roles();
        Ok(role)
    }

    /// Removes a role that nobody has.
    pub async fn remove_role(&self, name: &str, context: &RequestContext) -> Result<(), Error> {
        if [ADMIN, USER].contains(&name) {
            return Err(Error::field("name", "role-built-in"));
        }
        let mut act = self.begin(Some(context)).await?;
        roles::lock(act.db(), ADMIN).await?;
        let known = roles::list(act.db()).await?;
        let role = known.iter().find(|role| role.name == name).ok_or(Error::NotFound)?;
        of_actor(&mut act, &known).await?.cover(&[role])?;
        if !roles::delete_unused(act.db(), name).await? {
            return Err(Error::field("name", "role-in-use"));
        }
        act.log(Entry::new(Kind::RoleRemoved).detail(name));
        act.commit().await?;
        self.forget_roles();
        Ok(())
    }
}

/// Gives a user exactly these roles of those `known`, and `user`, which everybody has. The act holds the role `admin`.
pub(super) async fn give(
    act: &mut Act<'_>,
    was: &User,
    names: &[String],
    known: &[Role],
    actor: &Permissions,
) -> Result<User, Error> {
    let names: BTreeSet<_> = names.iter().map(String::as_str).filter(|name| *name != USER).collect();
    if names.len() >= MAX_ROLES || !names.iter().all(|name| known.iter().any(|role| role.name == *name)) {
        return Err(Error::field("roles", "role-unknown"));
    }
    let roles = std::iter::once(USER).chain(names).collect::<Vec<_>>().join(" ");
    let user = User { roles, ..was.clone() };
    if was.roles != user.roles {
        let has = |user: &User, role: &Role| user.roles().any(|name| name == role.name);
        let changed: Vec<_> = known.iter().filter(|role| has(was, role) != has(&user, role)).collect();
        actor.cover(&changed)?;
        let now = act.now;
        users::set_roles(act.db(), &user.id, &user.roles, now).await?;
        act.log(Entry::new(Kind::RolesChanged).user(&user.id).detail(&user.roles));
    }
    Ok(user)
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
