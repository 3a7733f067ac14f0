//! Recovery codes, shown once.

use leptos::prelude::*;

use crate::locale::Lang;
use sekisho_core::authenticator::recovery_code::RecoveryCode;

/// The codes, and a link that saves them as a file, without another request.
#[component]
pub fn RecoveryCodes(lang: Lang, codes: Vec<RecoveryCode>) -> impl IntoView {
    let codes: Vec<_> = codes.iter().map(RecoveryCode::expose).collect();
    let file: String = url::form_urlencoded::byte_serialize(format!("{}\r\n", codes.join("\r\n")).as_bytes()).collect();
    let items = codes.into_iter().map(|code| view! { <li><code translate="no">{code}</code></li> }).collect_view();
    view! {
        <p>{lang.t("recovery-codes-text")}</p>
        <p class="notice" data-kind="info" role="status">{lang.t("recovery-codes-once")}</p>
        <ul class="recovery-codes">{items}</ul>
        <p class="actions">
            <a class="button secondary" download="sekisho-recovery-codes.txt"
                href=format!("data:text/plain;charset=utf-8,{file}")>
                {lang.t("recovery-codes-download")}
            </a>
        </p>
        <p class="hint">{lang.t("recovery-codes-print")}</p>
    }
}
