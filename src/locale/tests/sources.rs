//! The Rust sources as tokens: what is in a macro counts, what is in a comment does not.

use std::{collections::BTreeSet, fs, path::Path};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

pub struct Source {
    /// Below the workspace.
    pub path: String,
    tokens: Vec<TokenTree>,
}

/// A call of `Lang::t`, `Lang::t1` or `Lang::t_with` whose key is written there.
pub struct Lookup {
    /// Several, where the key depends on a condition; with braces, what `format!` makes it of.
    pub keys: Vec<String>,
    /// The variables that it gives values.
    pub variables: BTreeSet<String>,
}

/// Those of the web app, but for these tests.
pub fn web() -> Vec<Source> {
    let mut sources = Vec::new();
    read_folder("src", &mut sources);
    sources.retain(|source| !source.path.starts_with("src/locale/"));
    sources
}

/// Those of the crates that it is built on.
pub fn crates() -> Vec<Source> {
    let mut sources = Vec::new();
    read_folder("crates", &mut sources);
    sources
}

fn read_folder(folder: &str, sources: &mut Vec<Source>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut entries: Vec<_> = fs::read_dir(root.join(folder)).expect(folder).map(|e| e.expect(folder)).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.path().is_dir() {
            read_folder(&path, sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(entry.path()).expect(&path);
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            sources.push(Source { path, tokens: tokens.into_iter().collect() });
        }
    }
}

impl Source {
    /// All string literals.
    pub fn literals(&self) -> Vec<String> {
        literals(&self.tokens)
    }

    pub fn lookups(&self) -> Vec<Lookup> {
        let mut lookups = Vec::new();
        visit(&self.tokens, &mut |tokens| match tokens {
            [dot, method, call, ..] if is_punct(dot, '.') && is_ident(method, "t") => {
                lookups.push(Lookup { keys: literals(&group(call)), variables: BTreeSet::new() });
            }
            [dot, method, call, ..] if is_punct(dot, '.') && (is_ident(method, "t1") || is_ident(method, "t_with")) => {
                let [keys, variables] = [0, 1].map(|argument| literals(&argument_of(call, argument)));
                lookups.push(Lookup { keys, variables: variables.into_iter().collect() });
            }
            _ => {}
        });
        lookups
    }

    /// What a component is given as its `label` or `hint`, without which it is no key.
    pub fn label_attributes(&self) -> Vec<String> {
        let mut keys = Vec::new();
        visit(&self.tokens, &mut |tokens| {
            if let [before, name, equals, value, ..] = tokens
                && (is_ident(name, "label") || is_ident(name, "hint"))
                && !is_punct(before, '-') // aria-label
                && is_punct(equals, '=')
            {
                keys.extend(literal(value));
            }
        });
        keys
    }

    /// What `code` of each error type answers.
    pub fn error_codes(&self) -> Vec<String> {
        let mut codes = Vec::new();
        visit(&self.tokens, &mut |tokens| match tokens {
            [keyword, name, body, ..]
                if is_ident(keyword, "impl")
                    && ["Error", "GithubError", "HttpError"].iter().any(|error| is_ident(name, error)) =>
            {
                codes.extend(literals(&body_of("code", &group(body))));
            }
            _ => {}
        });
        codes
    }

    /// What is given to `FieldError::new` and `Error::field` as the code.
    pub fn field_codes(&self) -> Vec<String> {
        let mut codes = Vec::new();
        visit(&self.tokens, &mut |tokens| {
            if let [of, colon, _, name, call, ..] = tokens
                && is_punct(colon, ':')
                && (is_ident(of, "FieldError") && is_ident(name, "new")
                    || is_ident(of, "Error") && is_ident(name, "field"))
            {
                codes.extend(literals(&argument_of(call, 1)));
            }
        });
        codes
    }
}

/// Shows every place among the tokens, with what follows it there.
fn visit(tokens: &[TokenTree], seen: &mut impl FnMut(&[TokenTree])) {
    for (at, token) in tokens.iter().enumerate() {
        seen(&tokens[at..]);
        if let TokenTree::Group(_) = token {
            visit(&group(token), seen);
        }
    }
}

fn literals(tokens: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    visit(tokens, &mut |tokens| found.extend(tokens.first().and_then(literal)));
    found
}

/// The text of a plain string literal, as it is written.
fn literal(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Literal(literal) => Some(literal.to_string().strip_prefix('"')?.strip_suffix('"')?.to_owned()),
        _ => None,
    }
}

/// What a pair of brackets encloses; nothing where there is none.
fn group(token: &TokenTree) -> Vec<TokenTree> {
    match token {
        TokenTree::Group(group) => group.stream().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What the function of this name does, among the items of an `impl`.
fn body_of(function: &str, items: &[TokenTree]) -> Vec<TokenTree> {
    let at = items.windows(2).position(|pair| is_ident(&pair[0], "fn") && is_ident(&pair[1], function));
    let body = at.and_then(|at| items[at..].iter().find(|token| is_group(token, Delimiter::Brace)));
    body.map(group).unwrap_or_default()
}

/// One argument of a call, given its parentheses.
fn argument_of(call: &TokenTree, index: usize) -> Vec<TokenTree> {
    let tokens = group(call);
    tokens.split(|token| is_punct(token, ',')).nth(index).map(<[TokenTree]>::to_vec).unwrap_or_default()
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if *ident == name)
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}
