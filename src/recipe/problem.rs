//! Everything that can be wrong with a recipe, in words.

use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::resources::QuantityError;
use crate::model::schema::ParamError;
use crate::model::span::Span;
use crate::model::template::TemplateError;
use crate::model::text::{count, near_misses, one_of};
use crate::recipe::limits;

/// What a placeholder could have named.
#[derive(Debug)]
pub struct Known {
    pub names: Vec<String>,
    /// Why a name of its kind cannot be among them.
    pub absent: Option<String>,
}

/// A problem with a recipe or with a file it reads.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    // Files.
    #[error("`{path}` is not there")]
    NoFile { path: String, near: Vec<String> },
    #[error("`{path}` cannot be read: {cause}")]
    Unreadable { path: String, cause: String },
    #[error("`{path}` is not UTF-8 text")]
    NotText { path: String },
    #[error("`{path}` has {bytes} bytes, more than is read")]
    TooLarge { path: String, bytes: usize },
    #[error("`{path}` is no parameter file by its name")]
    UnknownFormat { path: String },
    #[error("`{path}` is no table of points by its name")]
    UnknownTable { path: String },
    #[error("bad {format}: {words}")]
    BadSyntax { format: &'static str, words: String },
    #[error("a parameter file holds names with values, found {found}")]
    NotATable { found: &'static str },
    #[error("bad CSV: {words}")]
    BadCsv { words: &'static str },
    #[error("this line has {}, the first line has {expected}", count(*found, "field"))]
    CsvWidth { expected: usize, found: usize },
    #[error("`{number}` does not fit into 64 bits")]
    NumberRange { number: String },
    #[error("no parameter file has `{name}`")]
    UnknownSetting { name: String, known: Vec<String> },
    #[error("`{name}` is a group of parameters, not a value")]
    SettingIsGroup { name: String, names: Vec<String> },
    #[error("no file matches `{pattern}`")]
    EmptyScan { pattern: String, near: Vec<String> },
    #[error("module `{path}` imports itself")]
    ImportLoop { path: String },

    // Values.
    #[error("{}`{number}` is not a finite number", named(.name))]
    NotFinite { name: String, number: f64 },
    #[error("{}{found} cannot be a parameter", named(.name))]
    NotAValue { name: String, found: &'static str },
    #[error("{}a text has a NUL character", named(.name))]
    NulInText { name: String },
    #[error("{what} takes a text, found {found}")]
    NotAText { what: String, found: &'static str },

    // Items.
    #[error("`{name}` cannot name a column, `{{{name}}}` has a meaning of its own")]
    ReservedColumn { name: String },
    #[error("`{name}` cannot name a column")]
    BadColumn { name: String },
    #[error("{count} items are too many")]
    TooManyItems { count: usize },
    #[error("both sides of `{operation}` have `{name}`")]
    SharedColumn { name: String, operation: &'static str },
    #[error("items have different names: {} and {}", list(.left), list(.right))]
    DifferentColumns { left: Vec<String>, right: Vec<String> },
    #[error("`zip` pairs {} with {right}", count(*left, "item"))]
    DifferentLengths { left: usize, right: usize },
    #[error("the closure of `filter` must say `true` or `false`, found {found}")]
    FilterAnswer { found: &'static str },
    #[error("point {index} is {found}, not a map of names and values")]
    NotAPoint { index: usize, found: &'static str },
    #[error("points are a map, a list of maps or a file's name, found {found}")]
    NotPoints { found: &'static str },
    #[error("`{name}` of an item is a text, number or boolean, found {found}")]
    NotAScalar { name: String, found: &'static str },
    #[error("there is no item {index} among {length}")]
    NoItem { index: i64, length: usize },
    #[error("items have no column `{name}`")]
    NoColumn { name: String, known: Vec<String> },

    // Language.
    #[error("the file ends too early")]
    EndsEarly,
    #[error("a text is not closed")]
    OpenText,
    #[error("`{token}` is missing {purpose}")]
    MissingToken { token: String, purpose: String },
    #[error("`{word}` is not available in recipes")]
    Forbidden { word: String },
    #[error("key `{name}` is written twice")]
    KeyTwice { name: String },
    #[error("nothing is named `{name}`")]
    UnknownName { name: String, near: Vec<String> },
    #[error("`{name}` cannot be seen from here")]
    OutOfReach { name: String },
    #[error("no module is imported as `{name}`")]
    UnknownAlias { name: String, near: Vec<String> },
    #[error("there is no function `{name}`")]
    UnknownFunction { name: String, near: Vec<String> },
    #[error("{}", arguments_words(.name, .arguments))]
    WrongArguments { name: String, arguments: Vec<String>, signature: Option<&'static str> },
    #[error("there is no `{name}` in {owner}")]
    NoSuchProperty { name: String, owner: String },
    #[error("there is no `{name}` here")]
    NoProperty { name: String, known: Vec<String> },
    #[error("{wanted} is needed here, found {found}")]
    WrongValue { wanted: String, found: String },
    #[error("`{operator}` compares {left} with {right}")]
    MixedComparison { operator: &'static str, left: &'static str, right: &'static str },
    #[error("there is no element {index} in a list of {length}")]
    NoElement { index: i64, length: usize },
    #[error("`for` cannot go through this value")]
    NotIterable,
    #[error("the recipe does not come to an end")]
    NoEnd,
    #[error("calls or expressions are nested too deeply")]
    TooDeep,
    #[error("{what} grew too large")]
    DataTooLarge { what: String },
    #[error("too many modules are imported")]
    TooManyModules,
    #[error("{words}")]
    Syntax { words: String },

    // Rules.
    #[error("rule `{rule}` is declared twice")]
    RuleTwice { rule: String },
    #[error("`{rule}` cannot name a rule")]
    BadRuleName { rule: String },
    #[error("rule `{rule}` has an unknown key `{key}`")]
    UnknownKey { rule: String, key: String, known: Vec<String> },
    #[error("rule `{rule}` has no command")]
    NoCommand { rule: String },
    #[error("rule `{rule}` has more than one command")]
    ManyCommands { rule: String },
    #[error("`args` goes with `script` only")]
    LonelyArgs,
    #[error("rule `{rule}` has no output")]
    NoOutput { rule: String },
    #[error("`{key}` must be {wanted}, found {found}")]
    WrongType { key: String, wanted: &'static str, found: &'static str },
    #[error("`{key}` cannot be computed for each item")]
    NotPerItem { key: String },
    #[error("`{key}` is empty")]
    Empty { key: String },
    #[error("`{key}` is `{number}`, must be between {min} and {max}")]
    Range { key: String, number: i64, min: i64, max: i64 },
    #[error("`{key}` needs a unit")]
    NoUnit { key: String, example: String },
    #[error(transparent)]
    Quantity(QuantityError),
    #[error("`resources` has no `{name}`")]
    UnknownResource { name: String, known: Vec<String> },
    #[error("`{name}` cannot name an environment variable")]
    BadVariable { name: String },
    #[error(transparent)]
    BadTemplate(TemplateError),
    #[error("`{{{name}}}` has no value in `{key}` of rule `{rule}`")]
    UnknownPlaceholder { name: String, key: String, rule: String, known: Known },
    #[error("`{{{name}}}` stands for a group of parameters")]
    PlaceholderGroup { name: String, known: Vec<String> },
    #[error("`{{{name}}}` is not among the names of `over`, so this input collects all matches")]
    SuspiciousWildcard { name: String, near: String },
    #[error("output of rule `{rule}` lacks {}", braced(.lacking))]
    OutputLacks { rule: String, lacking: Vec<String>, items: usize },
    #[error("there is no kernel `{name}`")]
    UnknownKernel { name: String, known: Vec<String> },
    #[error("kernel `{kernel}` has no {port} `{role}`")]
    UnknownRole { kernel: String, port: &'static str, role: String, known: Vec<String> },
    #[error("kernel `{kernel}` needs {port} `{role}`")]
    MissingRole { kernel: String, port: &'static str, role: String, doc: String },
    #[error("{port} `{role}` of kernel `{kernel}` takes a single path")]
    SinglePath { kernel: String, port: &'static str, role: String, known: Vec<String> },
    #[error(transparent)]
    Parameter(ParamError),
    #[error("there is no rule or output `{name}`")]
    UnknownTarget { name: String, known: Vec<String> },
}

impl Problem {
    /// What to write instead, where that is known.
    fn hint(&self) -> Option<String> {
        use Problem as P;
        match self {
            P::NoFile { near, .. } | P::EmptyScan { near, .. } => {
                (!near.is_empty()).then(|| format!("nearby there is {}", list(near)))
            }
            P::UnknownFormat { .. } => {
                Some("parameter files end in `.toml`, `.json`, `.yaml` or `.yml`".to_owned())
            }
            P::UnknownTable { .. } => Some("tables of points end in `.csv` or `.json`".to_owned()),
            P::UnknownSetting { name, known } => did_you_mean(name, known).or_else(|| {
                known.is_empty().then(|| "the recipe reads no parameter file".to_owned())
            }),
            P::SettingIsGroup { names, .. } => Some(format!("it holds {}", list(names))),
            P::BadColumn { .. } => {
                Some("a name is a letter or `_`, then letters, digits, `_` and `-`".to_owned())
            }
            P::NoColumn { name, known }
            | P::UnknownResource { name, known }
            | P::UnknownKernel { name, known }
            | P::UnknownTarget { name, known } => did_you_mean_or_list(name, known),
            P::NoProperty { name, known } => did_you_mean(name, known).or_else(|| {
                let adds = "`map.set(name, value)` adds a name";
                Some(match known.is_empty() {
                    true => adds.to_owned(),
                    false => format!("{}; {adds}", did_you_mean_or_list(name, known)?),
                })
            }),
            P::UnknownKey { key, known, .. } => did_you_mean_or_list(key, known),
            P::UnknownRole { role, known, .. } => did_you_mean_or_list(role, known),
            P::UnknownPlaceholder { name, known, .. } => Some(placeholder_hint(name, known)),
            P::PlaceholderGroup { known, .. } => Some(format!("it holds {}", braced(known))),
            P::SuspiciousWildcard { near, .. } => Some(format!("did you mean `{{{near}}}`?")),
            P::UnknownName { near, .. }
            | P::UnknownAlias { near, .. }
            | P::UnknownFunction { near, .. } => {
                (!near.is_empty()).then(|| format!("did you mean {}?", one_of(near)))
            }
            P::WrongArguments { signature, .. } => {
                signature.map(|signature| format!("it is called as `{signature}`"))
            }
            P::NoSuchProperty { name, owner } if owner == "items" => Some(format!(
                "`.column(\"{name}\")` gives the values of all items, `[0].{name}` that of the first"
            )),
            P::MixedComparison { .. } => Some(
                "`{run:04}` in a pattern captures numbers, `parse_int(text)` reads one".to_owned(),
            ),
            P::NotFinite { .. } => Some("leave the value out, or write a number".to_owned()),
            P::TooManyItems { .. } => Some(format!("a table holds at most {}", limits::ITEMS)),
            P::OutputLacks { lacking, items, .. } => Some(format!(
                "{items} items would write one file; put {} into its path",
                braced(lacking)
            )),
            P::NoUnit { example, .. } => Some(format!("write it with its unit, such as {example}")),
            P::Quantity(error) => Some(error.hint().to_owned()),
            P::Parameter(error) => error.hint(),
            P::MissingRole { doc, .. } => (!doc.is_empty()).then(|| format!("it is: {doc}")),
            P::SinglePath { known, .. } => {
                Some(format!("name the paths: {}", roles_example(known)))
            }
            other => other.fixed_hint().map(str::to_owned),
        }
    }

    /// Hints that do not depend on the values.
    fn fixed_hint(&self) -> Option<&'static str> {
        use Problem as P;
        Some(match self {
            P::EndsEarly => "a bracket, a brace or a quote is still open",
            P::OpenText => "close it with the quote that opened it",
            P::Forbidden { word } if word == "print" || word == "debug" => {
                "`warn(text)` shows a warning"
            }
            P::Forbidden { .. } => "a recipe gives the same graph every time it is read",
            P::OutOfReach { .. } => {
                "a `fn` sees its parameters only; hand the value over, or use a closure `|x| ...`"
            }
            P::NulInText { .. } => "neither a command nor a path can have one",
            P::NoEnd => "a loop has no end, or does far too much",
            P::TooDeep => "a function calls itself without an end",
            P::NoCommand { .. } => "give one of `kernel`, `argv`, `shell` or `script`",
            P::ManyCommands { .. } => "keep one of `kernel`, `argv`, `shell` and `script`",
            P::LonelyArgs => "put the words into `argv`, or name a `script`",
            P::NoOutput { .. } => "give `output: \"path\"`, a list or a map of paths",
            P::BadRuleName { .. } => "a name is letters, digits, `_`, `-` and `.`",
            P::RuleTwice { .. } => {
                "rules are one action for each item of `over`; one name is enough"
            }
            P::NotPerItem { .. } => {
                "compute `params` with a closure and write `{params.NAME}` here"
            }
            P::BadVariable { .. } => "a name is letters, digits and `_`, and begins with no digit",
            P::SharedColumn { .. } => "give the columns different names",
            P::ReservedColumn { .. } => "give the column another name",
            P::NotPoints { .. } => "write `sweep(#{ threshold: [30, 40, 50] })`",
            P::NotIterable => "lists, ranges, texts and items can be gone through",
            _ => return None,
        })
    }

    /// An error without a place.
    pub fn anywhere(self) -> Diagnostic {
        let mut found = Diagnostic::error(self.to_string());
        found.hint = self.hint().map(String::into_boxed_str);
        found
    }

    /// An error at a place.
    pub fn at(self, span: &Span) -> Diagnostic {
        self.anywhere().at(span)
    }

    /// A warning at a place.
    pub fn warn(self, span: &Span) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..self.at(span) }
    }
}

fn named(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("`{name}`: ") }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn braced(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
    quoted.join(", ")
}

fn did_you_mean(name: &str, known: &[String]) -> Option<String> {
    let near = near_misses(name, known.iter().map(String::as_str));
    (!near.is_empty()).then(|| format!("did you mean {}?", one_of(&near)))
}

/// Names listed in a hint at most; a longer list helps nobody.
const LISTED: usize = 20;

fn did_you_mean_or_list(name: &str, known: &[String]) -> Option<String> {
    did_you_mean(name, known).or_else(|| match known {
        [] => None,
        known if known.len() > LISTED => Some(format!("known are {}, ...", list(&known[..LISTED]))),
        known => Some(format!("known are {}", list(known))),
    })
}

fn placeholder_hint(name: &str, known: &Known) -> String {
    let near = near_misses(name, known.names.iter().map(String::as_str));
    let near: Vec<String> = near.iter().map(|name| format!("`{{{name}}}`")).collect();
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    let shown = &known.names[..known.names.len().min(LISTED)];
    let there_is = match shown {
        [] => "write `{{` and `}}` for braces that are meant as text".to_owned(),
        shown => format!("known here are {}", braced(shown)),
    };
    match &known.absent {
        Some(absent) => format!("{absent}; {there_is}"),
        None => there_is,
    }
}

fn roles_example(roles: &[String]) -> String {
    let entries: Vec<String> = roles.iter().map(|role| format!("{role}: \"...\"")).collect();
    format!("`#{{ {} }}`", entries.join(", "))
}

fn arguments_words(name: &str, arguments: &[String]) -> String {
    match arguments {
        [] => format!("`{name}` needs arguments"),
        [left, right] if !name.starts_with(|c: char| c.is_alphabetic()) => {
            format!("`{name}` does not work with {left} and {right}")
        }
        arguments => format!("`{name}` does not take {}", arguments.join(" and ")),
    }
}
