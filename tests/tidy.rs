//! Holds the layout: cards, walls between rooms, capabilities, sizes, names.
//!
//! Every room's `mod.rs` opens with its card. This test reads the cards and fails with `file:line`
//! where the code does something its card does not say. Good intentions do not hold walls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The lines of a card, in their order.
const CARD: [&str; 6] = ["job", "takes", "gives", "imports", "touches", "never"];
/// Crates that every room may use, and so no card names.
const FREE_CRATES: [&str; 5] = ["serde", "serde_json", "thiserror", "ndarray", "rayon"];
/// Crates that more than one card may name; any other crate has one room.
const SHARED_CRATES: [&str; 4] = ["blake3", "postcard", "rustix", "toml"];
/// What a card may let a room touch, and how the code then looks.
const CAPABILITIES: [(&str, &[&str]); 9] = [
    ("files", &["std::fs"]),
    ("processes", &["process::Command", "process::Child"]),
    ("threads", &["thread::spawn", "thread::scope", "thread::Builder", "rayon::"]),
    ("clock", &["Instant::now", "SystemTime::now"]),
    ("env", &["std::env"]),
    ("print", &["println!", "eprintln!", "print!", "eprint!", "io::stdout", "io::stderr"]),
    ("net", &["std::net"]),
    ("signals", &["signal_hook::"]),
    ("unsafe", &["unsafe "]),
];
/// What only one directory of a room may do, because it is reviewed there.
const NARROWER: [(&str, &str, &str); 2] =
    [("kernels", "cudarc::", "src/kernels/gpu/"), ("kernels", "unsafe ", "src/kernels/gpu/")];
/// Names of files that become everyone's import.
const VAGUE_NAMES: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "types", "misc", "prelude"];
const MOST_LINES: usize = 800;
/// Where the room map stands in ARCHITECTURE.md.
const MAP_BEGIN: &str = "<!-- room map: written by tests/tidy.rs -->\n";
const MAP_END: &str = "<!-- end of room map -->\n";

/// A source file, with its path as `src/room/file.rs`.
struct Source {
    path: String,
    text: String,
}

/// What a room says of itself.
#[derive(Default)]
struct Card {
    says: BTreeMap<String, String>,
}

impl Card {
    /// The names of a line: the first word of each part between commas, outside of parentheses.
    fn names(&self, line: &str) -> Vec<String> {
        let text = self.says.get(line).map_or("", String::as_str);
        let mut depth = 0;
        let outside = text.chars().filter(|c| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0 && *c != ')'
        });
        let outside: String = outside.collect();
        let names = outside.split(',').filter_map(|part| part.split_whitespace().next());
        names.filter(|name| *name != "nothing").map(str::to_owned).collect()
    }
}

type Cards = BTreeMap<String, Card>;

/// The room of a file below `src`; none for the files that hold the rooms together.
fn room(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("src/")?.split_once('/')?;
    Some(room)
}

fn read_cards(sources: &[Source], found: &mut Vec<String>) -> Cards {
    let rooms: BTreeSet<&str> = sources.iter().filter_map(|source| room(&source.path)).collect();
    let mut cards = Cards::new();
    for name in rooms {
        let path = format!("src/{name}/mod.rs");
        let text = sources.iter().find(|source| source.path == path).map(|source| &source.text);
        let mut lines = text.map_or("", String::as_str).lines();
        if lines.next() != Some("//! Room card") {
            found.push(format!("{path}:1: a room opens with `//! Room card`"));
        }
        let mut card = Card::default();
        for (at, (word, line)) in CARD.iter().zip(lines.by_ref()).enumerate() {
            match line.strip_prefix(&format!("//! - {word}: ")) {
                Some(text) => drop(card.says.insert((*word).to_owned(), text.to_owned())),
                None => found.push(format!("{path}:{}: this line says `- {word}: `", at + 2)),
            }
        }
        cards.insert(name.to_owned(), card);
    }
    cards
}

