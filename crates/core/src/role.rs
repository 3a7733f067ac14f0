//! Roles and permissions (RBAC). Changes take effect at once here and within a second on other nodes, whatever a token
//! still claims (ASVS 8.3.2). Rejects privilege escalation: nobody grants or revokes beyond their own permissions.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use sekisho_model::{EventKind, Permission, Permissions, RoleName};
use tracing::instrument;

use crate::{
    audit::event::Entry,
    clock::UnixMillis,
    db::{
        is_unavailable,
        roles::{self, Role},
        users::{self, User},
    },
    error::{Error, FieldError},
    request_context::{Actor, RequestContext},
    unit_of_work::{Store, UnitOfWork},
};

/// Lifetime of the cached roles in milliseconds: the delay of other processes' changes.
const TTL: UnixMillis = 1_000;
const MAX_ROLES: usize = 16;
const MAX_PERMISSIONS: usize = 32;

type Table = Arc<HashMap<RoleName, Permissions>>;

/// The roles of the deployment.
pub struct Roles {
    store: Arc<Store>,
    /// How long the cached roles serve while the database is out of reach, in milliseconds.
    stale_for: UnixMillis,
    /// The cached roles, and when they were read.
    table: RwLock<Option<(UnixMillis, Table)>>,
}

impl Roles {
    pub(crate) fn new(store: Arc<Store>, stale_for: UnixMillis) -> Self {
        Self { store, stale_for, table: RwLock::default() }
    }

    /// The permissions of a user's roles together.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        if user.roles.0.is_empty() {
            return Ok(Permissions::default());
        }
        let table = self.table().await?;
        let held = user.roles.0.iter().filter_map(|role| table.get(role));
        Ok(held.flat_map(Permissions::iter).cloned().collect())
    }

    async fn table(&self) -> Result<Table, Error> {
        let now = self.store.now();
        let known = self.table.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, table)) = &known
            && (0..TTL).contains(&(now - read_at))
        {
            return Ok(table.clone());
        }
        let known = known.filter(|(read_at, _)| (0..self.stale_for).contains(&(now - read_at)));
        let rows = match known {
            Some((_, table)) if self.store.users.is_database_unreachable() => return Ok(table),
            Some((_, table)) => match roles::list(self.store.reader()).await {
                Err(error) if is_unavailable(&error) => return Ok(table),
                rows => rows?,
            },
            None => roles::list(self.store.reader()).await?,
        };
        let table: Table = Arc::new(rows.into_iter().map(|role| (role.name, role.permissions)).collect());
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Some((now, table.clone()));
        Ok(table)
    }

    fn invalidate(&self) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// All roles, sorted by name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(&self) -> Result<Vec<Role>, Error> {
        Ok(roles::list(self.store.reader()).await?)
    }

    /// Creates a role, or replaces its permissions. The built-in `admin` and `user` can't be changed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Forbidden`] beyond the actor's own permissions.
    #[instrument(level = "debug", skip_all, fields(role = name))]
    pub async fn save(&self, name: &str, permissions: &[String], context: &RequestContext) -> Result<Role, Error> {
        let name = match name.parse::<RoleName>() {
            Ok(name) if name.is_built_in() => Err(FieldError::new("name", "role-built-in")),
            name => name.map_err(|_| FieldError::new("name", "role-invalid")),
        };
        let permissions: Result<BTreeSet<Permission>, _> = permissions.iter().map(|text| text.parse()).collect();
        let permissions = permissions.ok().filter(|permissions| permissions.len() <= MAX_PERMISSIONS);
        let permissions = permissions.ok_or_else(|| FieldError::new("permissions", "permission-invalid"));
        let (name, permissions) = match (name, permissions) {
            (Ok(name), Ok(permissions)) => (name, permissions.into_iter().collect()),
            (name, permissions) => {
                return Err(Error::InvalidInput([name.err(), permissions.err()].into_iter().flatten().collect()));
            }
        };
        let role = Role { name, permissions };
        let mut work = self.store.begin(Some(context)).await?;
        let now = work.now;
        roles::lock(work.db(), RoleName::ADMIN).await?;
        let known = roles::list(work.db()).await?;
        let was = known.iter().filter(|known| known.name == role.name);
        require_role_cover(&permissions_of_actor(&mut work, &known).await?, was.chain([&role]))?;
        roles::save(work.db(), &role, now).await?;
        work.log(Entry::new(EventKind::RoleSaved).detail(format!("{}: {}", role.name, role.permissions)));
        work.commit().await?;
        self.invalidate();
        Ok(role)
    }

    /// Deletes a role that is not assigned to any user.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if built-in or in use, [`Error::NotFound`], [`Error::Forbidden`].
    #[instrument(level = "debug", skip_all, fields(role = name))]
    pub async fn remove(&self, name: &str, context: &RequestContext) -> Result<(), Error> {
        let name: RoleName = name.parse().map_err(|_| Error::NotFound)?;
        if name.is_built_in() {
            return Err(Error::field("name", "role-built-in"));
        }
        let mut work = self.store.begin(Some(context)).await?;
        roles::lock(work.db(), RoleName::ADMIN).await?;
        let known = roles::list(work.db()).await?;
        let role = known.iter().find(|role| role.name == name).ok_or(Error::NotFound)?;
        require_role_cover(&permissions_of_actor(&mut work, &known).await?, [role].into_iter())?;
        if !roles::delete_unused(work.db(), name.as_str()).await? {
            return Err(Error::field("name", "role-in-use"));
        }
        work.log(Entry::new(EventKind::RoleRemoved).detail(name.as_str()));
        work.commit().await?;
        self.invalidate();
        Ok(())
    }
}

