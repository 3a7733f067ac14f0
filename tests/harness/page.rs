//! A page as a browser reads it: its elements by CSS selector, however their markup is written.

use scraper::{ElementRef, Html, Selector};

/// A parsed page.
pub struct Page(Html);

/// An element of a page.
#[derive(Clone, Copy)]
pub struct Element<'a>(ElementRef<'a>);

impl Page {
    pub fn parse(html: &str) -> Self {
        Self(Html::parse_document(html))
    }

    fn root(&self) -> Element<'_> {
        Element(self.0.root_element())
    }

    pub fn select(&self, selector: &str) -> Vec<Element<'_>> {
        self.root().select(selector)
    }

    /// The only element that matches.
    pub fn one(&self, selector: &str) -> Element<'_> {
        self.root().one(selector)
    }

    pub fn has(&self, selector: &str) -> bool {
        self.root().has(selector)
    }

    /// The only form with this action.
    pub fn form(&self, action: &str) -> Element<'_> {
        self.one(&format!("form[action={action:?}]"))
    }

    /// See [`Element::field`].
    pub fn field(&self, name: &str) -> String {
        self.root().field(name)
    }

    /// The page's language.
    pub fn lang(&self) -> &str {
        self.root().attr("lang").unwrap_or_default()
    }
}

impl<'a> Element<'a> {
    pub fn select(self, selector: &str) -> Vec<Self> {
        let selector = Selector::parse(selector).unwrap_or_else(|e| panic!("{selector}: {e:?}"));
        self.0.select(&selector).map(Self).collect()
    }

    /// The only element in this one that matches.
    pub fn one(self, selector: &str) -> Self {
        let found = self.select(selector);
        assert_eq!(found.len(), 1, "{selector} in {}", self.0.html());
        found[0]
    }

    pub fn has(self, selector: &str) -> bool {
        !self.select(selector).is_empty()
    }

    pub fn attr(self, name: &str) -> Option<&'a str> {
        self.0.attr(name)
    }

    /// All text in it.
    pub fn text(self) -> String {
        self.0.text().collect::<String>().trim().to_owned()
    }

    /// What the only control with this name would send.
    pub fn field(self, name: &str) -> String {
        self.one(&format!("[name={name:?}]")).value()
    }

    /// What a control, an `input` or a `textarea`, would send.
    pub fn value(self) -> String {
        match self.0.value().name() {
            "textarea" => self.0.text().collect(),
            _ => self.attr("value").unwrap_or_default().to_owned(),
        }
    }
}
