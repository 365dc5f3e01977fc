//! Real processes. Children that have to be caught running say so through their log or a fifo, or
//! sleep far longer than any test and are killed; nothing here sleeps to wait for something.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::execute::orphans::{self, Fate, Orphan};
use crate::execute::wait;
use crate::fsio::process::boot_id;

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    local: Local,
    ends: Receiver<Ended>,
    directory: TempDir,
}

impl Bench {
    fn new() -> Bench {
        let (sender, ends) = channel();
        // The receiver may be gone when a test ends with jobs running.
        let local = Local::new(move |ended| drop(sender.send(ended))).unwrap();
        Bench { local, ends, directory: tempfile::tempdir().unwrap() }
    }

    fn job(&self, argv: &[&str]) -> PreparedJob {
        PreparedJob {
            id: 1,
            argv: argv.iter().map(OsString::from).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            directory: self.directory.path().to_owned(),
            log: self.directory.path().join("log"),
            memory: None,
            time: None,
            grace: PATIENCE,
        }
    }

    fn shell(&self, script: &str) -> PreparedJob {
        self.job(&["sh", "-c", script])
    }

    fn end(&self) -> Ended {
        self.ends.recv_timeout(PATIENCE).expect("the job ends")
    }

    fn run(&self, job: &PreparedJob) -> Ended {
        self.local.start(job).unwrap();
        self.end()
    }

