//! The button that leaves for GitHub. It posts a form, as leaving changes something: another site's page can't post it
//! (ASVS 3.5.1).

use leptos::prelude::*;

use crate::locale::Lang;

/// The button, alone.
#[component]
pub fn GithubButton(
    lang: Lang,
    #[prop(default = "/auth/github")] action: &'static str,
    /// Where the auth flow ends.
    #[prop(into)]
    return_to: String,
) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="next" value=return_to />
            <button class="secondary github">{lang.t("login-github")}</button>
        </form>
    }
}

/// The button, as the other way beside a form for the password.
#[component]
pub fn OrGithub(lang: Lang, return_to: String) -> impl IntoView {
    view! {
        <p class="or"><span>{lang.t("or")}</span></p>
        <GithubButton lang return_to />
    }
}
