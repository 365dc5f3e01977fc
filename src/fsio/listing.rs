//! Which paths match a pattern, and what must stay as it is for the answer to hold.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, fstat, openat, statat};
use rustix::io::{self, Errno};

use crate::fsio::scan::names;
use crate::fsio::tree::{DIRECTORY, Tree, or_here, stamp_of};
use crate::fsio::write::TEMPORARY_PREFIX;
use crate::model::pattern::Pattern;
use crate::model::stamp::{Kind, Stamp};
use crate::model::text::natural_cmp;

/// The answer to a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Matching files and directories in natural order; for a pattern that ends with a slash,
    /// directories only, with their slash.
    pub paths: Vec<String>,
    /// Every directory that was looked into, with its [`Tree::entry_stamp`] from before. As long
    /// as these stamps hold, and were not racy, no entry has come, gone or been renamed, so the
    /// listing holds too. A directory that does not exist is stamped as missing.
    pub directories: Vec<(String, Stamp)>,
}

impl Tree {
    /// Lists what matches a pattern. Links are followed, since raw data often lie behind one; a
    /// link back to a directory above is not entered again. Names that start with a dot are left
    /// out unless the pattern says the dot itself, and so are names that are not UTF-8.
    pub fn list(&self, pattern: &Pattern) -> std::io::Result<Listing> {
        let mut listing = Listing::default();
        if pattern.is_literal() {
            return self.list_literal(pattern);
        }
        let levels = pattern.depth().map(|depth| depth - usize::from(pattern.is_directory()));
        let mut search = Search { tree: self, pattern, listing: &mut listing, above: Vec::new() };
        search.enter(pattern.root(), levels)?;
        listing.paths.sort_unstable_by(|a, b| natural_cmp(a, b));
        Ok(listing)
    }

    /// A pattern without captures and stars is one path: its directory need not be read.
    fn list_literal(&self, pattern: &Pattern) -> std::io::Result<Listing> {
        let path = pattern.literal();
        let directory = pattern.root();
        let stamp = self.entry_stamp(directory)?;
        let there = self.kind(&path)? != Kind::Missing;
        let paths = if there { vec![path] } else { Vec::new() };
        Ok(Listing { paths, directories: vec![(directory.to_owned(), stamp)] })
    }
}

struct Search<'a> {
    tree: &'a Tree,
    pattern: &'a Pattern,
    listing: &'a mut Listing,
    /// Device and inode of the directories above, to notice links that lead back.
    above: Vec<(u64, u64)>,
}

impl Search<'_> {
    /// Looks into a directory; `levels` is how deep matches may lie below it.
    fn enter(&mut self, path: &str, levels: Option<usize>) -> io::Result<()> {
        let directory = match openat(self.tree, or_here(path), DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR) => {
                self.listing.directories.push((path.to_owned(), Stamp::MISSING));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let stamp = stamp_of(&fstat(&directory)?);
        let identity = (stamp.device, stamp.inode);
        if self.above.contains(&identity) {
            return Ok(());
        }
        self.listing.directories.push((path.to_owned(), stamp));
        self.above.push(identity);
        let below = self.read(path, &directory, levels)?;
        for path in below {
            self.enter(&path, levels.map(|levels| levels - 1))?;
        }
        self.above.pop();
        Ok(())
    }

    /// Takes a directory's matching entries and returns the directories to look into.
    fn read(
        &mut self,
        path: &str,
        directory: &OwnedFd,
        levels: Option<usize>,
    ) -> io::Result<Vec<String>> {
        let deeper = levels.is_none_or(|levels| levels > 1);
        let mut below = Vec::new();
        for (name, hint) in names(directory.as_fd())? {
            let Ok(name) = String::from_utf8(name) else { continue };
            if name == ".attpc"
                || name.starts_with(TEMPORARY_PREFIX)
                || (name.starts_with('.') && !self.pattern.says_hidden())
            {
                continue;
            }
            let full = match path {
                "" | "/" => format!("{path}{name}"),
                _ => format!("{path}/{name}"),
            };
            let wants_kind = deeper || self.pattern.is_directory();
            let is_directory = wants_kind && is_directory(directory, &name, hint)?;
            if is_directory && deeper {
                below.push(full.clone());
            }
            if self.pattern.is_directory() {
                let slashed = format!("{full}/");
                if is_directory && self.pattern.captures(&slashed).is_some() {
                    self.listing.paths.push(slashed);
                }
            } else if self.pattern.captures(&full).is_some() {
                self.listing.paths.push(full);
            }
        }
        Ok(below)
    }
}

