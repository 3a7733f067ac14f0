//! A JavaScript object, read and written by member name: the JSON of a response, the data of an event, a message
//! between tabs. Lighter than serde where only a few members are read.

use js_sys::{Date, JSON, Object, Reflect};
use wasm_bindgen::JsValue;

use super::clock::Millis;

#[derive(Clone)]
pub struct Fields(JsValue);

impl Fields {
    pub fn empty() -> Self {
        Self(Object::new().into())
    }

    pub fn parse(json: &str) -> Option<Self> {
        JSON::parse(json).ok().map(Self)
    }

    pub fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        // It throws only on a value that is not an object.
        let _ = Reflect::set(&self.0, &name.into(), &value.into());
        self
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).as_string()
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).as_f64()
    }

    /// An RFC 3339 time, in Unix milliseconds.
    pub fn time(&self, name: &str) -> Option<Millis> {
        let millis = Date::parse(&self.text(name)?);
        (!millis.is_nan()).then_some(millis as Millis)
    }

    pub fn object(&self, name: &str) -> Self {
        Self(self.get(name))
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_truthy()
    }

    pub fn json(&self) -> String {
        JSON::stringify(&self.0).map(String::from).unwrap_or_default()
    }

    fn get(&self, name: &str) -> JsValue {
        // `null.name` throws; an absent object has absent members.
        Reflect::get(&self.0, &name.into()).unwrap_or(JsValue::UNDEFINED)
    }
}

impl From<JsValue> for Fields {
    fn from(value: JsValue) -> Self {
        Self(value)
    }
}

impl From<Fields> for JsValue {
    fn from(fields: Fields) -> Self {
        fields.0
    }
}