/// Names on cards exist, a crate has one room, and imports make no loop.
fn check_cards(cards: &Cards, crates: &BTreeSet<String>, found: &mut Vec<String>) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (name, card) in cards {
        let at = format!("src/{name}/mod.rs");
        for import in card.names("imports") {
            if !cards.contains_key(&import) {
                found.push(format!("{at}:5: no room is called `{import}`"));
            } else if reaches(cards, &import, name, &mut BTreeSet::new()) {
                found.push(format!("{at}:5: importing `{import}` closes a loop"));
            }
        }
        for touch in card.names("touches") {
            let is_crate = crates.contains(&touch);
            if !is_crate && !CAPABILITIES.iter().any(|(word, _)| *word == touch) {
                found.push(format!("{at}:6: `{touch}` is neither a capability nor a crate"));
            }
            let shared = [FREE_CRATES.as_slice(), &SHARED_CRATES].concat();
            if is_crate
                && !shared.contains(&touch.as_str())
                && let Some(owner) = owners.insert(touch.clone(), name)
            {
                found.push(format!("{at}:6: crate `{touch}` belongs to room `{owner}`"));
            }
        }
    }
}

fn reaches(cards: &Cards, from: &str, to: &str, seen: &mut BTreeSet<String>) -> bool {
    let imports = cards.get(from).map(|card| card.names("imports")).unwrap_or_default();
    seen.insert(from.to_owned())
        && (from == to || imports.iter().any(|next| reaches(cards, next, to, seen)))
}

/// The code of a file: comments and the contents of literals blanked, line breaks kept.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let starts =
        |at: usize, with: &str| with.chars().eq(chars[at..].iter().copied().take(with.len()));
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = if starts(at, "//") {
            chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |n| at + n)
        } else if let Some(hashes) = raw_string(&chars[at..]) {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = at + hashes + 2;
            (from..chars.len()).find(|&n| starts(n, &close)).unwrap_or(chars.len()) + close.len()
        } else if chars[at] == '"' {
            string_end(&chars, at)
        } else if chars[at] == '\'' && chars.get(at + 1) == Some(&'\\') {
            (at + 3..chars.len()).find(|&n| chars[n] == '\'').unwrap_or(chars.len()) + 1
        } else if chars[at] == '\'' && chars.get(at + 2) == Some(&'\'') {
            at + 3
        } else {
            code.push(chars[at]);
            at += 1;
            continue;
        };
        let end = end.min(chars.len());
        code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// The number of `#` of a raw string that begins here.
fn raw_string(chars: &[char]) -> Option<usize> {
    let hashes = chars.get(1..)?.iter().take_while(|&&c| c == '#').count();
    (chars[0] == 'r' && chars.get(hashes + 1) == Some(&'"')).then_some(hashes)
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// For each line of code whether it belongs to tests: `#[cfg(test)]` and the item it stands on.
fn test_lines(code: &str) -> Vec<bool> {
    let mut depth = None;
    let mut marks = Vec::new();
    for line in code.lines() {
        if depth.is_none() && line.trim_start().starts_with("#[cfg(test)]") {
            depth = Some((0, false));
        }
        marks.push(depth.is_some());
        if let Some((open, entered)) = &mut depth {
            *open += line.matches('{').count() as i64 - line.matches('}').count() as i64;
            *entered |= line.contains('{') || line.contains(';');
            if *entered && *open <= 0 {
                depth = None;
            }
        }
    }
    marks
}

/// Modules that are tests as a whole: `#[cfg(test)] mod name;`.
fn test_modules(sources: &[Source]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for source in sources {
        let code = code(&source.text);
        let directory = match source.path.strip_suffix("/mod.rs") {
            Some(directory) => directory.to_owned(),
            None => source.path.trim_end_matches(".rs").to_owned(),
        };
        for (line, is_test) in code.lines().zip(test_lines(&code)) {
            let name = line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let name = name.strip_prefix("mod ").and_then(|name| name.strip_suffix(';'));
            if let Some(name) = name.filter(|_| is_test) {
                modules.insert(format!("{directory}/{name}"));
            }
        }
    }
    modules
}

fn check_source(source: &Source, rules: &Rules<'_>, found: &mut Vec<String>) {
    let path = &source.path;
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if VAGUE_NAMES.contains(&stem) {
        found.push(format!("{path}:1: a file called `{stem}` becomes everyone's import"));
    }
    if source.text.lines().count() > MOST_LINES {
        found.push(format!("{path}:{MOST_LINES}: the file has more than {MOST_LINES} lines"));
    }
    for (at, line) in source.text.lines().enumerate() {
        for marker in ["TO\x44O", "FIX\x4dE"] {
            if line.contains(marker) {
                found.push(format!("{path}:{}: an issue or nothing, no {marker}", at + 1));
            }
        }
    }
    let code = code(&source.text);
    let tests_only = rules.is_test(path);
    for (at, (line, is_test)) in code.lines().zip(test_lines(&code)).enumerate() {
        let mut say = |words: String| found.push(format!("{path}:{}: {words}", at + 1));
        if is_test || tests_only {
            check_test_line(line, &mut say);
        } else {
            check_line(line, path, rules, &mut say);
        }
    }
}

/// What holds for all files at once.
struct Rules<'c> {
    cards: &'c Cards,
    crates: &'c BTreeSet<String>,
    test_modules: &'c BTreeSet<String>,
}

