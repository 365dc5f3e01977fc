//! What this machine lets us use.

use std::fs;
use std::path::{Path, PathBuf};

/// Resources of this machine, within the bounds that a container or a batch system set for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processor cores, at least one.
    pub cores: u32,
    /// Bytes of memory; `None` where it cannot be told.
    pub memory: Option<u64>,
    /// Graphics processors.
    pub gpus: u32,
}

/// Looks at the machine. `visible_gpus` is the value of `CUDA_VISIBLE_DEVICES`, where it is set.
pub fn machine(visible_gpus: Option<&str>) -> Machine {
    // Respects the processor affinity and the quotas of control groups.
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
    let limit = fs::read_to_string("/proc/self/cgroup")
        .ok()
        .and_then(|text| cgroup_limit(&text, Path::new("/sys/fs/cgroup")));
    Machine {
        cores,
        memory: memory.into_iter().chain(limit).min(),
        gpus: match visible_gpus {
            Some(list) => visible(list),
            None => fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, |dir| dir.count() as u32),
        },
    }
}

fn total_memory(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(rest.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The least memory limit on the way from our control group to the root. `cgroups` is the text of
/// `/proc/self/cgroup`; both versions of control groups are understood (cgroups(7)).
fn cgroup_limit(cgroups: &str, root: &Path) -> Option<u64> {
    let limits = cgroups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next().unwrap_or("");
        let group = fields.next().unwrap_or("").trim_start_matches('/').to_owned();
        let (mount, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        let mut directory = mount.join(group);
        let mut found = Vec::new();
        while directory.starts_with(&mount) {
            found.extend(limit_in(directory.join(file)));
            directory.pop();
        }
        found
    });
    limits.min()
}

/// Reads one limit; `max` and the huge number by which version 1 says so are none.
fn limit_in(file: PathBuf) -> Option<u64> {
    let limit: u64 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (limit < 1 << 60).then_some(limit)
}

/// How many devices a value of `CUDA_VISIBLE_DEVICES` names. The driver stops at the first entry
/// that it does not know, for which `-1` is the customary spelling.
fn visible(list: &str) -> u32 {
    list.split(',')
        .map(str::trim)
        .take_while(|entry| !entry.is_empty() && !entry.starts_with('-') && *entry != "NoDevFiles")
        .count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_cores_and_memory() {
        let here = machine(None);
        assert!(here.cores >= 1);
        assert!(here.memory.unwrap() > 1 << 20);
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("batch/job/memory.max", "max\n");
        write("batch/memory.max", "4000000\n");
        write("memory/old/memory.limit_in_bytes", "3000000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limit = |text: &str| cgroup_limit(text, root.path());
        assert_eq!(limit("0::/batch/job\n"), Some(4_000_000));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("5:cpu,memory:/old\n0::/batch\n"), Some(3_000_000));
        assert_eq!(limit("5:cpuset:/old\n"), None);
    }

    #[test]
    fn visible_devices_are_counted_as_the_driver_does() {
        for (list, count) in [("0,1", 2), ("", 0), ("-1", 0), ("1,-1,2", 1), ("GPU-8932f937", 1)] {
            assert_eq!(visible(list), count, "{list}");
        }
    }
}
