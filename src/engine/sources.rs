//! Answers the questions of evaluation and graph building, and keeps each with its answer: the
//! graph stays valid exactly as long as all answers stay the same.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::fsio::clock::FsClock;
use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::model::digest::{Digest, Encoder};
use crate::model::pattern::Pattern;
use crate::model::sources::Sources;
use crate::model::stamp::{Kind, Stamp};

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// A file's content; `stamp` vouches for it unless it was taken too soon after a write.
    File {
        path: String,
        digest: Option<Digest>,
        stamp: Stamp,
        racy: bool,
    },
    /// Which paths match; the stamps of the listed directories vouch for it.
    Listing {
        pattern: Pattern,
        paths: Digest,
        directories: Vec<(String, Stamp)>,
        racy: bool,
    },
    Kind {
        path: String,
        kind: Kind,
    },
    /// A variable by digest, because it may hold a secret.
    Env {
        name: String,
        value: Option<Digest>,
    },
}

/// A [`Sources`] over a real project that remembers what was asked.
pub(super) struct Recorder<'p> {
    tree: &'p Tree,
    clock: Option<&'p FsClock>,
    env: &'p BTreeMap<String, String>,
    answers: Mutex<Vec<Answer>>,
}

impl<'p> Recorder<'p> {
    pub(super) fn new(
        tree: &'p Tree,
        clock: Option<&'p FsClock>,
        env: &'p BTreeMap<String, String>,
    ) -> Self {
        Recorder { tree, clock, env, answers: Mutex::new(Vec::new()) }
    }

    /// Everything asked so far.
    pub(super) fn into_answers(self) -> Vec<Answer> {
        self.answers.into_inner().expect("no thread panicked while recording")
    }

    /// True when the stamp cannot vouch for what was just read.
    fn is_racy(&self, stamp: &Stamp) -> bool {
        self.clock.is_none_or(|clock| clock.refresh().is_err() || clock.is_racy(stamp))
    }

    fn keep(&self, answer: Answer) {
        let mut answers = self.answers.lock().expect("no thread panicked while recording");
        if !answers.contains(&answer) {
            answers.push(answer);
        }
    }
}

impl Sources for Recorder<'_> {
    fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        match self.tree.read_stamped(path) {
            Ok((bytes, stamp)) => {
                let digest = Some(Digest::of(&bytes));
                let racy = self.is_racy(&stamp);
                self.keep(Answer::File { path: path.to_owned(), digest, stamp, racy });
                Ok(bytes.into())
            }
            Err(error) => {
                if error.kind() == Some(io::ErrorKind::NotFound) {
                    let stamp = Stamp::MISSING;
                    let path = path.to_owned();
                    self.keep(Answer::File { path, digest: None, stamp, racy: false });
                }
                Err(match error {
                    FsError::Io { source, .. } => source,
                    error => io::Error::other(error),
                })
            }
        }
    }

    fn list(&self, pattern: &Pattern) -> io::Result<Vec<String>> {
        let listing = self.tree.list(pattern)?;
        self.keep(Answer::Listing {
            pattern: pattern.clone(),
            paths: digest_of_names(&listing.paths),
            racy: listing.directories.iter().any(|(_, stamp)| self.is_racy(stamp)),
            directories: listing.directories,
        });
        Ok(listing.paths)
    }

    fn kind(&self, path: &str) -> Kind {
        let kind = self.tree.kind(path).unwrap_or(Kind::Missing);
        self.keep(Answer::Kind { path: path.to_owned(), kind });
        kind
    }

    fn env(&self, name: &str) -> Option<String> {
        let value = self.env.get(name).cloned();
        let digest = value.as_ref().map(|value| Digest::of(value.as_bytes()));
        self.keep(Answer::Env { name: name.to_owned(), value: digest });
        value
    }
}

/// What asking all questions again gives.
pub(super) enum Asked {
    /// Stamps vouch for every answer.
    Same,
    /// The answers are the same, but some had to be read: these vouch for themselves next time.
    SameButTouched(Vec<Answer>),
    Changed,
}

impl Recorder<'_> {
    /// Asks the questions of an earlier evaluation again.
    pub(super) fn ask_again(self, answers: &[Answer]) -> Asked {
        let mut touched = false;
        for answer in answers {
            if self.vouched(answer) {
                self.keep(answer.clone());
                continue;
            }
            touched = true;
            if !self.same_when_asked(answer) {
                return Asked::Changed;
            }
        }
        if touched { Asked::SameButTouched(self.into_answers()) } else { Asked::Same }
    }

    /// True when stamps alone tell that the answer is the same, or when asking costs no more.
    fn vouched(&self, answer: &Answer) -> bool {
        let same = |path: &str, stamp: &Stamp| {
            self.tree.entry_stamp(path).is_ok_and(|now| now.vouches_for(stamp))
        };
        match answer {
            Answer::File { path, stamp, racy, .. } => !racy && same(path, stamp),
            Answer::Listing { directories, racy, .. } => {
                !racy && directories.iter().all(|(path, stamp)| same(path, stamp))
            }
            Answer::Kind { path, kind } => self.tree.kind(path).is_ok_and(|now| now == *kind),
            Answer::Env { name, value } => {
                self.env.get(name).map(|now| Digest::of(now.as_bytes())) == *value
            }
        }
    }

    /// Asks once more, which records the new answer, and compares.
    fn same_when_asked(&self, answer: &Answer) -> bool {
        match answer {
            Answer::File { path, digest, .. } => {
                self.read(path).ok().map(|bytes| Digest::of(&bytes)) == *digest
            }
            Answer::Listing { pattern, paths, .. } => {
                self.list(pattern).is_ok_and(|now| digest_of_names(&now) == *paths)
            }
            // These were asked already.
            Answer::Kind { .. } | Answer::Env { .. } => false,
        }
    }
}

fn digest_of_names(names: &[String]) -> Digest {
    let mut encoder = Encoder::new("attpc listing v1");
    names.iter().for_each(|name| encoder.text(name));
    encoder.finish()
}
