//! Text columns that are parsed: ids, and closed sets of names. A value that does not parse is an error that says so,
//! never a default.

use std::error::Error;

use sekisho_model::{
    AuthMethod, EmailTokenPurpose, EndReason, MailKind, Permissions, RoleName, SessionId, SessionKind, UserId,
};
use sqlx::{
    Any, Decode, Type,
    any::{AnyTypeInfo, AnyValueRef},
    error::BoxDynError,
};

/// A column parsed as `T`, for `#[sqlx(try_from = "Text<T>")]`. With `try_from = "String"`, sqlx 0.9 loses the error of
/// the conversion ("unprintable error").
pub struct Text<T>(pub T);

impl<T> Type<Any> for Text<T> {
    fn type_info() -> AnyTypeInfo {
        <String as Type<Any>>::type_info()
    }

    fn compatible(column: &AnyTypeInfo) -> bool {
        <String as Type<Any>>::compatible(column)
    }
}

impl<'r, T: TryFrom<String, Error: Error + Send + Sync + 'static>> Decode<'r, Any> for Text<T> {
    fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<String as Decode<Any>>::decode(value)?.try_into()?))
    }
}

/// A nullable column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nullable<T>(pub Option<T>);

impl<T> From<Option<Text<T>>> for Nullable<T> {
    fn from(column: Option<Text<T>>) -> Self {
        Self(column.map(|Text(value)| value))
    }
}

macro_rules! text_columns {
    ($($name:ident,)*) => {
        $(
            impl From<$crate::db::text::Text<$name>> for $name {
                fn from($crate::db::text::Text(value): $crate::db::text::Text<$name>) -> Self {
                    value
                }
            }
        )*
    };
}

pub(super) use text_columns;

text_columns! { AuthMethod, EmailTokenPurpose, EndReason, MailKind, Permissions, RoleName, SessionId, SessionKind, UserId, }
