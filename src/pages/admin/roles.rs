//! `/admin/roles`: what there is to be given to people, and what each of it permits.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{Tabs, link};
use crate::{
    http::{error::HttpError, query::Query},
    locale::Lang,
    pages::{
        form::{Field, FormErrorNotice, FormErrors, TextField},
        layout::{Done, Layout},
        step_up::RecentlyAuthenticated,
        table::Table,
        visitor::Administrator,
    },
};
use sekisho_core::Role;
use sekisho_model::RoleName;

#[derive(Deserialize)]
pub struct RolesQuery {
    /// The role to be changed.
    change: Option<String>,
    done: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
pub struct RoleForm {
    name: String,
    /// Separated by blanks.
    permissions: String,
}

#[derive(Deserialize)]
pub struct RemoveRoleForm {
    name: String,
}

pub async fn show(who: Administrator, Query(range): Query<RolesQuery>) -> Result<Response, HttpError> {
    let roles = who.visitor.app.core.roles.list().await?;
    let change = range.change.as_deref().filter(|name| is_free(name));
    let chosen = roles.into_iter().find(|role| change == Some(role.name.as_str()));
    let draft = chosen.map(|role| RoleForm { name: role.name.to_string(), permissions: role.permissions.to_string() });
    let done = match range.done.as_deref() {
        Some("saved") => Some("admin-done-role-saved"),
        Some("removed") => Some("admin-done-role-removed"),
        _ => None,
    };
    page(who, draft.unwrap_or_default(), done, FormErrors::default(), FormErrors::default()).await
}

/// `POST /admin/roles`
pub async fn save(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, RoleForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    let permissions: Vec<_> = form.permissions.split_whitespace().map(str::to_owned).collect();
    match visitor.app.core.roles.save(form.name.trim(), &permissions, &visitor.context).await {
        Ok(_) => Ok(Redirect::to("/admin/roles?done=saved").into_response()),
        Err(error) => page(who, form, None, FormErrors::of(error)?, FormErrors::default()).await,
    }
}

/// `POST /admin/roles/remove`
pub async fn remove(
    RecentlyAuthenticated { who, form }: RecentlyAuthenticated<Administrator, RemoveRoleForm>,
) -> Result<Response, HttpError> {
    let visitor = &who.visitor;
    match visitor.app.core.roles.remove(&form.name, &visitor.context).await {
        Ok(()) => Ok(Redirect::to("/admin/roles?done=removed").into_response()),
        Err(error) => {
            // There is no field to say it at: the button's page says it.
            let FormErrors { fields, form, status, retry_after } = FormErrors::of(error)?;
            let form = fields.first().map(|error| format!("field-{}", error.code)).or(form);
            let refused = FormErrors { fields: Vec::new(), form, status, retry_after };
            page(who, RoleForm::default(), None, FormErrors::default(), refused).await
        }
    }
}

fn is_free(name: &str) -> bool {
    name.parse::<RoleName>().is_ok_and(|name| !name.is_built_in())
}

/// `refused`: why a role was not removed.
async fn page(
    who: Administrator,
    draft: RoleForm,
    done: Option<&'static str>,
    form_errors: FormErrors,
    refused: FormErrors,
) -> Result<Response, HttpError> {
    let visitor = who.visitor;
    let lang = visitor.lang;
    let roles = visitor.app.core.roles.list().await?;
    let page = Layout::new(visitor, "admin-roles").at("/admin").form_errors(&form_errors).form_errors(&refused);
    Ok(page.render(move || view! { <RolesPage lang roles draft done form_errors refused /> }).await)
}

#[component]
fn RolesPage(
    lang: Lang,
    roles: Vec<Role>,
    draft: RoleForm,
    done: Option<&'static str>,
    form_errors: FormErrors,
    refused: FormErrors,
) -> impl IntoView {
    let rows = roles.into_iter().map(|role| view! { <Row lang role /> }).collect_view();
    let errors = form_errors.any().then_some("");
    // What is typed for one role is not offered for another.
    let changed = draft.name.clone();
    let saved = (done == Some("admin-done-role-saved")).then_some("");
    view! {
        <Tabs lang at="/admin/roles" />
        <h1>{lang.t("admin-roles")}</h1>
        <p class="lead">{lang.t("admin-roles-lead")}</p>
        <Done lang done />
        <FormErrorNotice lang form_errors=refused />
        <Table lang label="admin-roles" columns=&["admin-role", "admin-permissions"] actions="admin-role-acts" rows />
        <section class="card" id="role" aria-labelledby="role-title">
            <h2 id="role-title">{lang.t("admin-role-save-title")}</h2>
            <form method="post" action="/admin/roles" data-draft=changed data-saved=saved data-errors=errors>
                <FormErrorNotice lang form_errors=form_errors.clone() />
                <Field lang form_errors=form_errors.clone() name="name" label="name" value=draft.name
                    hint="admin-role-name-hint" maxlength=32 />
                <TextField lang form_errors name="permissions" label="admin-permissions" hint="admin-permissions-hint"
                    value=draft.permissions maxlength=2080 />
                <button>{lang.t("admin-role-save")}</button>
            </form>
        </section>
    }
}

#[component]
fn Row(lang: Lang, role: Role) -> impl IntoView {
    let Role { name, permissions } = role;
    let acts = if !name.is_built_in() {
        let change = format!("{}#role", link("/admin/roles", &[("change", name.as_str())]));
        view! {
            <div class="actions">
                <a
                    class="button secondary small"
                    href=change
                    aria-label=lang.t1("admin-role-change-label", "role", name.as_str())
                >
                    {lang.t("admin-role-change")}
                </a>
                <form method="post" action="/admin/roles/remove">
                    <input type="hidden" name="name" value=name.to_string() />
                    <button class="danger small" aria-label=lang.t1("admin-role-remove-label", "role", name.as_str())>
                        {lang.t("admin-role-remove")}
                    </button>
                </form>
            </div>
        }
        .into_any()
    } else {
        lang.t("admin-role-fixed").into_any()
    };
    let permits = match name.as_str() {
        RoleName::ADMIN => lang.t("admin-everything").into_any(),
        RoleName::USER => lang.t("admin-role-user").into_any(),
        _ => permissions
            .iter()
            .map(|permission| view! { <code>{permission.to_string()}</code> " " })
            .collect_view()
            .into_any(),
    };
    view! {
        <tr>
            <td>{name.to_string()}</td>
            <td>{permits}</td>
            <td class="acts">{acts}</td>
        </tr>
    }
}
