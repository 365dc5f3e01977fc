//! Named limits of the engine, each with its unit and its reason.

use std::time::Duration;

/// Attempts that end while the batch before them is being made durable are committed together;
/// more than this many at once would delay the first for too long.
pub(super) const COMMIT_BATCH: usize = 256;

/// Attempts that may be on their way to being settled before further commands have to wait: a disk
/// that is slower than the commands would otherwise collect their outputs without end.
pub(super) const COMMITTING_MOST: usize = 128;

/// How often an action is run again because an input changed under it before that is a failure.
pub(super) const INPUT_CHANGED_RETRIES: u32 = 2;

/// Lines of a failed command's output that are shown.
pub(super) const LOG_TAIL_LINES: usize = 20;

/// Actions of a rule whose warnings are shown; the others are counted.
pub(super) const WARNED_SHOWN: usize = 2;

/// Bytes of a log that are read for its last lines.
pub(super) const LOG_TAIL_BYTES: u64 = 16 << 10;

/// Private directories of failed attempts that are kept for inspection.
pub(super) const FAILED_KEPT: usize = 5;

/// Time between two looks at progress files and clocks; ten a second is as fast as people read.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Time between two attempts to get a lock that another build holds.
pub(super) const LOCK_POLL: Duration = Duration::from_millis(200);

/// Grace between an interrupt and a kill, unless settings say otherwise.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// Names of the slowest actions in a summary.
pub(super) const SLOWEST_SHOWN: usize = 3;

/// Largest artifact that is read again at the end of a build because its stamp was too young: some
/// milliseconds of reading.
pub(super) const REREAD_BYTES: u64 = 4 << 20;

/// Fewer young artifacts than this are left to the next build: reading them costs it less than the
/// wait for their stamps to age costs this one.
pub(super) const REREAD_FROM: usize = 250;

/// Age at which stamps of local file systems vouch for a content; see `fsio::clock`.
pub(super) const STAMP_AGE: Duration = Duration::from_millis(21);

/// Free space below which a failure is put down to a full disk.
pub(super) const DISK_FULL_BYTES: u64 = 1 << 20;

/// Source files that are missing and are worth naming one by one.
pub(super) const MISSING_SHOWN: usize = 5;
