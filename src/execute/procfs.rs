//! What `/proc` says about processes: identity, group, parent, memory.
//!
//! A process may vanish between any two reads, so everything here answers with an option or skips.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The fields of `/proc/PID/stat` that matter here (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// Clock ticks after boot; together with the pid it identifies a process within a boot.
    pub(super) start: u64,
    /// Bytes in memory, pages shared with other processes counted in full.
    pub(super) resident: u64,
    /// False for a process that has ended and only waits to be collected.
    pub(super) alive: bool,
}

/// Looks at one process.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(pid: i32, text: &str) -> Option<Stat> {
    // The program's name stands in parentheses and may itself hold blanks and parentheses.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        alive: !matches!(*fields.first()?, "Z" | "X"),
        parent: i32::try_from(number(1)?).ok()?,
        group: i32::try_from(number(2)?).ok()?,
        start: number(19)?,
        resident: number(21)? * rustix::param::page_size() as u64,
    })
}

/// Looks at every process that we may see.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .collect()
}

/// Members of a process group that have not ended.
pub(super) fn living_members(group: i32) -> Vec<Stat> {
    all().into_iter().filter(|process| process.group == group && process.alive).collect()
}

/// Of `processes`, those of a group and all their descendants, whatever group these moved to.
pub(super) fn family(processes: &[Stat], group: i32) -> Vec<Stat> {
    let mut found: BTreeSet<i32> = processes
        .iter()
        .filter(|process| process.group == group)
        .map(|process| process.pid)
        .collect();
    loop {
        let before = found.len();
        for process in processes {
            if found.contains(&process.parent) {
                found.insert(process.pid);
            }
        }
        if found.len() == before {
            break;
        }
    }
    processes.iter().filter(|process| found.contains(&process.pid)).copied().collect()
}

/// The proportional memory of a process in bytes: shared pages are divided among their users.
/// Exact, but slow for large processes.
pub(super) fn proportional_memory(pid: i32) -> Option<u64> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss:").map(|kibibytes| kibibytes * 1024)
}

/// The largest resident set a process had since its program started, in bytes.
pub(super) fn peak_memory(pid: i32) -> Option<u64> {
    field(&format!("/proc/{pid}/status"), "VmHWM:").map(|kibibytes| kibibytes * 1024)
}

/// How many processes the kernel has killed for want of memory since boot.
pub(super) fn kernel_memory_kills() -> Option<u64> {
    field("/proc/vmstat", "oom_kill ")
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// True when a process has the file open.
pub(super) fn holds(pid: i32, file: &Path) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|entries| {
        entries
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .any(|target| target == file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_do_not_confuse() {
        let text = "7 (a) b (c) S 3 5 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 99 2 0";
        let stat = parse_stat(7, text).unwrap();
        assert_eq!((stat.parent, stat.group, stat.start), (3, 5, 4242));
        assert_eq!(stat.resident, 2 * rustix::param::page_size() as u64);
        assert!(stat.alive);
        assert_eq!(parse_stat(7, "7 (cut off"), None);
    }

    #[test]
    fn a_family_holds_descendants_that_left_the_group() {
        let process =
            |pid, parent, group| Stat { pid, parent, group, start: 0, resident: 1, alive: true };
        let processes =
            [process(14, 13, 99), process(10, 1, 10), process(13, 10, 13), process(20, 1, 20)];
        let pids: Vec<i32> = family(&processes, 10).iter().map(|process| process.pid).collect();
        assert_eq!(pids, [14, 10, 13]);
    }

    #[test]
    fn this_process_is_there() {
        let me = std::process::id() as i32;
        assert!(all().iter().any(|process| process.pid == me && process.alive));
        assert!(peak_memory(me).unwrap() > 0);
    }
}
