//! A person as a round picture of their initials: no picture of them is stored or asked for anywhere.

use leptos::prelude::*;

/// Beside the name, which says the same: a screen reader skips it.
#[component]
pub fn Avatar(name: String) -> impl IntoView {
    view! { <span class="avatar" aria-hidden="true">{initials(&name)}</span> }
}

/// The first letters of the first and the last word; of a name in another script, its first character.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let Some(first) = words.next() else { return "?".to_owned() };
    let last = words.next_back().filter(|last| first.is_uppercase() && last.is_uppercase());
    first.to_uppercase().chain(last.into_iter().flat_map(char::to_uppercase)).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_name() {
        for (name, letters) in [
            ("Ada Lovelace", "AL"),
            ("ada", "A"),
            ("Augusta Ada King", "AK"),
            ("Ludwig van der", "L"),
            ("山田 花子", "山"),
            ("éva", "É"),
            ("“Quoted” Name", "QN"),
            ("…", "?"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