impl Rules<'_> {
    fn is_test(&self, path: &str) -> bool {
        let inside = |module: &String| {
            path.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with(['/', '.']))
        };
        path.starts_with("tests/") || self.test_modules.iter().any(inside)
    }
}

fn check_test_line(line: &str, say: &mut dyn FnMut(String)) {
    for banned in ["#[ignore", "#[should_panic", "thread::sleep"] {
        if line.contains(banned) {
            say(format!("`{banned}` has no place in a test"));
        }
    }
}

fn check_line(line: &str, path: &str, rules: &Rules<'_>, say: &mut dyn FnMut(String)) {
    for banned in [".unwrap()", "dbg!", "todo!", "unimplemented!", "use super::*"] {
        if line.contains(banned) {
            say(format!("`{banned}` is for tests or for nobody"));
        }
    }
    let Some(own) = room(path) else { return };
    let card = &rules.cards[own];
    let (imports, touches) = (card.names("imports"), card.names("touches"));
    for name in after(line, "crate::") {
        let re_export = line.trim_start().starts_with("pub") && line.contains("use crate::");
        if name.is_empty() {
            say("a room is imported by its name: `crate::room::…`".to_owned());
        } else if name != own && rules.cards.contains_key(name) {
            if !imports.iter().any(|import| import == name) {
                say(format!("the card of `{own}` does not import `{name}`"));
            } else if re_export {
                say(format!("`{own}` re-exports an item of `{name}`"));
            }
        }
    }
    // Splitting a text at colons reads nothing of the environment.
    let line = &line.replace("std::env::split_paths", "");
    for (word, signs) in CAPABILITIES {
        let free = word == "threads" && line.contains("rayon::");
        let sign = signs.iter().find(|sign| has_word(line, sign));
        if let Some(sign) = sign.filter(|_| !free && !touches.iter().any(|touch| touch == word)) {
            say(format!("`{sign}`: the card of `{own}` does not touch {word}"));
        }
    }
    for (room, sign, directory) in NARROWER {
        if own == room && has_word(line, sign) && !path.starts_with(directory) {
            say(format!("`{}` is for {directory} alone", sign.trim()));
        }
    }
    for name in rules.crates.iter().filter(|name| !FREE_CRATES.contains(&name.as_str())) {
        let allowed = touches.contains(name)
            || (name == "signal_hook" && touches.contains(&"signals".to_owned()));
        if !allowed && has_word(line, &format!("{name}::")) {
            say(format!("the card of `{own}` does not touch crate `{name}`"));
        }
    }
}

/// The names that follow each occurrence of a path prefix in a line.
fn after<'l>(line: &'l str, prefix: &'l str) -> impl Iterator<Item = &'l str> {
    line.match_indices(prefix).map(move |(at, _)| {
        let rest = &line[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// True when the line holds the text and no longer name or path ends in it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let path_may_precede = word.contains("process::") || word.contains("thread::");
        let path_may_precede = path_may_precede || word.contains("io::") || word.contains("::now");
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || (c == ':' && !path_may_precede))
    })
}