    fn refused(&self, job: &PreparedJob) -> String {
        let error = self.local.start(job).unwrap_err();
        let text = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        text.replace(self.directory.path().to_str().unwrap(), "DIR")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    fn fifo(&self) -> PathBuf {
        let fifo = self.directory.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
        fifo
    }

    fn script(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Reads a fifo until every writer has closed it: until nobody is left.
fn read_to_end(fifo: &Path) -> String {
    let mut text = String::new();
    File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn statuses_and_signals_are_told_apart() {
    let bench = Bench::new();
    let how = |script: &str| bench.run(&bench.shell(script)).how;
    assert_eq!(how("exit 0"), How::Exited(0));
    assert_eq!(how("exit 3").to_string(), "exit status 3");
    assert_eq!(how("kill -SEGV $$").to_string(), "killed by SIGSEGV");
    assert_eq!(how("kill -KILL $$").to_string(), "killed by SIGKILL");
    assert_eq!(how("exit 0").failure(), None);
    assert_eq!(how("exit 3").failure(), Some(FailureKind::Exit));
}

#[test]
fn both_streams_reach_the_log_in_their_order_and_attempts_append() {
    let bench = Bench::new();
    bench.run(&bench.shell("echo a; echo b >&2; echo c"));
    bench.run(&bench.shell("echo d >&2"));
    assert_eq!(bench.log(), "a\nb\nc\nd\n");
}

#[test]
fn a_job_sees_its_own_environment_directory_and_empty_input_only() {
    let bench = Bench::new();
    let mut job = bench.job(&["sh", "-c", "env; pwd -P; cat"]);
    job.env.push(("GAIN".into(), "1 2".into()));
    bench.run(&job);
    let log = bench.log();
    let env: BTreeMap<&str, &str> = log.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(env.get("GAIN"), Some(&"1 2"));
    // The shell adds these itself.
    let own = ["PATH", "GAIN", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(env.keys().all(|name| own.contains(name)), "{env:?}");
    let here = bench.directory.path().canonicalize().unwrap();
    assert_eq!(log.lines().last(), here.to_str());
}

#[test]
fn no_descriptor_of_ours_leaks_into_a_job() {
    let bench = Bench::new();
    // One more job runs, so its descriptors exist too.
    let other = PreparedJob { id: 2, ..bench.job(&["sleep", "1000"]) };
    bench.local.start(&other).unwrap();
    bench.run(&bench.job(&["ls", "-l", "/proc/self/fd"]));
    let log = bench.log();
    let numbered: BTreeMap<&str, &str> = (log.lines())
        .filter_map(|line| line.split_once(" -> "))
        .map(|(left, target)| (left.rsplit(' ').next().unwrap(), target))
        .collect();
    let path = bench.directory.path().join("log");
    assert_eq!(numbered["0"], "/dev/null");
    assert_eq!(numbered["1"], path.to_str().unwrap());
    assert_eq!(numbered["2"], path.to_str().unwrap());
    for (number, target) in numbered.iter().filter(|(number, _)| **number > "2") {
        let ours = ["anon_inode", "pidfd", "/dev/null", "log"];
        assert!(!ours.iter().any(|name| target.contains(name)), "{number} -> {target}");
    }
}

#[test]
fn what_a_job_leaves_behind_is_killed_before_its_end_is_told() {
    let bench = Bench::new();
    bench.fifo();
    // The grandchild ignores every polite signal; the leader ends when the grandchild is up.
    let script = "(trap '' INT TERM HUP; echo up > fifo; exec sleep 1000) & cat fifo; exit 4";
    let job = bench.shell(script);
    let ended = bench.run(&job);
    assert_eq!((ended.how, ended.survivors), (How::Exited(4), vec![]));
    assert_eq!(bench.log(), "up\n");
    let left = |stat: &procfs::Stat| stat.alive && procfs::holds(stat.pid, &job.log);
    assert!(!procfs::all().iter().any(left));
}

#[test]
fn a_job_that_ignores_politeness_still_ends_at_its_time_limit() {
    let bench = Bench::new();
    let limit = Duration::from_millis(100);
    let mut job = bench.shell("trap '' TERM INT; while :; do sleep 1000; done");
    (job.time, job.grace) = (Some(limit), Duration::from_millis(100));
    let ended = bench.run(&job);
    assert_eq!(ended.how, How::TimedOut { limit });
    assert_eq!(ended.how.to_string(), "ended after its time limit of 0.1 s");
    assert!(ended.wall >= Duration::from_millis(200) && ended.wall < PATIENCE);
}

#[test]
fn a_job_may_clean_up_at_its_time_limit() {
    let bench = Bench::new();
    let mut job = bench.shell("trap 'echo cleaned; exit 0' TERM; while :; do sleep 0.05; done");
    job.time = Some(Duration::from_millis(300));
    assert!(matches!(bench.run(&job).how, How::TimedOut { .. }));
    // The shell also tells of the sleep that was ended with it.
    assert_eq!(bench.log().lines().last(), Some("cleaned"));
}

#[test]
fn a_job_over_its_memory_limit_is_ended_with_the_number() {
    let bench = Bench::new();
    let limit = 50_000_000;
    // `tail` keeps the one endless line; a child of the shell, so the whole group is counted.
    let mut job = bench.shell("{ head -c 120000000 /dev/zero; sleep 1000; } | tail -n 1");
    job.memory = Some(limit);
    let How::OutOfMemory { limit: Some(found), used } = bench.run(&job).how else {
        panic!("it is over its limit")
    };
    assert!(found == limit && used > limit);
    let how = How::OutOfMemory { limit: Some(limit), used: 120_000_000 };
    assert_eq!(how.to_string(), "ended because it used 120.0 MB of memory, its limit is 50.0 MB");
}

#[test]
fn a_job_within_its_limits_is_left_alone() {
    let bench = Bench::new();
    let mut job = bench.shell("sleep 0.3; exit 5");
    (job.memory, job.time) = (Some(500_000_000), Some(PATIENCE));
    assert_eq!(bench.run(&job).how, How::Exited(5));
}

#[test]
fn costs_are_those_of_the_whole_job() {
    let bench = Bench::new();
    // The work is done by a child of the shell.
    let script = "head -c 400000000 /dev/zero | tail -n 1 | head -c 1 >/dev/null; \
                  i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let ended = bench.run(&bench.shell(script));
    assert!(ended.cpu > Duration::from_millis(20), "{ended:?}");
    assert!(ended.cpu < ended.wall * 4);
    // Only what is beyond our own peak can be told, and other tests share this process.
    assert!(ended.peak_memory.max(wait::own_peak_memory()) > 300_000_000, "{ended:?}");
    let little = bench.run(&bench.job(&["true"]));
    assert!(little.peak_memory < 20_000_000, "our own memory is not the job's: {little:?}");
}

#[test]
fn a_gentle_stop_lets_a_job_clean_up() {
    let bench = Bench::new();
    let fifo = bench.fifo();
    let script = "trap 'echo cleaned; exit 0' INT; echo up > fifo; while :; do sleep 0.05; done";
    bench.local.start(&bench.shell(script)).unwrap();
    assert_eq!(read_to_end(&fifo), "up\n");
    assert!(bench.local.stop(1, Stop::Gently));
    assert_eq!(bench.end().how, How::Stopped);
    assert_eq!(bench.log().lines().last(), Some("cleaned"));
    assert!(!bench.local.stop(1, Stop::Gently), "it runs no more");
}

#[test]
fn a_gentle_stop_becomes_firm_when_the_grace_is_over() {
    let bench = Bench::new();
    let fifo = bench.fifo();
    let script = "trap '' INT; trap 'echo term; exit 0' TERM; echo up > fifo; \
                  while :; do sleep 0.05; done";
    let mut job = bench.shell(script);
    job.grace = Duration::from_millis(50);
    bench.local.start(&job).unwrap();
    read_to_end(&fifo);
    bench.local.stop_all(Stop::Gently);
    assert_eq!(bench.end().how, How::Stopped);
    // The shell also tells of the sleep that was ended with it.
    assert_eq!(bench.log().lines().last(), Some("term"));
}

#[test]
fn a_second_stop_is_at_once() {
    let bench = Bench::new();
    let fifo = bench.fifo();
    let script = "trap 'echo cleaned' INT TERM; echo up > fifo; while :; do sleep 1000; done";
    bench.local.start(&bench.shell(script)).unwrap();
    read_to_end(&fifo);
    let before = Instant::now();
    assert_eq!(bench.local.stop_all(Stop::Gently), 1);
    assert_eq!(bench.local.stop_all(Stop::AtOnce), 1);
    assert_eq!(bench.end().how, How::Stopped);
    assert!(before.elapsed() < PATIENCE / 2, "the grace was not waited for");
}

#[test]
fn hundreds_of_jobs_need_one_thread() {
    let bench = Bench::new();
    const MANY: u32 = 200;
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for id in 0..MANY {
        // Other tests run beside this one and have threads of their own, so it is compared loosely.
        bench.local.start(&PreparedJob { id, ..bench.job(&["sleep", "1000"]) }).unwrap();
    }
    assert!(threads() < before + MANY as usize / 2);
    assert_eq!(bench.local.stop_all(Stop::AtOnce), MANY as usize);
    let mut ids: Vec<u32> = (0..MANY).map(|_| bench.end().id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..MANY).collect::<Vec<_>>());
}

#[test]
fn dropping_the_executor_kills_what_runs() {
    let bench = Bench::new();
    let started = bench.local.start(&bench.job(&["sleep", "1000"])).unwrap();
    let Bench { local, ends, .. } = bench;
    drop(local);
    assert_eq!(ends.recv().unwrap().how, How::Stopped);
    let now = procfs::stat(started.pid as i32);
    assert!(now.is_none_or(|stat| stat.start != started.process_start));
}

#[test]
fn programs_that_cannot_start_say_why() {
    let bench = Bench::new();
    bench.script("plain", "#!/bin/sh\n", 0o644);
    bench.script("orphaned", "#!/no/such/interpreter\n", 0o755);
    bench.script("bare", "no first line\n", 0o755);
    for (argv, message) in [
        (&[][..], "the command has no words"),
        (&["fitt"], "found no program `fitt` on the PATH `/usr/bin:/bin`"),
        (&["./fitt"], "found no program at `DIR/./fitt`"),
        (&["./plain"], "the file is not executable: `DIR/./plain`"),
        (&["./orphaned"], "the interpreter in the first line is missing: `DIR/./orphaned`"),
        (&["./bare"], "neither a program nor a script that begins with `#!`: `DIR/./bare`"),
        (&["."], "found no program `.` on the PATH `/usr/bin:/bin`"),
    ] {
        assert_eq!(bench.refused(&bench.job(argv)), message);
    }
    let missing = PreparedJob { directory: "/no/such".into(), ..bench.job(&["true"]) };
    let message =
        "cannot use the working directory `/no/such`: No such file or directory (os error 2)";
    assert_eq!(bench.refused(&missing), message);
    let mut log = bench.job(&["true"]);
    log.log = bench.directory.path().join("no/log");
    let message = "cannot write the log `DIR/no/log`: No such file or directory (os error 2)";
    assert_eq!(bench.refused(&log), message);
    let long = "x".repeat(4 << 20);
    let message = "command and environment are too long with 4194329 bytes";
    assert_eq!(bench.refused(&bench.job(&["true", &long])), message);
    assert!(bench.ends.try_recv().is_err(), "what did not start does not end");
}

#[test]
fn programs_are_found_on_the_path_of_the_job() {
    let bench = Bench::new();
    fs::create_dir(bench.directory.path().join("bin")).unwrap();
    bench.script("bin/fit", "#!/bin/sh\necho $0 $1\n", 0o755);
    let mut job = bench.job(&["fit", "a b"]);
    job.env = vec![("PATH".into(), "/no/such:bin:/usr/bin".into())];
    bench.run(&job);
    let expected = format!("{}/bin/fit a b\n", bench.directory.path().display());
    assert_eq!(bench.log(), expected);
}

/// What a killed build remembers of a job.
fn orphan<'a>(started: Started, boot_id: &'a str, log: &'a Path) -> Orphan<'a> {
    Orphan { pid: started.pid, process_start: started.process_start, boot_id, log }
}

#[test]
fn an_orphan_is_ended_with_its_group() {
    let bench = Bench::new();
    let fifo = bench.fifo();
    let job = bench.shell("sleep 1000 & trap '' TERM INT HUP; echo up > fifo; sleep 1000");
    let started = bench.local.start(&job).unwrap();
    read_to_end(&fifo);
    let boot_id = boot_id();
    let orphan = orphan(started, &boot_id, &job.log);
    assert_eq!(orphans::end(&orphan), Fate::Ended);
    assert!(procfs::living_members(started.pid as i32).is_empty());
    assert!(matches!(bench.end().how, How::Signalled { signal: 9, .. }));
    assert_eq!(orphans::end(&orphan), Fate::Gone);
}

#[test]
fn a_stranger_with_the_number_of_an_orphan_is_left_alone() {
    let bench = Bench::new();
    let job = bench.job(&["sleep", "1000"]);
    let started = bench.local.start(&job).unwrap();
    let boot_id = boot_id();
    let other = Started { process_start: started.process_start - 1, ..started };
    assert_eq!(orphans::end(&orphan(other, &boot_id, &job.log)), Fate::Gone);
    assert_eq!(orphans::end(&orphan(started, "another boot", &job.log)), Fate::Gone);
    assert!(bench.local.stop(1, Stop::AtOnce), "it still runs");
    assert_eq!(bench.end().how, How::Stopped);
}
