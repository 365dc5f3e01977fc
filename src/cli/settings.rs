//! `attpc.toml`: what the machine and site offer. Nothing in it can change a result.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::error::{CliError, Kind};
use crate::engine::Settings;
use crate::model::resources::{parse_size, parse_time};

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
    let written: Written = toml::from_str(&text).map_err(|error| {
        wrong(&error).hint("it takes cores, memory, grace, state and a table [pools]")
    })?;
    let size = |text: &String| parse_size(text).map_err(|e| wrong(&e).hint(e.hint()));
    let time = |text: &String| parse_time(text).map_err(|e| wrong(&e).hint(e.hint()));
    let settings = Settings {
        cores: written.cores.filter(|&cores| cores > 0),
        memory: written.memory.as_ref().map(size).transpose()?,
        pools: written.pools,
        grace: written.grace.as_ref().map(time).transpose()?,
    };
    Ok((settings, written.state))
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
        assert!(error.contains("unknown field `coers`") && error.contains("line 1"), "{error}");
        let error = read_text("memory = \"8\"\n").unwrap_err();
        assert!(error.contains("`8` is not a size") && error.contains("hint:"), "{error}");
    }
}