/// A card's imports that no line of the room makes are a door nobody uses.
fn check_unused_imports(sources: &[Source], cards: &Cards, found: &mut Vec<String>) {
    for (name, card) in cards {
        let of_room = |source: &&Source| room(&source.path) == Some(name);
        let text: String = sources.iter().filter(of_room).map(|s| code(&s.text)).collect();
        for import in card.names("imports") {
            if !after(&text, "crate::").any(|name| name == import) {
                found.push(format!("src/{name}/mod.rs:5: nothing here imports `{import}`"));
            }
        }
    }
}

/// A dependency that only tests use, or nothing at all, is compiled by every user for nothing.
fn check_unused_crates(sources: &[Source], crates: &BTreeSet<String>, found: &mut Vec<String>) {
    let test_modules = test_modules(sources);
    let text: String = sources
        .iter()
        .filter(|source| room(&source.path).is_some())
        .filter(|source| !test_modules.iter().any(|module| source.path.starts_with(module)))
        .map(|source| code(&source.text))
        .collect();
    let used: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for name in crates.iter().filter(|name| !used.contains(name.as_str())) {
        found.push(format!("Cargo.toml:1: no room uses crate `{name}`"));
    }
}

fn check(sources: &[Source], crates: &BTreeSet<String>) -> (Cards, Vec<String>) {
    let mut found = Vec::new();
    let cards = read_cards(sources, &mut found);
    check_cards(&cards, crates, &mut found);
    let test_modules = test_modules(sources);
    let rules = Rules { cards: &cards, crates, test_modules: &test_modules };
    for source in sources {
        check_source(source, &rules, &mut found);
    }
    check_unused_imports(sources, &cards, &mut found);
    (cards, found)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read_tree() -> Vec<Source> {
    let mut paths = vec![root().join("build.rs")];
    let mut waiting = vec![root().join("src"), root().join("tests")];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => waiting.push(path),
                Some(end) if end == "rs" => paths.push(path),
                _ => {}
            }
        }
    }
    paths.sort();
    let source = |path: &PathBuf| Source {
        path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(source).collect()
}

/// The dependencies of Cargo.toml, as code names them.
fn read_crates() -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once([' ', '.', '=']));
    names.map(|(name, _)| name.replace('-', "_")).filter(|name| !name.is_empty()).collect()
}

/// The room map of ARCHITECTURE.md as the cards have it.
fn room_map(cards: &Cards) -> String {
    let mut map = String::from("| Room | Job | Imports | Touches |\n|---|---|---|---|\n");
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed = library.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let rooms: Vec<&str> = listed.map(|name| name.trim_end_matches(';')).collect();
    assert_eq!(rooms.len(), cards.len(), "src/lib.rs lists every room once: {rooms:?}");
    for room in rooms {
        let says = |line: &str| cards[room].says.get(line).cloned().unwrap_or_default();
        let (job, imports, touches) = (says("job"), says("imports"), says("touches"));
        writeln!(map, "| `{room}` | {job} | {imports} | {touches} |").unwrap();
    }
    map
}

#[test]
fn the_tree_is_tidy() {
    let (sources, crates) = (read_tree(), read_crates());
    let (_, mut found) = check(&sources, &crates);
    check_unused_crates(&sources, &crates, &mut found);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_room_map_says_what_the_cards_say() {
    let (cards, _) = check(&read_tree(), &read_crates());
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(MAP_BEGIN).expect("the room map has its begin mark");
    let (_, tail) = rest.split_once(MAP_END).expect("the room map has its end mark");
    let wanted = format!("{head}{MAP_BEGIN}{}{MAP_END}{tail}", room_map(&cards));
    if std::env::var_os("ATTPC_BLESS").is_some() {
        fs::write(path, wanted).unwrap();
    } else {
        assert!(text == wanted, "run `ATTPC_BLESS=1 cargo test --release --test tidy`");
    }
}

#[test]
fn no_integration_test_is_forgotten() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let listed = main.contains(&format!("mod {name};"));
        assert!(name == "main" || listed, "tests/it/main.rs lacks `mod {name};`");
    }
}

