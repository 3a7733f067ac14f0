//! Icons, inline: in the text's own colour, so that they survive forced colours. Each stands beside a word that says
//! the same, and is none to a screen reader.

use leptos::prelude::*;

use sekisho_core::DeviceForm;

/// A picture on a grid of 24, drawn in lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Desktop,
    Phone,
    Tablet,
    Terminal,
    Alert,
    Theft,
    Key,
    Shield,
    Mail,
    Link,
    SignOut,
    Person,
    Check,
    Circle,
}

impl From<DeviceForm> for Icon {
    fn from(form: DeviceForm) -> Self {
        match form {
            DeviceForm::Desktop => Self::Desktop,
            DeviceForm::Phone => Self::Phone,
            DeviceForm::Tablet => Self::Tablet,
            DeviceForm::Terminal => Self::Terminal,
        }
    }
}

impl Icon {
    fn shapes(self) -> &'static str {
        match self {
            Self::Desktop => r#"<rect x="3" y="4" width="18" height="12" rx="2"/><path d="M9 20h6M12 16v4"/>"#,
            Self::Phone => r#"<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18h2"/>"#,
            Self::Tablet => r#"<rect x="4.5" y="2.5" width="15" height="19" rx="2.5"/><path d="M11 18h2"/>"#,
            Self::Terminal => {
                r#"<rect x="2.5" y="4" width="19" height="16" rx="2.5"/><path d="m7 9 3 3-3 3M12.5 15H17"/>"#
            }
            Self::Alert => r#"<path d="M12 3.5 21.5 20h-19zM12 10v4.5M12 17.2v.3"/>"#,
            Self::Theft => r#"<path d="M8 2.8h8l5.2 5.2v8L16 21.2H8L2.8 16V8zM12 7.5v5.5M12 16.2v.3"/>"#,
            Self::Key => r#"<circle cx="8" cy="15.5" r="4.5"/><path d="m11.2 12.3 8.3-8.3M16 7.5l3 3M13.5 10l2 2"/>"#,
            Self::Shield => r#"<path d="M12 3 4.5 6v5.5c0 4.5 3 7.7 7.5 9.5 4.5-1.8 7.5-5 7.5-9.5V6z"/>"#,
            Self::Mail => r#"<rect x="2.5" y="5" width="19" height="14" rx="2.5"/><path d="m3.5 7 8.5 6 8.5-6"/>"#,
            Self::Link => {
                r#"<path d="M10 14a4.5 4.5 0 0 0 6.5.4l3-3a4.5 4.5 0 0 0-6.4-6.4L11.5 6.600M14 10a4.5 4.5 0 0 0-6.5-.4l-3 3A4.5 4.5 0 0 0 10.9 19l1.6-1.6"/>"#
            }
            Self::SignOut => r#"<path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 8l4 4-4 4M19 12H9.5"/>"#,
            Self::Person => r#"<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c1-4 4-6 7.5-6s6.5 2 7.5 6"/>"#,
            Self::Check => r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.8 2.7 5.2-5.7"/>"#,
            Self::Circle => r#"<circle cx="12" cy="12" r="9" stroke-dasharray="3 3"/>"#,
        }
    }
}

/// Draws an icon.
#[component]
pub fn Picture(icon: Icon) -> impl IntoView {
    view! { <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" inner_html=icon.shapes()></svg> }
}
