//! Password strength by zxcvbn, whose cost grows with its input in several ways. Bounds all of them, against denial of
//! service; runs only in [`super::pool`].

use std::{borrow::Cow, panic};

/// Characters scored: zxcvbn's cost is cubic in the length.
const MAX_CHARS: usize = 64;
/// Characters used of all `user_inputs` together.
const MAX_CONTEXT: usize = 256;
/// Words used of `user_inputs`: each is searched once per combination of l33t substitutions.
const MAX_WORDS: usize = 24;
/// zxcvbn searches its dictionaries once per combination of l33t substitutions: 8 for digits alone, 1152 for all
/// characters of [`SUBSTITUTES`].
const MAX_COMBINATIONS: usize = 8;

/// zxcvbn's substitution table; a character that stands for two letters counts twice.
const SUBSTITUTES: [(char, &str); 12] = [
    ('a', "4@"),
    ('b', "8"),
    ('c', "({[<"),
    ('e', "3"),
    ('g', "69"),
    ('i', "1!|"),
    ('l', "11||77"),
    ('o', "0"),
    ('s', "$5"),
    ('t', "+7"),
    ('x', "%"),
    ('z', "2"),
];

/// zxcvbn's score, 0 (guessed at once) to 4 (very hard), given `user_inputs` known to the attacker. Takes milliseconds:
/// call it in the pool.
pub(super) fn strength(password: &str, user_inputs: &[String]) -> u8 {
    let password: String = password.chars().take(MAX_CHARS).collect();
    let words = words(user_inputs);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["sekisho"]).collect();
    let password = fold_substitutes(&password);
    // zxcvbn overflows on some inputs, a panic in debug builds: score 0.
    let score = panic::catch_unwind(|| zxcvbn::zxcvbn(&password, &words).score());
    score.map_or(0, u8::from)
}

/// Each input whole, split at `@`, and split into words.
fn words(user_inputs: &[String]) -> Vec<String> {
    let mut left = MAX_CONTEXT;
    let mut words = Vec::new();
    for text in user_inputs {
        let text: String = text.chars().take(left).collect();
        left -= text.chars().count();
        let parts = std::iter::once(text.as_str())
            .chain(text.split('@'))
            .chain(text.split(|c: char| !c.is_alphanumeric()))
            .filter(|part| part.chars().count() > 2)
            .map(str::to_lowercase);
        for part in parts {
            if words.len() < MAX_WORDS && !words.contains(&part) {
                words.push(part);
            }
        }
    }
    words
}

/// Folds the substitutes of a letter into one if there are too many combinations. Words are still recognised and the
/// length is kept, so the score does not change in practice.
fn fold_substitutes(password: &str) -> Cow<'_, str> {
    if combinations(password) <= MAX_COMBINATIONS {
        return Cow::Borrowed(password);
    }
    let fold = |c| match c {
        '@' => '4',
        '{' | '[' | '<' => '(',
        '9' => '6',
        '!' | '|' => '1',
        '$' => '5',
        '+' => '7',
        c => c,
    };
    Cow::Owned(password.chars().map(fold).collect())
}

/// Upper bound of the combinations zxcvbn would try.
fn combinations(password: &str) -> usize {
    SUBSTITUTES.iter().map(|(_, all)| all.chars().filter(|c| password.contains(*c)).count().max(1)).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(password: &str) -> u8 {
        strength(password, &[])
    }

    #[test]
    fn l33t_combinations_are_bounded() {
        let all: String = SUBSTITUTES.iter().map(|(_, all)| *all).collect();
        assert_eq!(combinations(&all), 1152);
        assert!(combinations(&fold_substitutes(&all)) <= MAX_COMBINATIONS);
        assert_eq!(combinations("0123456789"), 8);
        assert_eq!(fold_substitutes("P4$$w0rd!"), "P4$$w0rd!", "what is bounded stays as it is");
    }

    #[test]
    fn l33t_substitution_does_not_raise_the_score_of_a_common_password() {
        for common in ["p4$$w0rd", "P@ssw0rd1", "!l0v3y0u", "1234567890", "!@#$%^&*()", "qwertyuiop[]"] {
            assert!(score(common) < 2, "{common}");
        }
        for hard in ["4@8({[<3691!|0$5+7%2", "correct horse battery staple", "xK8$vQ2{mZ7<pL4!"] {
            assert_eq!(score(hard), 4, "{hard}");
        }
    }

    /// The slowest inputs found, of different kinds; unbounded, the first took 0.7 s in a release build.
    #[test]
    fn the_worst_inputs_take_milliseconds() {
        let ladder = |unit: &str| (3..60).map(|n| unit.chars().cycle().take(n).collect::<String>()).collect();
        let none = Vec::new();
        for (password, user_inputs) in [
            ("4@8({[<3691!|0$5+7%2".repeat(3_000), none.clone()),
            ("4831670592".repeat(7), ladder("aebigltosz")),
            ("a".repeat(64), ladder("a")),
            ("4".repeat(64), ladder("a")),
            ("4e".repeat(32), ladder("ae")),
            ("17".repeat(32), ladder("il")),
            ("1.1.1991".repeat(8), none.clone()),
            ("111991111".repeat(8), none.clone()),
            ("aabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz112233445566".into(), none.clone()),
            ("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/".repeat(2), none.clone()),
            ("p4$$w0rd1l0v3y0um0nk3ydr4g0nl3tm31nb4s3b4llsunsh1n3pr1nc3ssm4st3r".into(), none.clone()),
            ("İŞĞ関所\u{10ffff}\n\0".repeat(13), ladder("İş")),
        ] {
            let start = std::time::Instant::now();
            strength(&password, &user_inputs);
            let took = start.elapsed();
            assert!(took < std::time::Duration::from_millis(500), "{took:?}: {password:.80}");
        }
    }

    #[test]
    fn user_inputs_are_cut_to_a_few_words_of_256_characters_together() {
        let many: Vec<String> = (0..1_000).map(|n| format!("word{n}@host{n}.example")).collect();
        let words = words(&many);
        assert!(words.len() <= MAX_WORDS && words.iter().map(String::len).sum::<usize>() < 3 * MAX_CONTEXT);
        assert_eq!(self::words(&["x".repeat(60_000)]), ["x".repeat(MAX_CONTEXT)]);
        assert_eq!(strength("hanako.yamada", &["hanako.yamada@example.jp".into()]), 0);
    }
}
