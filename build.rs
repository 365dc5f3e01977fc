//! Embeds the shipped recipes, so that `attpc init` works from the binary alone.
//!
//! Each directory of `recipes/` becomes one entry of a table in `OUT_DIR/recipes.rs`; what is in
//! the repository and what the program can copy cannot differ.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=recipes");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("recipes");
    let mut table = String::from("&[\n");
    for recipe in sorted(&root)? {
        if recipe.is_dir() {
            let mut files = Vec::new();
            collect(&recipe, &mut files)?;
            table += &format!("    ({:?}, &[\n", name(&recipe));
            for file in files {
                let path = file.strip_prefix(&recipe).expect("files lie below their recipe");
                table += &format!("        ({path:?}, include_bytes!({file:?})),\n");
            }
            table += "    ]),\n";
        }
    }
    fs::write(PathBuf::from(variable("OUT_DIR")).join("recipes.rs"), table + "]\n")
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("cargo sets it for build scripts")
}

fn name(path: &Path) -> String {
    path.file_name().expect("entries have names").to_string_lossy().into_owned()
}

/// The entries of a directory in the order of their names; none where it does not exist.
fn sorted(directory: &Path) -> io::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut entries =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in sorted(directory)? {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}
