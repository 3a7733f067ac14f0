//! Cursor pagination: queries read `limit + 1` rows; the cursor is the last id of the page.

/// The cursor of the first page: sorts after every id.
pub(crate) const NEWEST: &str = "g";

/// Truncates `limit + 1` rows to a page; returns the next cursor, if any.
pub(crate) fn page<T>(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|item| id(item).to_owned());
    (items, next)
}
