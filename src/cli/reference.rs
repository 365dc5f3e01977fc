//! The page `docs/reference/commands.md`, written from the command line's own help.

use clap::CommandFactory;

use crate::cli::args::Cli;

const PAGE: &str = include_str!("../../docs/reference/commands.md");

const HEAD: &str = "# Commands

Written from the program's own help; `attpc COMMAND --help` says the same.

Exit codes: 0 all well, 1 an action failed, 2 usage, 3 recipe or configuration, 4 machine or site,
5 another build holds the lock, 70 a bug of ours, 130 interrupted.
";

/// The help of a command and of those below it, each under a heading.
fn page(command: &mut clap::Command, name: &str, text: &mut String) {
    let help = command.clone().term_width(100).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
    for below in command.get_subcommands_mut() {
        let name = format!("{name} {}", below.get_name());
        page(below, &name, text);
    }
}

#[test]
fn the_page_of_commands_says_what_the_program_says() {
    let mut program = Cli::command();
    program.build();
    let mut text = HEAD.to_owned();
    page(&mut program, "attpc", &mut text);
    if std::env::var_os("ATTPC_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/commands.md");
        std::fs::write(path, text).unwrap();
    } else {
        assert!(text == PAGE, "run `ATTPC_BLESS=1 cargo test --release --lib page_of_commands`");
    }
}
