//! What the file system says about an artifact without reading it.

use serde::{Deserialize, Serialize};

/// The kind of thing that stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing is there.
    Missing,
    File,
    Directory,
    /// A socket, device or fifo: never an artifact.
    Other,
}

/// The stat record that licenses not reading an artifact again. Compared for equality only, never
/// for order, because files come from backups, transfers and hosts with other clocks.
///
/// For a directory artifact `size` is the sum over its files, the times are the latest of any
/// entry, and `inode` is a digest over the sorted names and stamps of all entries, so equality
/// still means "nothing below has been touched".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub kind: Kind,
    /// True when the owner may execute the file; part of what a command can see.
    pub executable: bool,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub inode: u64,
    /// Advisory: device numbers change across mounts and nodes.
    pub device: u64,
}

impl Stamp {
    /// The stamp of a path where nothing is.
    pub const MISSING: Stamp = Stamp {
        kind: Kind::Missing,
        executable: false,
        size: 0,
        mtime_ns: 0,
        ctime_ns: 0,
        inode: 0,
        device: 0,
    };

    /// True when nothing stands at the path.
    pub fn is_missing(&self) -> bool {
        self.kind == Kind::Missing
    }

    /// True when both stamps vouch for the same content: all but the device agree.
    pub fn vouches_for(&self, other: &Stamp) -> bool {
        Stamp { device: 0, ..*self } == Stamp { device: 0, ..*other }
    }
}
