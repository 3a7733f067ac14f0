//! The enrolment of an authenticator app: a QR code drawn here, the same as a link and as text, and the field for the
//! first code.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

use super::form::{Field, FormErrorNotice, FormErrors};
use crate::locale::Lang;
use sekisho_core::account::second_factors::TotpEnrollment;

/// Modules of empty space around a QR code (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// What an app needs, and a form that posts its first code to `action`, with `children` in it.
#[component]
pub fn TotpSetup(
    lang: Lang,
    enrollment: TotpEnrollment,
    action: &'static str,
    form_errors: FormErrors,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let TotpEnrollment { token, secret, uri } = enrollment;
    let errors = form_errors.any().then_some("");
    view! {
        <p>{lang.t("totp-scan")}</p>
        <QrCodeImage lang text=uri.clone() />
        <p><a href=uri>{lang.t("totp-link")}</a></p>
        <details class="alternative">
            <summary>{lang.t("totp-type")}</summary>
            <p>{lang.t("totp-type-text")}</p>
            <p><code class="secret" translate="no">{grouped(&secret)}</code></p>
        </details>
        <form method="post" action=action data-errors=errors>
            <FormErrorNotice lang form_errors=form_errors.clone() />
            {children.map(|children| children())}
            <input type="hidden" name="enrollment" value=token />
            <Field lang form_errors name="code" label="totp-code" hint="totp-code-hint"
                autocomplete="one-time-code" inputmode="numeric" maxlength=16 />
            <button>{lang.t("totp-submit")}</button>
        </form>
    }
}

/// In groups of four, as people read it; apps ignore the spaces.
fn grouped(secret: &str) -> String {
    let characters: Vec<_> = secret.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// A QR code as inline SVG: no image is requested, so that the secret is in no URL. Dark on light in every theme, as
/// cameras want it.
#[component]
fn QrCodeImage(lang: Lang, text: String) -> impl IntoView {
    QrCode::with_error_correction_level(text, EcLevel::M).ok().map(|code| {
        let size = code.width() + 2 * QUIET_ZONE;
        view! {
            <svg
                class="qr"
                role="img"
                aria-label=lang.t("totp-qr")
                viewBox=format!("0 0 {size} {size}")
                shape-rendering="crispEdges"
            >
                <rect width=size height=size fill="#fff" />
                <path d=path(&code) fill="#000" />
            </svg>
        }
    })
}

/// A square for each dark module.
fn path(code: &QrCode) -> String {
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET_ZONE, at / width + QUIET_ZONE)).collect()
}
