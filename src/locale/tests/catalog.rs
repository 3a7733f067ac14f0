//! What the Fluent files of one language define, as Fluent's own parser reads them.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
};

use fluent_syntax::{
    ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement},
    parser,
};

use crate::locale::Lang;

pub struct Catalog {
    /// In the order of the files, which is that of their names.
    pub keys: Vec<String>,
    messages: HashMap<String, Uses>,
}

/// What a message is made of besides its text.
#[derive(Default)]
struct Uses {
    variables: BTreeSet<String>,
    /// The other messages in it.
    messages: BTreeSet<String>,
}

impl Catalog {
    /// Panics where a file does not parse, defines a message twice, or uses what [`Lang::t`] does not look at.
    pub fn read(lang: Lang) -> Self {
        let mut catalog = Self { keys: Vec::new(), messages: HashMap::new() };
        let folder = format!("{}/locales/{}", env!("CARGO_MANIFEST_DIR"), lang.code());
        let mut files: Vec<_> =
            fs::read_dir(&folder).expect(&folder).map(|entry| entry.expect(&folder).path()).collect();
        files.sort();
        for path in files {
            let text = fs::read_to_string(&path).expect("a text file");
            let path = path.display();
            let resource = parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{path}: {errors:?}"));
            for entry in resource.body {
                match entry {
                    Entry::Message(message) => {
                        let key = message.id.name;
                        assert!(message.attributes.is_empty(), "{path}: {key} has attributes");
                        let mut uses = Uses::default();
                        uses.read(&message.value.unwrap_or_else(|| panic!("{path}: {key} has no text")));
                        assert!(catalog.messages.insert(key.clone(), uses).is_none(), "{path}: {key} is there twice");
                        catalog.keys.push(key);
                    }
                    Entry::Term(term) => panic!("{path}: the term {} is not looked for", term.id.name),
                    Entry::Junk { content } => panic!("{path}: {content}"),
                    Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
                }
            }
        }
        catalog
    }

    pub fn has(&self, key: &str) -> bool {
        self.messages.contains_key(key)
    }

    /// Whether another message contains this one.
    pub fn is_referenced(&self, key: &str) -> bool {
        self.messages.values().any(|uses| uses.messages.contains(key))
    }

    /// The variables of a message and of those in it.
    pub fn variables(&self, key: &str) -> BTreeSet<String> {
        let uses = self.messages.get(key).unwrap_or_else(|| panic!("there is no message {key}"));
        let of_others = uses.messages.iter().flat_map(|other| self.variables(other));
        uses.variables.iter().cloned().chain(of_others).collect()
    }
}

impl Uses {
    fn read(&mut self, pattern: &Pattern<String>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.read_expression(expression);
            }
        }
    }

    fn read_expression(&mut self, expression: &Expression<String>) {
        match expression {
            Expression::Inline(inline) => self.read_inline(inline),
            Expression::Select { selector, variants } => {
                self.read_inline(selector);
                variants.iter().for_each(|variant| self.read(&variant.value));
            }
        }
    }

    fn read_inline(&mut self, inline: &InlineExpression<String>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.clone());
            }
            InlineExpression::MessageReference { id, .. } => {
                self.messages.insert(id.name.clone());
            }
            InlineExpression::FunctionReference { arguments, .. } => self.read_arguments(arguments),
            InlineExpression::TermReference { arguments, .. } => {
                arguments.iter().for_each(|arguments| self.read_arguments(arguments));
            }
            InlineExpression::Placeable { expression } => self.read_expression(expression),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        }
    }

    fn read_arguments(&mut self, arguments: &CallArguments<String>) {
        arguments.positional.iter().for_each(|argument| self.read_inline(argument));
        arguments.named.iter().for_each(|argument| self.read_inline(&argument.value));
    }
}
