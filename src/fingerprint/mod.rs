//! Room card
//! - job: Walks everything an action's result depends on, once, into a key or into readable lines.
//! - takes: a `Graph`, an action, the digests of its inputs
//! - gives: the key, or the components that made it up
//! - imports: model, graph
//! - touches: nothing
//! - never: reads a file; decides what is stale
//!
//! # What is in a key
//!
//! | component | commands | native kernels |
//! |---|---|---|
//! | format | the domain text `attpc action v1` | the same |
//! | command | each word, items filled in; `{input…}`, `{output…}`, `{params…}` and `{resources…}` stay as written | – |
//! | kernel | – | name and version |
//! | item | – | the item values that the kernel asks for |
//! | params | every leaf with its type | the same, with the kernel's defaults filled in; file parameters without their path |
//! | env | each declared variable with its value | the same |
//! | container | the image as written | the same |
//! | input | role, path within the project, digest; file name alone when outside | role, position, digest; the file's own name where the kernel says that it reads it |
//! | output | role, kind, path within the project | role, kind, extension |
//!
//! # What is not
//!
//! Absolute paths, modification times, host and user names, the rule's name, resources, executor,
//! priority, retries, time limits, tags, the recipe's file name, comments and layout. Native
//! kernels do not see paths at all, so renaming directories re-runs none of them.

mod walk;

pub use walk::{Subject, logical_name};

use crate::model::digest::{Digest, Encoder};
use crate::model::record::{Component, ComponentKind};
use crate::model::value::Value;

/// First text of every key's encoding; a change of meaning changes it.
pub const KEY_DOMAIN: &str = "attpc action v1";

/// Receives one walk over an action.
pub trait Sink {
    /// A plain text. `shown` is the name for people where it differs from the encoded one.
    fn text(&mut self, kind: ComponentKind, name: &str, text: &str);
    /// A typed value.
    fn value(&mut self, kind: ComponentKind, name: &str, value: &Value);
    /// An input's content. `name` is encoded; `shown` is for people.
    fn content(&mut self, name: &str, shown: &str, digest: &Digest);
}

/// Turns a walk into the key.
pub struct KeySink(Encoder);

impl Default for KeySink {
    fn default() -> Self {
        KeySink(Encoder::new(KEY_DOMAIN))
    }
}

impl KeySink {
    /// The key of everything walked.
    pub fn finish(self) -> Digest {
        self.0.finish()
    }

    fn open(&mut self, kind: ComponentKind, name: &str) {
        self.0.int(kind as i64);
        self.0.field(name);
    }
}

impl Sink for KeySink {
    fn text(&mut self, kind: ComponentKind, name: &str, text: &str) {
        self.open(kind, name);
        self.0.text(text);
    }

    fn value(&mut self, kind: ComponentKind, name: &str, value: &Value) {
        self.open(kind, name);
        value.encode(&mut self.0);
    }

    fn content(&mut self, name: &str, _shown: &str, digest: &Digest) {
        self.open(ComponentKind::Input, name);
        self.0.digest(digest);
    }
}

/// Turns a walk into the lines that a record keeps, so that a later verdict can say what changed.
#[derive(Default)]
pub struct TextSink(pub Vec<Component>);

impl Sink for TextSink {
    fn text(&mut self, kind: ComponentKind, name: &str, text: &str) {
        self.0.push(Component { kind, name: name.to_owned(), value: text.to_owned() });
    }

    fn value(&mut self, kind: ComponentKind, name: &str, value: &Value) {
        self.text(kind, name, &value.to_string());
    }

    fn content(&mut self, _name: &str, shown: &str, digest: &Digest) {
        self.text(ComponentKind::Input, shown, &digest.to_string());
    }
}

#[cfg(test)]
mod tests;
