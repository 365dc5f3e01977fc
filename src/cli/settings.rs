//! `attpc.toml`: what the machine and site offer. Nothing in it can change a result.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::error::{CliError, Kind};
use crate::engine::Settings;
use crate::model::diagnostic::Diagnostic;
use crate::model::resources::{parse_size, parse_time};
use crate::model::span::Span;

/// The file beside the recipe.
const FILE: &str = "attpc.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cores: Option<u32>,
    memory: Option<String>,
    grace: Option<String>,
    state: Option<PathBuf>,
    #[serde(default)]
    keep_going: bool,
    #[serde(default)]
    pools: BTreeMap<String, u32>,
}

/// The settings of a project, and its state directory where they name one.
///
/// # Errors
/// A file that cannot be read, with its line.
pub fn read(root: &Path) -> Result<(Settings, Option<PathBuf>), CliError> {
    let text = match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Settings::default(), None));
        }
        Err(error) => {
            return Err(
                CliError::new(Kind::Environment, format!("cannot read `{FILE}`")).caused_by(&error)
            );
        }
    };
    let wrong = |what: &dyn std::error::Error| {
        CliError::new(Kind::Recipe, format!("`{FILE}` is wrong")).caused_by(what)
    };
    let written: Written = toml::from_str(&text).map_err(|error| in_text(&error, &text))?;
    let size = |text: &String| parse_size(text).map_err(|e| wrong(&e).hint(e.hint()));
    let time = |text: &String| parse_time(text).map_err(|e| wrong(&e).hint(e.hint()));
    let settings = Settings {
        cores: written.cores.filter(|&cores| cores > 0),
        memory: written.memory.as_ref().map(size).transpose()?,
        pools: written.pools,
        grace: written.grace.as_ref().map(time).transpose()?,
        keep_going: written.keep_going,
    };
    Ok((settings, written.state))
}

/// What the parser found, at its spot.
fn in_text(error: &toml::de::Error, text: &str) -> CliError {
    let message = error.message().trim_end_matches('.').to_owned();
    let diagnostic = match error.span() {
        None => Diagnostic::error(message),
        Some(range) => {
            let before = &text[..range.start];
            let line = before.matches('\n').count() as u32 + 1;
            let column = before.chars().rev().take_while(|&c| c != '\n').count() as u32 + 1;
            let length = text[range].lines().next().map_or(1, |line| line.chars().count().max(1));
            Diagnostic::error(message).at(&Span::new(FILE, line, column, length as u32))
        }
    };
    let hint = "`attpc.toml` takes cores, memory, grace, keep_going, state and a table [pools]";
    CliError::recipe(&diagnostic.hint(hint).into(), &|_| Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Settings, String> {
        let space = tempfile::tempdir().unwrap();
        std::fs::write(space.path().join(FILE), text).unwrap();
        read(space.path()).map(|(settings, _)| settings).map_err(|error| error.present(false))
    }

    #[test]
    fn settings_are_read_with_units() {
        let settings =
            read_text("cores = 4\nmemory = \"8 GB\"\ngrace = \"3 s\"\n[pools]\nlicence = 2\n");
        let settings = settings.unwrap();
        assert_eq!((settings.cores, settings.memory), (Some(4), Some(8_000_000_000)));
        assert_eq!(settings.pools["licence"], 2);
        let space = tempfile::tempdir().unwrap();
        assert_eq!(read(space.path()).unwrap(), (Settings::default(), None));
    }

    #[test]
    fn unknown_and_unitless_settings_are_refused() {
        let error = read_text("coers = 4\n").unwrap_err();
        assert!(
            error.contains("unknown field `coers`") && error.contains("attpc.toml:1:1"),
            "{error}"
        );
        let error = read_text("memory = \"8\"\n").unwrap_err();
        assert!(error.contains("`8` is not a size") && error.contains("hint:"), "{error}");
    }
}
