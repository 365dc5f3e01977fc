//! `attpc init`: copies a shipped recipe into a directory.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::error::{CliError, Kind};
use crate::cli::session::Session;
use crate::model::text::{count, near_misses, one_of, shell_quote};
use crate::ui::line::{Label, Line};
use crate::ui::words;

/// Files of a recipe: path within the project, content.
type Files = &'static [(&'static str, &'static [u8])];

/// The shipped recipes by name, from `recipes/`.
const RECIPES: &[(&str, Files)] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// Copy a shipped recipe into a directory, to start a project from
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Directory of the project; made where it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    into: PathBuf,

    /// The recipe to copy
    #[arg(long, value_name = "NAME", default_value = "attpc")]
    recipe: String,
}

pub fn run(args: &InitArgs, session: &mut Session) -> Result<u8, CliError> {
    let files = find(RECIPES, &args.recipe)?;
    let root = session.directory.join(&args.into);
    copy(files, &root)?;
    let names: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let copied = format!("copied {}: {}", count(files.len(), "file"), words::names(&names));
    let change = match args.into.to_str() {
        Some(".") => String::new(),
        _ => format!(" -C {}", shell_quote(&args.into.to_string_lossy())),
    };
    session.tell(&[
        Line::text(copied),
        Line::new().with(Label::Hint, "next").with(
            Label::Plain,
            format!(": read README.md there, put your data in place, then `attpc{change} plan`"),
        ),
    ]);
    Ok(crate::cli::SUCCESS)
}

fn find(recipes: &[(&'static str, Files)], name: &str) -> Result<Files, CliError> {
    if let Some((_, files)) = recipes.iter().find(|(known, _)| *known == name) {
        return Ok(files);
    }
    let known: Vec<&str> = recipes.iter().map(|(name, _)| *name).collect();
    let near = near_misses(name, known.iter().copied());
    let hint = match (near.as_slice(), known.as_slice()) {
        ([], []) => "this program was built without recipes".to_owned(),
        ([], known) => {
            format!("the shipped recipes are {}", one_of(known).replace(" or ", " and "))
        }
        (near, _) => format!("did you mean {}?", one_of(near)),
    };
    Err(CliError::new(Kind::Usage, format!("no recipe named `{name}`")).hint(hint))
}

/// Writes all files, or none where one of them exists already.
fn copy(files: Files, root: &Path) -> Result<(), CliError> {
    let there: Vec<String> = files
        .iter()
        .filter(|(path, _)| root.join(path).symlink_metadata().is_ok())
        .map(|(path, _)| format!("`{path}`"))
        .collect();
    if !there.is_empty() {
        let message = format!("`{}` already has {}", root.display(), words::names(&there));
        return Err(CliError::new(Kind::Usage, message)
            .hint("nothing was written; name an empty directory: `attpc init DIR`"));
    }
    for (path, content) in files {
        let target = root.join(path);
        write(&target, content).map_err(|error| {
            let message = format!("cannot write `{}`", target.display());
            CliError::new(Kind::Environment, message).caused_by(&error)
        })?;
    }
    Ok(())
}

/// Creates a file that must not exist, with the directories above it.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create_new(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Files = &[("recipe.rhai", b"// recipe\n"), ("detector/pads.csv", b"1\n")];

    #[test]
    fn a_recipe_is_copied_whole() {
        let space = tempfile::tempdir().unwrap();
        let root = space.path().join("new");
        copy(FILES, &root).unwrap();
        assert_eq!(fs::read(root.join("recipe.rhai")).unwrap(), b"// recipe\n");
        assert_eq!(fs::read(root.join("detector/pads.csv")).unwrap(), b"1\n");
    }

    #[test]
    fn what_exists_is_never_overwritten() {
        let space = tempfile::tempdir().unwrap();
        fs::create_dir(space.path().join("detector")).unwrap();
        fs::write(space.path().join("detector/pads.csv"), "mine").unwrap();
        let error = copy(FILES, space.path()).unwrap_err();
        assert!(error.present(false).contains("already has `detector/pads.csv`"));
        assert!(!space.path().join("recipe.rhai").exists());
        assert_eq!(fs::read(space.path().join("detector/pads.csv")).unwrap(), b"mine");
    }

    #[test]
    fn an_unknown_recipe_is_answered_with_the_known_ones() {
        let recipes: &[(&'static str, Files)] = &[("attpc", FILES), ("xpcs", FILES)];
        let text = |name| find(recipes, name).unwrap_err().present(false);
        assert_eq!(text("atpc"), "error: no recipe named `atpc`\nhint: did you mean `attpc`?\n");
        assert_eq!(
            text("tomography"),
            "error: no recipe named `tomography`\nhint: the shipped recipes are `attpc` and \
             `xpcs`\n"
        );
    }
}
