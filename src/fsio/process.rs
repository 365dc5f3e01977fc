//! Who a process is, so that a number that was given to another one is never mistaken for it.

use std::fs;

/// The kernel's identifier of this boot; empty where the system does not tell. Process numbers and
/// start times mean something within one boot only.
pub fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// The name of this host.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// When a process started, in clock ticks since boot; `None` when there is no such process.
/// Together with the number it names a process for as long as the machine is up.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the program's name in parentheses, may hold spaces and parentheses, so the
    // fields are counted from its end: state is the third, the start time the twenty-second.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    // A zombie runs nothing any more and holds no lock: it only waits to be noticed.
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// True when exactly this process still runs.
pub fn is_alive(pid: u32, process_start: u64, boot: &str) -> bool {
    boot == boot_id() && start_time(pid) == Some(process_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_others_with_our_number_are_not() {
        let me = std::process::id();
        let start = start_time(me).unwrap();
        assert!(is_alive(me, start, &boot_id()));
        assert!(!is_alive(me, start + 1, &boot_id()));
        assert!(!is_alive(me, start, "another boot"));
        assert_eq!(start_time(u32::MAX), None);
        assert!(!host().is_empty());
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let gone = (0..1_000_000).any(|_| start_time(pid).is_none());
        assert!(gone, "the child ended but still counts as alive");
        child.wait().unwrap();
    }
}