/// What is found in a small tree of two rooms, of which `b` holds the given lines.
fn found_in(path: &str, lines: &str) -> Vec<String> {
    let card = |imports: &str, touches: &str| {
        let rest = format!("//! - imports: {imports}\n//! - touches: {touches}\n//! - never: x\n");
        format!("//! Room card\n//! - job: x\n//! - takes: x\n//! - gives: x\n{rest}")
    };
    let source = |path: &str, text: String| Source { path: path.to_owned(), text };
    let uses = "use crate::a::Thing;\n";
    let sources = [
        source("src/a/mod.rs", card("nothing", "nothing")),
        source("src/b/mod.rs", card("a", "files, sled") + uses),
        source(path, lines.to_owned()),
    ];
    let crates = ["sled", "rhai", "serde"].map(str::to_owned).into();
    check(&sources, &crates).1
}

#[test]
fn what_the_card_says_is_allowed() {
    let lines = "use crate::a::Thing;\nuse std::fs;\nlet x = sled::open(y);\nserde::x();\n";
    assert_eq!(found_in("src/b/fine.rs", lines), Vec::<String>::new());
    let comment = "// println! and crate::b::X\nlet x = \"std::env .unwrap()\";\n";
    assert_eq!(found_in("src/a/fine.rs", comment), Vec::<String>::new());
}

#[test]
fn what_the_card_does_not_say_is_found_with_its_line() {
    for (line, expected) in [
        ("use crate::b::X;", "the card of `a` does not import `b`"),
        ("use crate::{b, c};", "a room is imported by its name: `crate::room::…`"),
        ("let t = Instant::now();", "`Instant::now`: the card of `a` does not touch clock"),
        ("fs::x(); use std::fs;", "`std::fs`: the card of `a` does not touch files"),
        ("println!(\"x\");", "`println!`: the card of `a` does not touch print"),
        ("rhai::Engine::new();", "the card of `a` does not touch crate `rhai`"),
        ("x.unwrap();", "`.unwrap()` is for tests or for nobody"),
        ("use super::*;", "`use super::*` is for tests or for nobody"),
    ] {
        let lines = format!("//! Header.\n{line}\n");
        assert_eq!(found_in("src/a/x.rs", &lines), [format!("src/a/x.rs:2: {expected}")]);
    }
}

#[test]
fn tests_may_do_more_but_not_wait() {
    let tests = "#[cfg(test)]\nmod tests {\n    use super::*;\n    x.unwrap();\n}\n";
    assert_eq!(found_in("src/a/x.rs", tests), Vec::<String>::new());
    let after = format!("{tests}x.unwrap();\n");
    assert_eq!(found_in("src/a/x.rs", &after).len(), 1);
    let ignored = "#[cfg(test)]\nmod tests {\n    #[ignore]\n    fn x() {}\n}\n";
    assert_eq!(found_in("src/a/x.rs", ignored).len(), 1);
}

#[test]
fn native_code_has_one_directory() {
    let card = "//! Room card\n//! - job: x\n//! - takes: x\n//! - gives: x\n\
                //! - imports: nothing\n//! - touches: unsafe\n//! - never: x\n";
    let found = found_in("src/kernels/mod.rs", &format!("{card}unsafe {{ x() }}\n"));
    assert_eq!(found, ["src/kernels/mod.rs:8: `unsafe` is for src/kernels/gpu/ alone"]);
}

#[test]
fn loops_missing_cards_and_vague_names_are_found() {
    let found = found_in("src/c/mod.rs", "//! Something.\n");
    assert!(found.iter().any(|line| line == "src/c/mod.rs:1: a room opens with `//! Room card`"));
    let found = found_in("src/a/util.rs", "");
    assert_eq!(found, ["src/a/util.rs:1: a file called `util` becomes everyone's import"]);
    let mut cards = Cards::new();
    for (name, import) in [("x", "y"), ("y", "x")] {
        let says = BTreeMap::from([("imports".to_owned(), import.to_owned())]);
        cards.insert(name.to_owned(), Card { says });
    }
    let mut found = Vec::new();
    check_cards(&cards, &BTreeSet::new(), &mut found);
    assert_eq!(found[0], "src/x/mod.rs:5: importing `y` closes a loop");
}