/// The actor's current permissions; all for the command line and for one's own account.
pub(crate) async fn permissions_of_actor(work: &mut UnitOfWork<'_>, known: &[Role]) -> Result<Permissions, Error> {
    let id = match work.actor() {
        Some(Actor::CommandLine) | None => return Ok(Permissions::all()),
        Some(Actor::Administrator(id)) => id.clone(),
    };
    let user = users::find(work.db(), &id).await?.filter(|user| user.disabled_at.is_none());
    let held = user.iter().flat_map(|user| held_by(user, known));
    Ok(held.flat_map(|role| role.permissions.iter()).cloned().collect())
}

/// The rows of a user's roles.
pub(crate) fn held_by<'a>(user: &User, known: &'a [Role]) -> impl Iterator<Item = &'a Role> {
    known.iter().filter(|role| user.has_role(role.name.as_str()))
}

/// Rejects roles whose permissions exceed `permissions` (privilege escalation).
pub(crate) fn require_role_cover<'a>(
    permissions: &Permissions,
    mut roles: impl Iterator<Item = &'a Role>,
) -> Result<(), Error> {
    let covered = roles.all(|role| role.permissions.iter().all(|permission| permissions.allow(permission.as_str())));
    if covered { Ok(()) } else { Err(Error::Forbidden) }
}

/// Rejects an actor whose permissions do not cover the user's.
pub(crate) async fn require_cover(work: &mut UnitOfWork<'_>, user: &User) -> Result<(), Error> {
    let known = roles::list(work.db()).await?;
    let actor = permissions_of_actor(work, &known).await?;
    require_role_cover(&actor, held_by(user, &known))
}

/// Replaces a user's roles by these of the `known` ones. The transaction holds the lock on the role `admin`.
pub(crate) async fn assign(
    work: &mut UnitOfWork<'_>,
    was: &User,
    names: &[String],
    known: &[Role],
    actor: &Permissions,
) -> Result<User, Error> {
    let names: BTreeSet<_> = names.iter().map(String::as_str).filter(|name| *name != RoleName::USER).collect();
    if names.len() >= MAX_ROLES || !names.iter().all(|name| known.iter().any(|role| role.name.as_str() == *name)) {
        return Err(Error::field("roles", "role-unknown"));
    }
    let given = known.iter().filter(|role| names.contains(role.name.as_str())).map(|role| role.name.clone());
    let user = User { roles: given.collect(), ..was.clone() };
    let changed: Vec<_> =
        known.iter().filter(|r| was.has_role(r.name.as_str()) != user.has_role(r.name.as_str())).collect();
    if !changed.is_empty() {
        require_role_cover(actor, changed.iter().copied())?;
        for role in changed {
            match was.has_role(role.name.as_str()) {
                true => roles::revoke(work.db(), &user.id, &role.name).await?,
                false => roles::grant(work.db(), &user.id, &role.name).await?,
            }
        }
        let names: Vec<_> = user.role_names().collect();
        work.log(Entry::new(EventKind::RolesChanged).user(&user.id).detail(names.join(" ")));
    }
    Ok(user)
}
