//! Named bounds of local execution.

use std::time::Duration;

/// Largest log of one attempt, in bytes. A looping program is ended before it fills the disk.
pub const LOG_BYTES: u64 = 1 << 30;

/// How long a job may take to end itself after an interrupt, where its rule says nothing.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long a job may live on after SIGTERM in a gentle stop, before SIGKILL.
pub const TERM_GRACE: Duration = Duration::from_secs(2);

/// How often memory is measured, for jobs with a limit.
pub const MEMORY_INTERVAL: Duration = Duration::from_millis(200);

/// Measuring memory may take one part in this many of a core; on a machine with very many
/// processes it is then done less often.
pub const MEMORY_SHARE: u32 = 20;

/// How often log sizes and peak memory of every job are looked at.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long killed processes of an ended job may take to vanish. They are gone at once unless the
/// kernel holds them in an operation of a device or a file server.
pub const VANISH: Duration = Duration::from_secs(5);

/// How often it is looked whether they have.
pub const VANISH_INTERVAL: Duration = Duration::from_millis(5);

/// Ends taken in at once.
pub const ENDS_PER_TURN: usize = 64;
