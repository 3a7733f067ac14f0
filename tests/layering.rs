//! The layers, read from the sources. Between crates Cargo keeps them; inside a crate, modules of one folder must not
//! import each other in a circle, and a few names may stand in a few files only.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module's path in its crate, such as `["audit", "event"]`.
type Module = Vec<String>;

struct Crate {
    name: String,
    files: BTreeMap<Module, String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(folder: &str) -> Crate {
    let mut files = BTreeMap::new();
    let src = root().join(folder);
    let mut waiting = vec![src.clone()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(module(&src, &path), fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    Crate { name: folder.into(), files }
}

fn module(src: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(src).expect("below src").with_extension("");
    let path: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path == ["lib"] { Module::new() } else { path }
}

/// The code without its comments and its unit tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths that `use` statements and `crate::…` in the code name, with `crate`, `self` and `super` resolved.
fn imports(from: &Module, code: &str) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    for statement in code.split('\n').collect::<Vec<_>>().join(" ").split(';') {
        if let Some((_, tree)) = statement.rsplit_once("use ").filter(|(before, _)| is_statement_start(before)) {
            flatten("", tree.trim(), &mut |path| {
                found.extend(resolve(from, path));
            });
        }
    }
    for (at, _) in code.match_indices("crate::") {
        let path: String = code[at..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
        found.extend(resolve(from, path.trim_end_matches(':')));
    }
    found
}

fn is_statement_start(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty() || before.ends_with(['}', ';', ']', ')']) || before.ends_with("pub")
}

/// Calls `found` with every path of a `use` tree.
fn flatten(prefix: &str, tree: &str, found: &mut impl FnMut(&str)) {
    match tree.find('{') {
        None => found(&format!("{prefix}{}", tree.split(" as ").next().unwrap_or_default().trim())),
        Some(open) => {
            let prefix = format!("{prefix}{}", &tree[..open]);
            let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
            let (mut depth, mut start) = (0, 0);
            for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        let part = inner[start..at].trim();
                        if !part.is_empty() {
                            flatten(&prefix, part, found);
                        }
                        start = at + 1;
                    }
                    _ => {}
                }
            }
        }
    }
}

fn resolve(from: &Module, path: &str) -> Option<Module> {
    let mut parts = path.split("::").map(str::trim).filter(|part| !part.is_empty()).peekable();
    let mut base = match *parts.peek()? {
        "crate" => {
            parts.next();
            Module::new()
        }
        "self" => {
            parts.next();
            from.clone()
        }
        "super" => from.clone(),
        // A child module named without `self`, or another crate, which is no module of ours.
        _ => from.clone(),
    };
    while parts.next_if_eq(&"super").is_some() {
        base.pop();
    }
    base.extend(parts.map(Into::into));
    Some(base)
}

impl Crate {
    /// The module that a path leads to: the longest part of it that is a file.
    fn target(&self, path: &Module) -> Option<Module> {
        (1..=path.len()).rev().map(|n| path[..n].to_vec()).find(|module| self.files.contains_key(module))
    }

    /// Which children of each folder import which others, a child standing for all that is in it.
    fn edges(&self) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, source) in &self.files {
            // The root composes everything, and re-exports.
            if from.is_empty() || from == &["main"] {
                continue;
            }
            for to in imports(from, &code(source)).iter().filter_map(|path| self.target(path)) {
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                // A parent and its own child are one thing.
                if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                    let folder = edges.entry(from[..shared].to_vec()).or_default();
                    folder.entry(a.clone()).or_default().insert(b.clone());
                }
            }
        }
        edges
    }
}

/// A circle among these, if there is one.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        at: &str,
        edges: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if path.iter().any(|seen| seen == at) {
            path.push(at.into());
            return true;
        }
        if !done.insert(at.into()) {
            return false;
        }
        path.push(at.into());
        for next in edges.get(at).into_iter().flatten() {
            if visit(next, edges, path, done) {
                return true;
            }
        }
        path.pop();
        false
    }
    let (mut path, mut done) = (Vec::new(), BTreeSet::new());
    edges.keys().any(|start| visit(start, edges, &mut path, &mut done)).then_some(path)
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    for folder in ["crates/model/src", "crates/core/src", "src", "clients/rust/src"] {
        let house = read(folder);
        for (folder, edges) in house.edges() {
            let circle = circle(&edges);
            assert_eq!(circle, None, "in {} {}", house.name, folder.join("/"));
        }
    }
}

#[test]
fn the_reader_of_imports_sees_a_circle() {
    let file = |name: &str, source: &str| (vec![name.to_owned()], source.to_owned());
    let house = |b: &str| Crate {
        name: String::new(),
        files: [
            file("a", "use std::fmt;\nuse crate::{\n    b::{self, X},\n    c::Y,\n};"),
            file("b", b),
            file("c", ""),
        ]
        .into(),
    };
    let found = |house: Crate| house.edges().values().find_map(circle);
    assert_eq!(found(house("use super::c::Y; // a::Z")), None);
    assert_eq!(found(house("#[cfg(test)]\nmod tests { use super::a::Z; }")), None);
    assert!(found(house("pub use super::{a::Z};")).is_some());
    assert!(found(house("fn f() -> crate::a::Z {}")).is_some());
}

/// A session begins from an `Authenticated` alone; this is who makes one.
#[test]
fn only_authenticators_say_that_somebody_is_authenticated() {
    let house = read("crates/core/src");
    let files_with = |text: &str| {
        let found = house.files.iter().filter(|(_, source)| code(source).contains(text));
        found.map(|(module, _)| module.join("/")).collect::<Vec<_>>()
    };
    assert_eq!(
        files_with("Authenticated::new("),
        ["authenticator/github", "authenticator/passkey", "authenticator/password"]
    );
    assert_eq!(files_with("Authenticated::resume("), ["sign_in/pending"]);
    assert_eq!(files_with("sessions.begin("), ["sign_in"]);
}