/// Asks the file system only where its hint does not settle it.
fn is_directory(directory: &OwnedFd, name: &str, hint: FileType) -> io::Result<bool> {
    match hint {
        FileType::Directory => Ok(true),
        FileType::Unknown | FileType::Symlink => match statat(directory, name, AtFlags::empty()) {
            Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
            Err(Errno::NOENT | Errno::LOOP) => Ok(false),
            Err(error) => Err(error),
        },
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project(files: &[&str]) -> (tempfile::TempDir, Tree) {
        let space = tempfile::tempdir().unwrap();
        for file in files {
            let path = space.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let tree = Tree::open(space.path()).unwrap();
        (space, tree)
    }

    fn list(tree: &Tree, pattern: &str) -> Listing {
        tree.list(&Pattern::parse(pattern).unwrap()).unwrap()
    }

    #[test]
    fn matches_come_in_natural_order() {
        let (_space, tree) =
            project(&["raw/run_10.h5", "raw/run_9.h5", "raw/run_100.h5", "raw/x", "run_1.h5"]);
        let listing = list(&tree, "raw/run_{run}.h5");
        assert_eq!(listing.paths, ["raw/run_9.h5", "raw/run_10.h5", "raw/run_100.h5"]);
        assert_eq!(list(&tree, "run_{run}.h5").paths, ["run_1.h5"]);
        assert_eq!(list(&tree, "*").paths, ["raw", "run_1.h5"]);
        let absolute = format!("{}/run_*.h5", tree.root().display());
        assert_eq!(list(&tree, &absolute).paths, [absolute.replace('*', "1")]);
    }

    #[test]
    fn any_depth_and_directories_match() {
        let (_space, tree) = project(&["a/b/c/1.h5", "a/1.h5", "a/b/2.h5", "frames/7/x.tif"]);
        assert_eq!(list(&tree, "a/**/{n}.h5").paths, ["a/1.h5", "a/b/2.h5", "a/b/c/1.h5"]);
        let frames = list(&tree, "frames/{scan}/");
        assert_eq!(frames.paths, ["frames/7/"]);
        assert_eq!(frames.directories.len(), 1, "the stacks themselves are not read");
        assert_eq!(list(&tree, "frames/{scan}").paths, ["frames/7"]);
        assert_eq!(list(&tree, "{d}/1.h5").paths, ["a/1.h5"]);
    }

    #[test]
    fn our_own_state_and_hidden_files_are_left_out() {
        let (_space, tree) = project(&[
            ".attpc/1.h5",
            "a/.attpc-tmp-1-0",
            "a/.run.h5.Xa31",
            "a/.conf/1.h5",
            "a/run.h5",
        ]);
        assert_eq!(list(&tree, "**/*").paths, ["a", "a/run.h5"]);
        assert_eq!(list(&tree, "a/{name}").paths, ["a/run.h5"]);
        assert_eq!(list(&tree, "a/.{name}").paths, ["a/.conf", "a/.run.h5.Xa31"]);
        assert_eq!(list(&tree, "a/.conf/{n}.h5").paths, ["a/.conf/1.h5"]);
    }

    #[test]
    fn links_are_followed_once() {
        let (space, tree) = project(&["real/1.h5", "real/sub/2.h5"]);
        std::os::unix::fs::symlink("real", space.path().join("raw")).unwrap();
        std::os::unix::fs::symlink("..", space.path().join("real/sub/up")).unwrap();
        assert_eq!(list(&tree, "raw/**/{n}.h5").paths, ["raw/1.h5", "raw/sub/2.h5"]);
        assert_eq!(list(&tree, "raw/{n}.h5").paths, ["raw/1.h5"]);
    }

    #[test]
    fn the_directories_tell_whether_a_listing_still_holds() {
        let (space, tree) = project(&["raw/1.h5", "raw/a/1.h5"]);
        let holds = |listing: &Listing| {
            let same = |(path, stamp): &(String, Stamp)| tree.entry_stamp(path).unwrap() == *stamp;
            listing.directories.iter().all(same)
        };
        let listing = list(&tree, "raw/**/{n}.h5");
        assert!(holds(&listing));
        fs::write(space.path().join("raw/a/1.h5"), "other content").unwrap();
        assert!(holds(&listing), "contents do not change a listing");
        fs::write(space.path().join("raw/a/2.h5"), "").unwrap();
        assert!(!holds(&listing));
        let absent = list(&tree, "later/{n}.h5");
        assert!(absent.paths.is_empty() && holds(&absent));
        fs::create_dir(space.path().join("later")).unwrap();
        assert!(!holds(&absent));
        let literal = list(&tree, "style.json");
        assert!(literal.paths.is_empty() && holds(&literal));
        fs::write(space.path().join("style.json"), "{}").unwrap();
        assert!(!holds(&literal));
        assert_eq!(list(&tree, "style.json").paths, ["style.json"]);
    }
}
