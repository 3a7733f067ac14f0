//! Messages as HTML: inline styles, as mail programs drop style sheets; nothing is loaded from anywhere, so that opening
//! one tells nobody. Colours are the reader's own, light or dark, but for the button; no grey is legible on both.

use leptos::prelude::*;

use super::letter::{Button, Letter, Note};

const BODY: &str = "margin:0;padding:24px 16px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Hiragino Sans',\
     'Noto Sans JP',sans-serif;font-size:16px;line-height:1.5";
const COLUMN: &str = "max-width:560px;margin:0 auto";
const BRAND: &str = "margin:0 0 24px;font-weight:600;opacity:.75";
const HEADING: &str = "margin:0 0 16px;font-size:22px;line-height:1.3;font-weight:600";
const PARAGRAPH: &str = "margin:0 0 16px";
const TABLE: &str = "margin:0 0 16px;border-collapse:collapse";
const LABEL: &str = "padding:4px 16px 4px 0;text-align:left;vertical-align:top;font-weight:normal;opacity:.75";
const VALUE: &str = "padding:4px 0;overflow-wrap:anywhere";
const BUTTON: &str = "display:inline-block;padding:12px 20px;border-radius:6px;background-color:#25457e;color:#fffefb;\
     font-weight:600;text-decoration:none";
const SMALL: &str = "margin:0 0 12px;font-size:14px;opacity:.75";
const LINK: &str = "color:inherit;overflow-wrap:anywhere";
const FOOTER: &str = "margin:24px 0 0;padding:16px 0 0;border-top:1px solid #9ca3af;font-size:14px;opacity:.75";

pub fn render(letter: &Letter) -> String {
    let Letter { lang, subject, text, details, lead, button, notes, footer } = letter;
    let rows = details.iter().map(|(label, value)| {
        view! {
            <tr>
                <th scope="row" style=LABEL>{label.clone()}</th>
                <td style=VALUE>{value.clone()}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let notes = notes.iter().map(note).collect_view();
    let html = view! {
        <html lang=lang.code()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title inner_html=html_escape::encode_text(subject).into_owned()></title>
            </head>
            <body style=BODY>
                <div style=COLUMN>
                    <p style=BRAND>{lang.t("brand")}</p>
                    <h1 style=HEADING>{subject.clone()}</h1>
                    <p style=PARAGRAPH>{text.clone()}</p>
                    <table style=TABLE>{rows}</table>
                    {lead.clone().map(|lead| view! { <p style=PARAGRAPH>{lead}</p> })}
                    {button.as_ref().map(|button| view! {
                        <p style="margin:24px 0">
                            <a href=button.url.clone() style=BUTTON>{button.label.clone()}</a>
                        </p>
                    })}
                    {notes}
                    {button.as_ref().map(plain_link)}
                    <p style=FOOTER>{footer.clone()}</p>
                </div>
            </body>
        </html>
    };
    // `<!>` marks where a browser would hydrate. Escaped text has none.
    format!("<!DOCTYPE html>\n{}\n", html.to_html().replace("<!>", ""))
}

fn note(Note { text, url }: &Note) -> impl IntoView + use<> {
    let link = url.clone().map(|url| view! { <br /><a href=url.clone() style=LINK>{url.clone()}</a> });
    view! { <p style=SMALL>{text.clone()}{link}</p> }
}

/// The button's URL, to be copied, and to be seen before it is opened.
fn plain_link(Button { url, hint, .. }: &Button) -> impl IntoView + use<> {
    view! { <p style=SMALL>{hint.clone()}<br /><a href=url.clone() style=LINK>{url.clone()}</a></p> }
}
