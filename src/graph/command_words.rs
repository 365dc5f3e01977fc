//! Project files that a command names in its own text: `python3 summarise.py` reads
//! `summarise.py`, so that file is an input although nobody listed it. Without this, editing a
//! script would leave stale results, the error people never find.

use crate::model::declare::Command;
use crate::model::sources::Sources;
use crate::model::stamp::Kind;
use crate::model::template::{Piece, Template};

/// Literal words of a command that may name project files.
pub(super) fn files_named(command: &Command) -> Vec<String> {
    let mut words = Vec::new();
    match command {
        Command::Kernel(_) => {}
        Command::Script { path, args } => {
            words.push(path.clone());
            words.extend(args.iter().filter_map(literal));
        }
        Command::Argv(argv) => {
            for (at, word) in argv.iter().filter_map(literal).enumerate() {
                // A program without a slash is looked up on PATH, not in the project.
                if at > 0 || word.contains('/') {
                    words.push(word);
                }
            }
        }
        Command::Shell(text) => words.extend(shell_words(text)),
    }
    let script = match command {
        Command::Script { path, .. } => Some(path),
        _ => None,
    };
    words.retain(|word| script == Some(word) || may_be_project_file(word));
    words.sort();
    words.dedup();
    words
}

/// True when a word names a program or configuration of the project.
pub(super) fn is_source(word: &str, sources: &dyn Sources) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let known = match name.rsplit_once('.') {
        Some((_, ending)) => ENDINGS.contains(&ending),
        None => true,
    };
    known && sources.kind(word) == Kind::File
}

fn literal(template: &Template) -> Option<String> {
    match template.pieces.as_slice() {
        [Piece::Literal(text)] => Some(text.clone()),
        _ => None,
    }
}

/// Words of a shell text that hold no placeholder, split at blanks, quotes and operators.
fn shell_words(text: &Template) -> Vec<String> {
    // A character no file name has stands for what a placeholder will bring.
    const HOLE: char = '\0';
    let with_holes: String = text
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder { .. } => HOLE.to_string(),
        })
        .collect();
    let mut words = Vec::new();
    let mut written = false;
    // A redirection is a word of its own, because what follows it is written, not read.
    let spaced = with_holes.replace('>', " > ").replace(['|', ';', '&', '\n'], " ; ");
    for word in spaced.split(|c: char| c.is_whitespace() || "\"'`<()$=,".contains(c)) {
        match word {
            "" => {}
            ">" | "tee" => written = true,
            ";" => written = false,
            _ if written || word.contains(HOLE) => written = false,
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Endings of programs and of what tells programs what to do. Other files that a command names, such
/// as logs and databases, are as likely to be written by it as read: those are declared.
const ENDINGS: [&str; 26] = [
    "py", "sh", "bash", "R", "r", "jl", "pl", "awk", "sed", "rb", "lua", "js", "m", "C", "mac",
    "tcl", "sql", "gp", "plt", "json", "yaml", "yml", "toml", "ini", "cfg", "conf",
];

fn may_be_project_file(word: &str) -> bool {
    // A bare word is too likely to be an option's value or a flag file of the command itself.
    word.contains(['.', '/'])
        && !word.starts_with(['/', '-', '~'])
        && !word.contains(['*', '?', '\\'])
        && !word.split('/').any(|part| part == "..")
        && word.len() < 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_in_commands_are_found() {
        let shell = |text: &str| files_named(&Command::Shell(Template::parse(text).unwrap()));
        assert_eq!(
            shell(
                "python3 summarise.py --cut {threshold} {input} | tee {output} > fit.json; ./x.sh 'a b' \
                 flag 2>x.conf && cat conf/y.toml >> log.sh | tee z.py fit.log"
            ),
            ["./x.sh", "conf/y.toml", "fit.log", "summarise.py"]
        );
        let argv = |words: &[&str]| {
            let words = words.iter().map(|word| Template::parse(word).unwrap()).collect();
            files_named(&Command::Argv(words))
        };
        assert_eq!(argv(&["cp", "{input}", "{output}"]), Vec::<String>::new());
        assert_eq!(argv(&["tools/fit", "conf.json", "-v"]), ["conf.json", "tools/fit"]);
    }
}
