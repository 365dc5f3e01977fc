//! The bridge between a script, which runs on a thread of its own, and the caller's [`Sources`].
//!
//! Host functions must outlive every borrow, because the interpreter demands it; the caller's
//! sources are a borrow. So the script sends its few questions over a channel and the calling
//! thread answers them. The script's thread also brings a stack of known size.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use crate::model::pattern::Pattern;
use crate::model::sources::Sources;
use crate::model::stamp::Kind;

enum Question {
    Read(String, SyncSender<io::Result<Arc<[u8]>>>),
    List(Pattern, SyncSender<io::Result<Vec<String>>>),
    Kinds(Vec<String>, SyncSender<Vec<Kind>>),
    Env(String, SyncSender<Option<String>>),
}

/// The script's end: asks and waits.
#[derive(Clone)]
pub struct Asker(Sender<Question>);

/// The caller's end: answers until no asker is left.
pub struct Answerer(Receiver<Question>);

/// Both ends of a bridge.
pub fn bridge() -> (Asker, Answerer) {
    let (asker, answerer) = channel();
    (Asker(asker), Answerer(answerer))
}

impl Asker {
    /// The bytes of a file.
    pub fn read(&self, path: &str) -> io::Result<Arc<[u8]>> {
        self.ask(|reply| Question::Read(path.to_owned(), reply))
    }

    /// Paths that match a pattern, in natural order.
    pub fn list(&self, pattern: &Pattern) -> io::Result<Vec<String>> {
        self.ask(|reply| Question::List(pattern.clone(), reply))
    }

    /// What stands at each path.
    pub fn kinds(&self, paths: Vec<String>) -> Vec<Kind> {
        self.ask(|reply| Question::Kinds(paths, reply))
    }

    /// The caller's environment variable.
    pub fn env(&self, name: &str) -> Option<String> {
        self.ask(|reply| Question::Env(name.to_owned(), reply))
    }

    fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Question) -> T {
        let (reply, answer) = sync_channel(1);
        self.0.send(question(reply)).expect("the answering thread outlives the script");
        answer.recv().expect("every question is answered")
    }
}

impl Answerer {
    /// Answers every question until the script's thread has dropped its ends. A reply that nobody
    /// waits for any more is dropped, because the script that asked is gone.
    pub fn serve(self, sources: &dyn Sources) {
        for question in self.0 {
            match question {
                Question::Read(path, reply) => drop(reply.send(sources.read(&path))),
                Question::List(pattern, reply) => drop(reply.send(sources.list(&pattern))),
                Question::Kinds(paths, reply) => {
                    drop(reply.send(paths.iter().map(|path| sources.kind(path)).collect()));
                }
                Question::Env(name, reply) => drop(reply.send(sources.env(&name))),
            }
        }
    }
}
